/**
 * To which peers nothing passes at present, and which packets were on their way when that began.
 *
 * A cut is final for what it catches: a packet that was queued when its pair was cut must not come out when the pair
 * is joined again, however soon. So each pair counts its cuts and joins: the count is odd while it is cut. A packet
 * bears the count at which it was taken in, and passes as long as it is the same. Queues need not be searched.
 */
import type { Packet } from './packet.js';

export class Cuts {
  /** By lane. */
  readonly #counts: Uint32Array;

  constructor(lanes: number) {
    this.#counts = new Uint32Array(lanes);
  }

  /** From now on nothing passes, of what is on its way neither. */
  cut(lane: number): void {
    if (!this.#isCut(lane)) this.#counts[lane]! += 1;
  }

  join(lane: number): void {
    if (this.#isCut(lane)) this.#counts[lane]! += 1;
  }

  /** Takes a packet in, unless its lane is cut. */
  admit(packet: Packet): boolean {
    packet.cuts = this.#counts[packet.lane] ?? 0;
    return packet.cuts % 2 === 0;
  }

  /** Whether its lane has not been cut since it was taken in. */
  passes(packet: Packet): boolean {
    return packet.cuts === this.#counts[packet.lane];
  }

  #isCut(lane: number): boolean {
    return this.#counts[lane]! % 2 === 1;
  }
}
