/**
 * A capture where there are no packets: the relay's segments written down as the packets they stand for.
 *
 * Each connection is shown as seen at its dialer's access link: what the dialer sends when it has left the
 * uplink, what it is sent when it has passed the downlink. So SYN to SYN-ACK reads as the round-trip time.
 * The bytes carried are the true ones, and so are their order and the instants at which they moved under the
 * model. Reconstructed are the headers, the cut into segments, the handshake and the acknowledgements; there
 * is no congestion control to be seen. The file's comment says so, and the capture's kind is
 * `reconstructed`.
 */
import TinyQueue from 'tinyqueue';
import { PcapngWriter } from '../../capture/pcapng-writer.js';
import { LinkType } from '../../capture/packet.js';
import type { Topology } from '../../scenario/topology.js';
import type { CaptureRequest } from '../fabric.js';
import type { Endpoint } from './endpoint.js';
import type { Observer } from './relay.js';
import type { Segment } from './segment.js';
import { tcpPacket } from './tcp-packet.js';

/** TCP's headers without options, which the announced segment size does not count. */
const PLAIN_HEADER_BYTES = 40;

const CAVEAT =
  'RECONSTRUCTED packets: a stream relay carried the payload over loopback; headers, segmentation, handshakes ' +
  'and acknowledgements are made up to match what it carried and when. There was no congestion control.';

export type RecordRequest = Pick<CaptureRequest, 'file' | 'snaplen' | 'comment'>;

interface Sighting {
  readonly instant: number;
  readonly order: number;
  readonly bytes: Buffer;
}

export class Reconstruction implements Observer {
  readonly #topology: Topology;
  readonly #writer: PcapngWriter;
  /** Links are served one after the other, so segments are not seen in order of time. */
  readonly #unordered = new TinyQueue<Sighting>([], (a, b) => a.instant - b.instant || a.order - b.order);
  readonly #identifications: number[];
  #order = 0;
  #last = -Infinity;

  /** Creates the file. @throws RunError when it cannot be written. */
  constructor(request: RecordRequest, topology: Topology) {
    this.#topology = topology;
    this.#identifications = topology.nodes.map(() => 0);
    this.#writer = new PcapngWriter(request.file, {
      interfaces: [
        {
          name: 'relay',
          description: 'reconstructed from a stream relay',
          linkType: LinkType.raw,
          snaplen: request.snaplen,
        },
      ],
      comment: [CAVEAT, request.comment].filter((text) => text !== '').join('\n'),
      names: new Map(topology.nodes.map((node) => [node.address, node.name])),
    });
  }

  /** Packets written so far. */
  get packets(): number {
    return this.#writer.packets;
  }

  see(segment: Segment<Endpoint>): void {
    this.#unordered.push({ instant: segment.due, order: this.#order++, bytes: this.#packetOf(segment) });
  }

  /** @throws RunError when the file cannot be written. */
  complete(instant: number): void {
    for (
      let next = this.#unordered.peek();
      next !== undefined && next.instant <= instant;
      next = this.#unordered.peek()
    ) {
      this.#unordered.pop();
      // The one segment that may be dated back is the answer to a SYN (see Endpoint.accept).
      this.#last = Math.max(this.#last, next.instant);
      this.#writer.write(nanoseconds(this.#last), next.bytes, next.bytes.length);
    }
  }

  /** Closes the file. Returns the number of packets in it. */
  close(): number {
    this.#writer.close({ dropped: 0 });
    return this.#writer.packets;
  }

  #packetOf(segment: Segment<Endpoint>): Buffer {
    const { sender, receiver } = segment;
    return tcpPacket({
      source: this.#topology.nodes[sender.rank]!.address,
      destination: this.#topology.nodes[receiver.rank]!.address,
      sourcePort: sender.port,
      destinationPort: receiver.port,
      sequence: sender.initialSequence + segment.sequence,
      acknowledgement: segment.acknowledgement === 0 ? 0 : receiver.initialSequence + segment.acknowledgement,
      flags: segment.flags,
      timestamp: segment.timestamp,
      timestampEcho: segment.timestampEcho,
      identification: this.#identifications[sender.rank]!++,
      segmentSize: this.#topology.mtu - PLAIN_HEADER_BYTES,
      payload: segment.payload,
    });
  }
}

/** Seconds since 1970 as nanoseconds; a double is exact to about a quarter of a microsecond here. */
function nanoseconds(seconds: number): bigint {
  const whole = Math.floor(seconds);
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e9));
}
