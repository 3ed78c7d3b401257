/**
 * A portion of a capture, as a capture of its own: the packets that some addresses send or are sent.
 *
 * It is fed the whole, packet by packet, and keeps what is its own, time stamps and bytes unchanged. So several
 * portions cost one reading. A packet between two of its addresses is there once.
 */
import { addressFrom } from './address.js';
import { decode, Decoded } from './decode.js';
import { LinkType, type Packet } from './packet.js';
import { PcapngWriter } from './pcapng-writer.js';

export interface PortionOptions {
  /** The pcapng file to write. */
  readonly file: string;
  /** What the file calls the interface at which it was seen. */
  readonly interface: string;
  /** IPv4 addresses whose packets belong to it. */
  readonly addresses: readonly string[];
  readonly comment: string;
  /** IPv4 address → name, for readers of the file. */
  readonly names: ReadonlyMap<string, string>;
}

export class Portion {
  readonly #options: PortionOptions;
  readonly #addresses: ReadonlySet<number>;
  readonly #decoded = new Decoded();
  #writer: PcapngWriter | undefined;

  constructor(options: PortionOptions) {
    this.#options = options;
    this.#addresses = new Set(
      options.addresses.map((address) => addressFrom(options.file, address).words[0]),
    );
  }

  /**
   * Keeps the packet if it belongs here; whether it does. All packets must have one link type.
   *
   * @throws RunError naming the file when it can't be written
   */
  packet(packet: Packet): boolean {
    const decoded = this.#decoded;
    if (decode(packet, decoded) !== 'ip' || decoded.version !== 4) return false;
    if (!this.#addresses.has(decoded.source0) && !this.#addresses.has(decoded.destination0)) return false;
    this.#writer ??= this.#open(packet.linkType);
    this.#writer.write(packet.timestampNs, packet.captured, packet.originalLength);
    return true;
  }

  /** Closes the file, which is there even if no packet was; safe to call twice. */
  close(): void {
    this.#writer ??= this.#open(LinkType.ethernet);
    this.#writer.close();
  }

  #open(linkType: number): PcapngWriter {
    const { file, comment, names } = this.#options;
    return new PcapngWriter(file, {
      interfaces: [{ name: this.#options.interface, linkType }],
      comment,
      names,
    });
  }
}
