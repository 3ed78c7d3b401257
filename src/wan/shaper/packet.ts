/**
 * An IP packet on its way through a shaper, and the little of its header that the shaper reads.
 *
 * Packets are pooled: each owns a buffer that is read into, passed along, written out and reused. A
 * busy link moves tens of thousands a second, and memory made and thrown away for each would stop the
 * shaper's thread for garbage collection just when it must be on time.
 */
import type { Queued } from '../link/index.js';

/** Rates count Ethernet frames without preamble and checksum, as `tc` does; a TUN device shows IP packets. */
export const ETHERNET_HEADER_BYTES = 14;

const PROTOCOL_TCP = 6;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;

export class Packet implements Queued {
  readonly buffer: Buffer;
  /** Bytes of the IP packet in `buffer`. */
  length = 0;
  bytes = 0;
  /** Rank of the other end. */
  lane = 0;
  due = 0;
  /** See cuts.ts. */
  cuts = 0;

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  setLength(length: number): void {
    this.length = length;
    this.bytes = length + ETHERNET_HEADER_BYTES;
  }

  get isIpv4(): boolean {
    return this.length >= 20 && this.buffer[0]! >> 4 === 4;
  }

  get source(): number {
    return this.buffer.readUInt32BE(12);
  }

  get destination(): number {
    return this.buffer.readUInt32BE(16);
  }

  get #transport(): number {
    return (this.buffer[0]! & 15) * 4;
  }

  /** Whether TCP's ports and flags can be read: TCP, not a later fragment, header present. */
  get isTcp(): boolean {
    const fragmentOffset = this.buffer.readUInt16BE(6) & 0x1fff;
    return this.buffer[9] === PROTOCOL_TCP && fragmentOffset === 0 && this.length >= this.#transport + 20;
  }

  get sourcePort(): number {
    return this.buffer.readUInt16BE(this.#transport);
  }

  get destinationPort(): number {
    return this.buffer.readUInt16BE(this.#transport + 2);
  }

  /** A SYN without ACK: the first packet of a connection. */
  get opensConnection(): boolean {
    return (this.buffer[this.#transport + 13]! & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  }
}

/** Packets at rest. It grows to the most that were ever on their way at once. */
export class PacketPool {
  readonly #capacity: number;
  readonly #free: Packet[] = [];

  /** `capacity`: bytes of the largest IP packet. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  take(): Packet {
    return this.#free.pop() ?? new Packet(this.#capacity);
  }

  giveBack(packet: Packet): void {
    this.#free.push(packet);
  }
}

/** "10.77.0.1" as a number. */
export function addressNumber(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}
