/**
 * The shaper's own record of the packets it puts on the bridge: a capture where tcpdump is not installed.
 *
 * The packets are genuine: they are the bytes and the instants that the kernel was given. Only the
 * Ethernet header is missing, since the shaper sees IP packets (link type RAW).
 */
import { openSync } from 'node:fs';
import { LINKTYPE_RAW, PcapngWriter } from '../../capture/index.js';
import { toNanoseconds } from '../../clock.js';
import type { Topology } from '../../scenario/topology.js';
import type { CaptureRequest } from '../fabric.js';
import type { Packet } from './packet.js';

export type RecordRequest = Pick<CaptureRequest, 'file' | 'snaplen' | 'comment'>;

export class Recorder {
  readonly #writer: PcapngWriter;
  readonly #snaplen: number;
  #packets = 0;

  constructor(request: RecordRequest, topology: Topology) {
    this.#snaplen = request.snaplen;
    this.#writer = new PcapngWriter(openSync(request.file, 'w'), {
      file: request.file,
      comment: request.comment,
      snaplen: request.snaplen,
      linkType: LINKTYPE_RAW,
      interfaceName: 'shaper',
      names: topology.nodes.map((node) => ({ address: node.address, name: node.name })),
    });
  }

  /** `seconds` since 1970. */
  write(seconds: number, packet: Packet): void {
    const data = packet.buffer.subarray(0, Math.min(packet.length, this.#snaplen));
    this.#writer.write(toNanoseconds(seconds), data, packet.length);
    this.#packets++;
  }

  /** Returns the number of packets recorded. */
  close(): number {
    this.#writer.close();
    return this.#packets;
  }
}
