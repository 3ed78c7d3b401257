/**
 * An IP packet on its way through a shaper, and the little of its header that the shaper reads.
 *
 * Packets are pooled: each owns a buffer that is read into, passed along, written out and reused. A
 * busy link moves tens of thousands a second, and memory made and thrown away for each would stop the
 * shaper's thread for garbage collection just when it must be on time.
 */
import { addressFrom } from '../../capture/address.js';
import type { FlowPacket } from '../link/index.js';

/** Rates count Ethernet frames without preamble and checksum, as `tc` does; a TUN device shows IP packets. */
export const ETHERNET_HEADER_BYTES = 14;

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;

export class Packet implements FlowPacket {
  readonly buffer: Buffer;
  /** Bytes of the IP packet in `buffer`. */
  length = 0;
  bytes = 0;
  /** Rank of the other end. */
  lane = 0;
  due = 0;
  /** See cuts.ts. */
  cuts = 0;
  /** Rank of the node that it is for, and how many shared queues it has passed: the core's. */
  receiver = 0;
  hop = 0;
  /** See markFlow(). */
  flow = 0;

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

  /**
   * Sets `flow`, a hash of what routers tell flows apart by: addresses, protocol, and ports where it has some. Two flows
   * that have the same by chance, of which there is one in 4 billion, are taken for one.
   */
  markFlow(): void {
    const { buffer } = this;
    const start = this.#transport;
    const isWhole = (buffer.readUInt16BE(6) & 0x3fff) === 0;
    const hasPorts =
      isWhole && this.length >= start + 4 && (buffer[9] === PROTOCOL_TCP || buffer[9] === PROTOCOL_UDP);
    let hash = mixed(buffer[9]!, this.source);
    hash = mixed(hash, this.destination);
    this.flow = hasPorts ? mixed(hash, buffer.readUInt32BE(start)) : hash;
  }

  /** Takes over what another packet has. */
  copyFrom(other: Packet): void {
    other.buffer.copy(this.buffer, 0, 0, other.length);
    this.setLength(other.length);
    this.lane = other.lane;
    this.receiver = other.receiver;
    this.cuts = other.cuts;
  }

  /**
   * Flips one bit of what TCP or UDP carries, so that the checksum is wrong at the receiver. Where it carries nothing, a
   * bit of the checksum itself. The IP header stays as it is, so that the packet arrives where it was sent to, and so do
   * the ports and numbers by which it is known to be part of a connection. Of any other protocol all behind the IP
   * header may be hit.
   *
   * @param share of at least 0 and below 1: which bit
   */
  damage(share: number): void {
    const { buffer, length } = this;
    const start = this.#transport;
    const isFirst = (buffer.readUInt16BE(6) & 0x1fff) === 0;
    let [from, to] = [start, length];
    if (isFirst && buffer[9] === PROTOCOL_TCP && length >= start + 20) {
      from = start + (buffer[start + 12]! >> 4) * 4;
      if (from >= length) [from, to] = [start + 16, start + 18];
    } else if (isFirst && buffer[9] === PROTOCOL_UDP && length >= start + 8) {
      from = start + 8;
      if (from >= length) [from, to] = [start + 6, start + 8];
    }
    if (from >= to) return;
    const bit = Math.floor(share * 8 * (to - from));
    const place = from + (bit >> 3);
    buffer[place] = buffer[place]! ^ (1 << (bit & 7));
  }

  /** A SYN without ACK: the first packet of a connection. */
  get opensConnection(): boolean {
    return (this.buffer[this.#transport + 13]! & (TCP_SYN | TCP_ACK)) === TCP_SYN;
  }
}

/** A number of 32 bits in which each bit of two others counts: a step of MurmurHash3 (A. Appleby, 2011). */
function mixed(hash: number, value: number): number {
  let word = Math.imul(value, 0xcc9e2d51);
  word = (word << 15) | (word >>> 17);
  let sum = hash ^ Math.imul(word, 0x1b873593);
  sum = (sum << 13) | (sum >>> 19);
  return (Math.imul(sum, 5) + 0xe6546b64) | 0;
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

  copyOf(packet: Packet): Packet {
    const copy = this.take();
    copy.copyFrom(packet);
    return copy;
  }

  giveBack(packet: Packet): void {
    this.#free.push(packet);
  }
}

/** "10.77.0.1" as a number. */
export function addressNumber(address: string): number {
  return addressFrom('address of a node', address).words[0];
}
