/**
 * The shaper's own record of the packets it puts on the bridge: a capture where tcpdump is not installed.
 *
 * The packets are genuine: they are the bytes and the instants that the kernel was given. Only the
 * Ethernet header is missing, since the shaper sees IP packets (link type RAW).
 */
import { LinkType, PcapngWriter } from '../../capture/index.js';
import { toNanoseconds } from '../../clock.js';
import type { Topology } from '../../scenario/topology.js';
import type { CaptureRequest } from '../fabric.js';
import type { Packet } from './packet.js';

export type RecordRequest = Pick<CaptureRequest, 'file' | 'snaplen' | 'comment'>;

export class Recorder {
  readonly #writer: PcapngWriter;

  constructor(request: RecordRequest, topology: Topology) {
    this.#writer = new PcapngWriter(request.file, {
      interfaces: [{ name: 'shaper', linkType: LinkType.raw, snaplen: request.snaplen }],
      comment: request.comment,
      names: new Map(topology.nodes.map((node) => [node.address, node.name])),
    });
  }

  /** `seconds` since 1970. */
  write(seconds: number, packet: Packet): void {
    this.#writer.write(toNanoseconds(seconds), packet.buffer.subarray(0, packet.length), packet.length);
  }

  /** Returns the number of packets recorded. */
  close(): number {
    const { packets } = this.#writer;
    this.#writer.close();
    return packets;
  }
}
