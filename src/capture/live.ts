/**
 * From a running tcpdump to a pcapng file.
 *
 * tcpdump writes classic pcap to its pipe (`tcpdump -w - --time-stamp-precision=nano`); this turns it, as
 * it comes, into pcapng with names and comments, and lets others look at each packet on the way. It starts
 * no process and owns neither the pipe nor the writer: whoever made them closes them.
 */
import { RunError } from '../errors.js';
import type { Packet, PacketHandler } from './packet.js';
import { PcapParser } from './pcap-parser.js';
import type { PcapngWriter } from './pcapng-writer.js';

export class TcpdumpToPcapng {
  readonly #parser: PcapParser;

  /**
   * @param writer written to as interface 0, which must have the given link type.
   * @param onPacket called for each packet after it was written; valid during the call only.
   */
  constructor(writer: PcapngWriter, linkType: number, onPacket?: PacketHandler) {
    this.#parser = new PcapParser((packet: Packet) => {
      if (packet.linkType !== linkType) {
        throw new RunError(
          `tcpdump delivers link type ${packet.linkType}; the capture was opened for ${linkType}`,
        );
      }
      writer.write(packet.timestampNs, packet.captured, packet.originalLength);
      onPacket?.(packet);
    });
  }

  /** True once tcpdump has sent its header: it then listens. */
  get started(): boolean {
    return this.#parser.started;
  }

  /**
   * Takes a chunk of tcpdump's standard output; the chunk may be reused afterwards.
   *
   * @throws InputError when it is no pcap; RunError when the capture cannot be written.
   */
  push(chunk: Uint8Array): void {
    this.#parser.push(chunk);
  }

  /** Tells that tcpdump ended; returns the offset of an unfinished packet, or undefined. */
  finish(): number | undefined {
    return this.#parser.finish();
  }
}
