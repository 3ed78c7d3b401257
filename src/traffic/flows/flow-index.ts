/**
 * Which flow a packet belongs to, as a number.
 *
 * Whoever keeps something per flow keeps it in arrays of its own and asks here, once per packet, for the row. Keys lie
 * in one typed array and are compared as whole numbers, so a look-up makes no object, and a million flows are a few
 * large blocks of memory and not a million small ones. Both directions of a conversation are one key: the lower
 * endpoint comes first, and `isUp` says which way a packet went. (A directed index keeps them apart, as an exporter of
 * uniflows does.) The hash is salted, so that no capture can be made to fall into one bucket.
 *
 * It bounds nothing: it grows as long as it is added to, and its owner decides who has to go.
 */
import { Protocol } from '../../capture/index.js';
import type { Address, Decoded } from '../../capture/index.js';

/** 32-bit words of a row; a power of two, so that a row lies in one line of the processor's cache. */
const STRIDE = 16;
const NEXT = 0;
const PORTS = 1;
const KIND = 2;
const LOW = 3;
const HIGH = 7;
const NONE = -1;
const FIRST_CAPACITY = 512;
/** What an endpoint is in an index of its own kind. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

export class FlowIndex {
  /** Whether the packet last looked up went from the key's low endpoint to its high one. */
  isUp = true;
  /** Rows in use. */
  size = 0;
  /** Rows handed out so far are below this; among them are those given back. */
  end = 0;
  readonly #isDirected: boolean;
  readonly #salt = oddNumber();
  readonly #salt2 = oddNumber();
  readonly #salt3 = oddNumber();
  #rows = new Int32Array(FIRST_CAPACITY * STRIDE);
  /** Heads of the hash table's lists, twice as many as rows: a row more in a list is a wait for memory. */
  #buckets = new Int32Array(2 * FIRST_CAPACITY).fill(NONE);
  #free: number[] = [];
  /** The key last looked up; whole signed words, which V8 keeps unboxed. */
  #low0 = 0;
  #low1 = 0;
  #low2 = 0;
  #low3 = 0;
  #high0 = 0;
  #high1 = 0;
  #high2 = 0;
  #high3 = 0;
  #ports = 0;
  #kind = 0;
  /** Row of the last success, for packets come in trains; none when negative. */
  #last = NONE;

  /**
   * The IPv4 packet last looked up in full, if there is one, and which way it went; its row is the last one. A train's
   * packets are the same, and acknowledgements between them the other way round.
   */
  #seenSource = 0;
  #seenDestination = 0;
  #seenSourcePort = 0;
  #seenDestinationPort = 0;
  #seenProtocol = NONE;
  #seenUp = true;

  /** @param isDirected whether the two directions of a conversation are two flows. */
  constructor(isDirected = false) {
    this.#isDirected = isDirected;
    // A field that has never changed is compiled in as a constant, and everything anew when it does.
    this.#grow();
  }

  /** Rows there is memory for: who keeps arrays beside this one makes them as long. */
  get capacity(): number {
    return this.#rows.length / STRIDE;
  }

  /**
   * The row of the packet's flow, or -1; sets {@link isUp}.
   *
   * @param icmp of ICMP 256 × type + code, which is not among the packet's ports.
   */
  find(packet: Decoded, icmp?: number): number {
    const last = this.#last;
    if (last >= 0 && packet.protocol === this.#seenProtocol && packet.version === 4) {
      const { sourcePort, destinationPort } = packet;
      const source = packet.source0 | 0;
      const destination = packet.destination0 | 0;
      if (
        destinationPort === this.#seenDestinationPort &&
        sourcePort === this.#seenSourcePort &&
        source === this.#seenSource &&
        destination === this.#seenDestination
      ) {
        this.isUp = this.#seenUp;
        return last;
      }
      if (
        destinationPort === this.#seenSourcePort &&
        sourcePort === this.#seenDestinationPort &&
        source === this.#seenDestination &&
        destination === this.#seenSource &&
        !this.#isDirected
      ) {
        this.isUp = !this.#seenUp;
        return last;
      }
    }
    this.#take(packet, icmp ?? packet.icmpTypeCode);
    if (packet.version === 4 && packet.protocol !== Protocol.icmp && packet.protocol !== Protocol.icmp6) {
      this.#seenSource = packet.source0 | 0;
      this.#seenDestination = packet.destination0 | 0;
      this.#seenSourcePort = packet.sourcePort;
      this.#seenDestinationPort = packet.destinationPort;
      this.#seenProtocol = packet.protocol;
      this.#seenUp = this.isUp;
    } else this.#seenProtocol = NONE;
    if (last >= 0 && this.#matches(last * STRIDE)) return last;
    const rows = this.#rows;
    let row = this.#buckets[this.#bucket()]!;
    while (row >= 0) {
      const next = rows[row * STRIDE + NEXT]!;
      if (this.#matches(row * STRIDE)) {
        this.#last = row;
        return row;
      }
      row = next;
    }
    this.#last = NONE;
    return NONE;
  }

  /** A row for the flow of the packet that {@link find} just found none for. */
  insert(): number {
    const row = this.#free.pop() ?? this.end++;
    if (row >= this.capacity) this.#grow();
    const rows = this.#rows;
    const at = row * STRIDE;
    rows[at + PORTS] = this.#ports;
    rows[at + KIND] = this.#kind;
    rows[at + LOW] = this.#low0;
    rows[at + LOW + 1] = this.#low1;
    rows[at + LOW + 2] = this.#low2;
    rows[at + LOW + 3] = this.#low3;
    rows[at + HIGH] = this.#high0;
    rows[at + HIGH + 1] = this.#high1;
    rows[at + HIGH + 2] = this.#high2;
    rows[at + HIGH + 3] = this.#high3;
    this.#chain(row, this.#bucket());
    this.size += 1;
    this.#last = row;
    return row;
  }

  /** Forgets a flow; its row will be another's. */
  remove(row: number): void {
    const rows = this.#rows;
    this.#load(row);
    const bucket = this.#bucket();
    let before = NONE;
    for (let at = this.#buckets[bucket]!; at !== row; at = rows[at * STRIDE + NEXT]!) before = at;
    const next = rows[row * STRIDE + NEXT]!;
    if (before < 0) this.#buckets[bucket] = next;
    else rows[before * STRIDE + NEXT] = next;
    rows[row * STRIDE + KIND] = 0;
    this.#free.push(row);
    this.size -= 1;
    this.#last = NONE;
  }

  /** Whether the row is a flow's now. */
  has(row: number): boolean {
    return this.#rows[row * STRIDE + KIND] !== 0;
  }

  protocol(row: number): number {
    return this.#rows[row * STRIDE + KIND]! & 255;
  }

  low(row: number): Endpoint {
    return this.#endpoint(row, LOW, this.port(row, true));
  }

  high(row: number): Endpoint {
    return this.#endpoint(row, HIGH, this.port(row, false));
  }

  port(row: number, isLow: boolean): number {
    const ports = this.#rows[row * STRIDE + PORTS]!;
    return isLow ? ports >>> 16 : ports & 0xffff;
  }

  /** The word of an IPv4 address, signed; undefined for IPv6. */
  ipv4(row: number, isLow: boolean): number | undefined {
    const at = row * STRIDE;
    return this.#rows[at + KIND]! < 0x600 ? this.#rows[at + (isLow ? LOW : HIGH)] : undefined;
  }

  #endpoint(row: number, which: number, port: number): Endpoint {
    const at = row * STRIDE;
    const rows = this.#rows;
    const word = (index: number): number => rows[at + which + index]! >>> 0;
    const version = rows[at + KIND]! >> 8 === 4 ? 4 : 6;
    return { address: { version, words: [word(0), word(1), word(2), word(3)] }, port };
  }

  /** Takes a packet's key, its endpoints in order. */
  #take(packet: Decoded, icmp: number): void {
    const { protocol } = packet;
    const isFour = packet.version === 4;
    const source = packet.source0 | 0;
    const destination = packet.destination0 | 0;
    let low = packet.sourcePort;
    let high = packet.destinationPort;
    if (protocol === Protocol.icmp || protocol === Protocol.icmp6) {
      low = high = this.#isDirected ? icmp : questionOf(icmp);
    }
    let isUp = this.#isDirected || source < destination;
    if (!isUp && source === destination) isUp = isFour ? low <= high : isInOrder(packet, low, high);
    this.isUp = isUp;
    this.#kind = protocol | (isFour ? 0x400 : 0x600);
    if (isUp) {
      this.#low0 = source;
      this.#high0 = destination;
      this.#ports = (low << 16) | high;
    } else {
      this.#low0 = destination;
      this.#high0 = source;
      this.#ports = (high << 16) | low;
    }
    if (!isFour) {
      this.#low1 = (isUp ? packet.source1 : packet.destination1) | 0;
      this.#low2 = (isUp ? packet.source2 : packet.destination2) | 0;
      this.#low3 = (isUp ? packet.source3 : packet.destination3) | 0;
      this.#high1 = (isUp ? packet.destination1 : packet.source1) | 0;
      this.#high2 = (isUp ? packet.destination2 : packet.source2) | 0;
      this.#high3 = (isUp ? packet.destination3 : packet.source3) | 0;
    } else if (this.#low3 !== 0 || this.#high3 !== 0 || this.#low1 !== 0 || this.#high1 !== 0) {
      this.#clearSix();
    } else {
      this.#low2 = this.#high2 = 0;
    }
  }

  #clearSix(): void {
    this.#low1 = this.#low2 = this.#low3 = 0;
    this.#high1 = this.#high2 = this.#high3 = 0;
  }

  #load(row: number): void {
    const rows = this.#rows;
    const at = row * STRIDE;
    this.#ports = rows[at + PORTS]!;
    this.#kind = rows[at + KIND]!;
    this.#low0 = rows[at + LOW]!;
    this.#low1 = rows[at + LOW + 1]!;
    this.#low2 = rows[at + LOW + 2]!;
    this.#low3 = rows[at + LOW + 3]!;
    this.#high0 = rows[at + HIGH]!;
    this.#high1 = rows[at + HIGH + 1]!;
    this.#high2 = rows[at + HIGH + 2]!;
    this.#high3 = rows[at + HIGH + 3]!;
  }

  #matches(at: number): boolean {
    const rows = this.#rows;
    return (
      rows[at + PORTS] === this.#ports &&
      rows[at + LOW] === this.#low0 &&
      rows[at + HIGH] === this.#high0 &&
      rows[at + KIND] === this.#kind &&
      rows[at + LOW + 3] === this.#low3 &&
      rows[at + HIGH + 3] === this.#high3 &&
      rows[at + LOW + 1] === this.#low1 &&
      rows[at + LOW + 2] === this.#low2 &&
      rows[at + HIGH + 1] === this.#high1 &&
      rows[at + HIGH + 2] === this.#high2
    );
  }

  #bucket(): number {
    // Multiplied by numbers that nobody knows, and side by side, which the processor does at once.
    let hash =
      Math.imul(this.#low0, this.#salt) +
      Math.imul(this.#high0, this.#salt2) +
      Math.imul(this.#ports, this.#salt3);
    if (this.#kind >= 0x600) {
      hash = mix(hash ^ this.#low1);
      hash = mix(hash ^ this.#low2);
      hash = mix(hash ^ this.#low3);
      hash = mix(hash ^ this.#high1);
      hash = mix(hash ^ this.#high2);
      hash = mix(hash ^ this.#high3);
    }
    return mix(hash ^ this.#kind) & (this.#buckets.length - 1);
  }

  #chain(row: number, bucket: number): void {
    this.#rows[row * STRIDE + NEXT] = this.#buckets[bucket]!;
    this.#buckets[bucket] = row;
  }

  #grow(): void {
    const grown = new Int32Array(2 * this.#rows.length);
    grown.set(this.#rows);
    this.#rows = grown;
    this.#buckets = new Int32Array(2 * this.capacity).fill(NONE);
    const [ports, kind] = [this.#ports, this.#kind];
    const low = [this.#low0, this.#low1, this.#low2, this.#low3] as const;
    const high = [this.#high0, this.#high1, this.#high2, this.#high3] as const;
    for (let row = 0; row < this.end - 1; row++) {
      this.#load(row);
      if (this.#kind !== 0) this.#chain(row, this.#bucket());
    }
    [this.#ports, this.#kind] = [ports, kind];
    [this.#low0, this.#low1, this.#low2, this.#low3] = low;
    [this.#high0, this.#high1, this.#high2, this.#high3] = high;
  }
}

/** Whether an IPv6 packet with equal first words goes from the lower endpoint to the higher. */
function isInOrder(packet: Decoded, low: number, high: number): boolean {
  if (packet.source1 !== packet.destination1) return packet.source1 < packet.destination1;
  if (packet.source2 !== packet.destination2) return packet.source2 < packet.destination2;
  if (packet.source3 !== packet.destination3) return packet.source3 < packet.destination3;
  return low <= high;
}

/** 256 × type + code of the question to which an ICMP message is the answer, so that both are one conversation. */
function questionOf(code: number): number {
  switch (code >> 8) {
    case 0: // echo
      return 0x800 | (code & 255);
    case 14: // timestamp
    case 16: // information
    case 18: // address mask
    case 129: // echo, in ICMPv6
      return code - 0x100;
    default:
      return code;
  }
}

/** Any odd number of 32 bits, signed. */
function oddNumber(): number {
  return Math.floor(Math.random() * 2 ** 32) | 1;
}

/** The finalizer of MurmurHash3 (32 bits): every bit of the input moves every bit of the output. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
