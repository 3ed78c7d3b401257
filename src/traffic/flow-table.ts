/**
 * The flows of a capture and what is counted of each: conversations kept whole, however long.
 *
 * A flow is a row of numbers in one typed array, which its index (flows/flow-index.ts) finds for each packet; so a
 * packet costs a look-up and some additions, and no object. Two times are worth a word. The time from SYN to SYN-ACK
 * is the round trip from the capture point to the responder and back; the time from SYN to the first ACK after the
 * SYN-ACK is the whole round trip between the two hosts, wherever between them the capture was made.
 *
 * TCP's numbers are followed in two ways. As long as a direction's segments come one after the other, as most do, the
 * next number is all there is to know. The first one that does not makes a SequenceTracker, which takes over.
 *
 * The table is bounded: when full, the half of the flows with the fewest bytes makes way and is counted.
 */
import type { Decoded } from '../capture/index.js';
import { Protocol, TcpFlag } from '../capture/index.js';
import { smallerHalfOf } from './evict.js';
import { FlowIndex } from './flows/flow-index.js';
import type { Endpoint } from './flows/flow-index.js';
import { keyOf } from './hosts.js';
import type { DirectionReport } from './report.js';
import { SequenceTracker } from './sequence.js';

/** Flows that made way, and what they had counted. */
export interface Evicted {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/** 64-bit columns of a row: eight for the flow, then eight for each direction, so that each part is a cache line. */
const STRIDE = 24;
const FIRST = 0;
const LAST = 1;
const SYN_AT = 2;
const SYN_ACK = 3;
const HANDSHAKE = 4;
/** 1 when the source is the key's low endpoint. */
const IS_LOW = 5;
/** ICMP's type and code, of the first packet. */
const ICMP = 6;
const UP = 8;
const DOWN = 16;
/** Columns of a direction. */
const PACKETS = 0;
const BYTES = 1;
const MAX = 2;
const PAYLOAD = 3;
/** The number that the next segment has if none is lost; NaN before the first. */
const NEXT = 4;
const SYN_NUMBER = 5;
const FLAGS = 6;
/** Which tracker has taken over: its place in the list and 1, or 0. */
const TRACKER = 7;

export class FlowTable {
  readonly #max: number;
  readonly #index = new FlowIndex();
  readonly #trackers: SequenceTracker[] = [];
  readonly #freeTrackers: number[] = [];
  #rows = new Float64Array(0);
  #evicted = { flows: 0, packets: 0, bytes: 0 };
  /** Whether the packet of the last {@link find} that succeeded goes the flow's forward way. */
  isForward = true;
  /** The time of what is added, seconds; in an array, for a number that is passed on may be made anew each time. */
  readonly now = new Float64Array(1);
  /** Called with each row that makes way. */
  onEvict: (row: number) => void = () => undefined;

  constructor(max: number) {
    this.#max = Math.max(1, max);
    this.#rows = new Float64Array(this.#index.capacity * STRIDE);
  }

  get evicted(): Evicted {
    return this.#evicted;
  }

  get size(): number {
    return this.#index.size;
  }

  /** The row of the packet's flow, or -1; sets {@link isForward} when there is one. */
  find(packet: Decoded, icmp?: number): number {
    const row = this.#index.find(packet, icmp);
    if (row >= 0) this.isForward = this.#index.isUp === (this.#rows[row * STRIDE + IS_LOW] === 1);
    return row;
  }

  /** Adds the flow of a packet for which {@link find} found none. */
  insert(packet: Decoded, isAnswer: boolean, icmp = packet.icmpTypeCode): number {
    if (this.#index.size >= this.#max) {
      this.#makeRoom();
      this.#index.find(packet, icmp);
    }
    const { isUp } = this.#index;
    const row = this.#index.insert();
    if ((row + 1) * STRIDE > this.#rows.length) {
      const grown = new Float64Array(this.#index.capacity * STRIDE);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    const rows = this.#rows;
    const at = row * STRIDE;
    rows.fill(0, at, at + STRIDE);
    rows[at + FIRST] = rows[at + LAST] = this.now[0]!;
    rows[at + SYN_AT] = rows[at + SYN_ACK] = rows[at + HANDSHAKE] = NaN;
    rows[at + UP + NEXT] = rows[at + UP + SYN_NUMBER] = NaN;
    rows[at + DOWN + NEXT] = rows[at + DOWN + SYN_NUMBER] = NaN;
    rows[at + IS_LOW] = isUp !== isAnswer ? 1 : 0;
    rows[at + ICMP] = icmp;
    this.isForward = !isAnswer;
    return row;
  }

  /**
   * Counts a packet of a flow, after {@link find} or {@link insert}.
   *
   * @param weight how many packets this one stands for, of which nothing but the size is known but for itself.
   */
  add(row: number, packet: Decoded, frameBytes: number, weight: number): void {
    const rows = this.#rows;
    const at = row * STRIDE;
    const own = at + (this.#index.isUp ? UP : DOWN);
    rows[own + PACKETS]! += weight;
    rows[own + BYTES]! += frameBytes * weight;
    if (frameBytes > rows[own + MAX]!) rows[own + MAX] = frameBytes;
    const seconds = this.now[0]!;
    if (seconds > rows[at + LAST]!) rows[at + LAST] = seconds;
    else if (seconds < rows[at + FIRST]!) rows[at + FIRST] = seconds;
    if (!packet.hasTcp) {
      rows[own + PAYLOAD]! += packet.payloadBytes * weight;
      return;
    }
    const flags = packet.tcpFlags;
    rows[own + FLAGS] = rows[own + FLAGS]! | flags;
    // The gaps of a sample say nothing about segments lost.
    if (weight !== 1) rows[own + PAYLOAD]! += packet.payloadBytes * weight;
    else if ((flags & TcpFlag.syn) === 0) {
      if (packet.payloadBytes > 0) this.#segment(own, packet.sequence, packet.payloadBytes);
      if (!Number.isNaN(rows[at + SYN_ACK]!)) this.#acknowledge(at, flags);
    } else this.#synchronize(at, own, packet);
  }

  /** Counts a part of a flow that a flow record tells of: so many packets and bytes the way last found. */
  addRecord(row: number, first: number, last: number, packets: number, bytes: number, flags: number): void {
    const rows = this.#rows;
    const at = row * STRIDE;
    const own = at + (this.#index.isUp ? UP : DOWN);
    rows[own + PACKETS]! += packets;
    rows[own + BYTES]! += bytes;
    rows[own + FLAGS] = rows[own + FLAGS]! | flags;
    if (last > rows[at + LAST]!) rows[at + LAST] = last;
    if (first < rows[at + FIRST]!) rows[at + FIRST] = first;
  }

  /** Turns the direction that {@link add} counts. */
  turn(): void {
    this.#index.isUp = !this.#index.isUp;
    this.isForward = !this.isForward;
  }

  /** All rows in use. */
  list(): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.#index.end; row++) if (this.#index.has(row)) rows.push(row);
    return rows;
  }

  protocol(row: number): number {
    return this.#index.protocol(row);
  }

  source(row: number): Endpoint {
    return this.#end(row, this.#isLow(row));
  }

  destination(row: number): Endpoint {
    return this.#end(row, !this.#isLow(row));
  }

  /** The source's port without an object for the rest of it. */
  sourcePort(row: number): number {
    return this.#port(row, this.#isLow(row));
  }

  destinationPort(row: number): number {
    return this.#port(row, !this.#isLow(row));
  }

  /** What a host table knows the flow's source or destination by. */
  hostKey(row: number, isSource: boolean): number | string {
    const isLow = this.#isLow(row) === isSource;
    const word = this.#index.ipv4(row, isLow);
    return word ?? keyOf((isLow ? this.#index.low(row) : this.#index.high(row)).address);
  }

  bytes(row: number): number {
    return this.#rows[row * STRIDE + UP + BYTES]! + this.#rows[row * STRIDE + DOWN + BYTES]!;
  }

  /** When its first packet came, seconds. */
  first(row: number): number {
    return this.#rows[row * STRIDE + FIRST]!;
  }

  /** Times in seconds; those of the handshake NaN when not seen. */
  times(row: number): { first: number; last: number; synAck: number; handshake: number } {
    const rows = this.#rows;
    const at = row * STRIDE;
    return {
      first: rows[at + FIRST]!,
      last: rows[at + LAST]!,
      synAck: rows[at + SYN_ACK]!,
      handshake: rows[at + HANDSHAKE]!,
    };
  }

  /** What went one way. */
  direction(row: number, isForward: boolean): DirectionReport {
    const rows = this.#rows;
    const at = row * STRIDE + (isForward === this.#isLow(row) ? UP : DOWN);
    const tracker = this.#trackers[rows[at + TRACKER]! - 1];
    return {
      packets: rows[at + PACKETS]!,
      bytes: rows[at + BYTES]!,
      maxPacketBytes: rows[at + MAX]!,
      payloadBytes: rows[at + PAYLOAD]! + (tracker?.unique ?? 0),
      retransmittedBytes: tracker?.repeated ?? 0,
      missingBytes: tracker?.missing ?? 0,
      tcpFlags: rows[at + FLAGS]!,
    };
  }

  #end(row: number, isLow: boolean): Endpoint {
    const { address } = isLow ? this.#index.low(row) : this.#index.high(row);
    return { address, port: this.#port(row, isLow) };
  }

  /** 0 for ICMP, whose code the index has there. */
  #port(row: number, isLow: boolean): number {
    const index = this.#index;
    const icmp = index.ipv4(row, true) === undefined ? Protocol.icmp6 : Protocol.icmp;
    return index.protocol(row) === icmp ? 0 : index.port(row, isLow);
  }

  #isLow(row: number): boolean {
    return this.#rows[row * STRIDE + IS_LOW] === 1;
  }

  /** Counts a segment's payload, once. */
  #segment(own: number, sequence: number, length: number): void {
    const rows = this.#rows;
    if (rows[own + NEXT] === sequence) {
      rows[own + PAYLOAD]! += length;
      const next = sequence + length;
      rows[own + NEXT] = next < WRAP ? next : next - WRAP;
      return;
    }
    if (rows[own + TRACKER] === 0 && Number.isNaN(rows[own + NEXT]!)) {
      rows[own + NEXT] = sequence;
      this.#segment(own, sequence, length);
    } else this.#tracker(own).add(sequence, length);
  }

  #synchronize(at: number, own: number, packet: Decoded): void {
    const rows = this.#rows;
    const first = (packet.sequence + 1) >>> 0;
    if (rows[own + TRACKER] !== 0) this.#tracker(own).synchronize(packet.sequence);
    // The same SYN seen again changes nothing.
    else if (rows[own + SYN_NUMBER] !== first) rows[own + SYN_NUMBER] = rows[own + NEXT] = first;
    // Data may ride on a SYN (TCP Fast Open); the SYN itself takes the first number.
    if (packet.payloadBytes > 0) this.#segment(own, first, packet.payloadBytes);
    if ((packet.tcpFlags & TcpFlag.ack) === 0) rows[at + SYN_AT] = this.now[0]!;
    else if (!this.isForward && Number.isNaN(rows[at + SYN_ACK]!))
      rows[at + SYN_ACK] = this.now[0]! - rows[at + SYN_AT]!;
  }

  /** The ACK that ends the handshake. */
  #acknowledge(at: number, flags: number): void {
    const rows = this.#rows;
    if (this.isForward && (flags & TcpFlag.ack) !== 0 && Number.isNaN(rows[at + HANDSHAKE]!))
      rows[at + HANDSHAKE] = this.now[0]! - rows[at + SYN_AT]!;
  }

  /** The direction's tracker, made when there is none: from then on it counts, and NEXT matches nothing. */
  #tracker(own: number): SequenceTracker {
    const rows = this.#rows;
    const known = this.#trackers[rows[own + TRACKER]! - 1];
    if (known !== undefined) return known;
    const tracker = SequenceTracker.after(rows[own + PAYLOAD]!, rows[own + NEXT]!, rows[own + SYN_NUMBER]!);
    const place = this.#freeTrackers.pop() ?? this.#trackers.length;
    this.#trackers[place] = tracker;
    rows[own + TRACKER] = place + 1;
    rows[own + PAYLOAD] = 0;
    rows[own + NEXT] = NaN;
    return tracker;
  }

  #makeRoom(): void {
    const list = this.list();
    const isLeaving = smallerHalfOf(Float64Array.from(list, (row) => this.bytes(row)));
    for (const row of list) {
      if (!isLeaving(this.bytes(row))) continue;
      const at = row * STRIDE;
      for (const own of [at + UP, at + DOWN]) {
        this.#evicted.packets += this.#rows[own + PACKETS]!;
        const place = this.#rows[own + TRACKER]!;
        if (place > 0) this.#freeTrackers.push(place - 1);
      }
      this.#evicted.flows += 1;
      this.#evicted.bytes += this.bytes(row);
      this.onEvict(row);
      this.#index.remove(row);
    }
  }
}

const WRAP = 2 ** 32;
