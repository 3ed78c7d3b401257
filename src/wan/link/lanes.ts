/**
 * Packets on their way in several lanes at once: a line for each lane, in which packets keep their order, and at any
 * time the packet that is due first of all lanes.
 *
 * In a lane packets are due in the order in which they came, so only the heads of the lanes compete, in a heap of lane
 * numbers. Nothing is allocated for a packet, and a packet that is followed by one of its own lane costs no more than
 * a look at two children: this is the inside of the shaper's busiest loop. Packets of different lanes that are due at
 * the same instant leave in any order.
 */
import Denque from 'denque';
import type { Queued } from './stage.js';

export class Lanes<P extends Queued> {
  readonly #lines: Denque<P>[];
  /** When the head of each lane is due. */
  readonly #due: Float64Array;
  /** A binary heap of the lanes that are not empty, by #due. */
  readonly #heap: Int32Array;
  #size = 0;

  constructor(count: number) {
    this.#lines = Array.from({ length: count }, () => new Denque<P>());
    this.#due = new Float64Array(count);
    this.#heap = new Int32Array(count);
  }

  /** When the first packet is due, seconds; Infinity if there is none. */
  get nextDue(): number {
    return this.#size === 0 ? Infinity : this.#due[this.#heap[0]!]!;
  }

  /** Takes a packet, due no earlier than the one before it in its lane. */
  push(lane: number, packet: P): void {
    const line = this.#lines[lane]!;
    line.push(packet);
    if (line.length > 1) return;
    this.#due[lane] = packet.due;
    this.#siftUp(this.#size++, lane);
  }

  /** Gives out the packet that is due first; undefined if none is due by `now`. */
  shift(now: number): P | undefined {
    if (this.#size === 0) return undefined;
    const lane = this.#heap[0]!;
    if (this.#due[lane]! > now) return undefined;
    const line = this.#lines[lane]!;
    const packet = line.shift();
    const next = line.peekFront();
    if (next === undefined) {
      const last = this.#heap[--this.#size]!;
      if (this.#size > 0) this.#siftDown(last);
    } else {
      this.#due[lane] = next.due;
      this.#siftDown(lane);
    }
    return packet;
  }

  #siftUp(start: number, lane: number): void {
    const due = this.#due[lane]!;
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const other = this.#heap[parent]!;
      if (this.#due[other]! <= due) break;
      this.#heap[place] = other;
      place = parent;
    }
    this.#heap[place] = lane;
  }

  /** Puts a lane in the place of the first. */
  #siftDown(lane: number): void {
    const due = this.#due[lane]!;
    let place = 0;
    for (let child = 1; child < this.#size; child = 2 * place + 1) {
      if (child + 1 < this.#size && this.#due[this.#heap[child + 1]!]! < this.#due[this.#heap[child]!]!)
        child++;
      const other = this.#heap[child]!;
      if (due <= this.#due[other]!) break;
      this.#heap[place] = other;
      place = child;
    }
    this.#heap[place] = lane;
  }
}
