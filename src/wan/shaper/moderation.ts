/**
 * When a busy shaper looks up: a few times in each millisecond and not for every packet, as network cards moderate
 * their interrupts.
 *
 * Going to sleep and waking up costs about as much as a packet. A shaper of a few thousand packets a second has the time
 * and is woken for each, so that all leave on the instant. One of many thousands would spend its core on being woken;
 * it rests a tenth of a millisecond after each turn and then finds a handful to do at once. That is the lateness it
 * costs, at most, far below what the delays of a wide-area network vary by.
 *
 * Pure: instants and counts in, a time to rest out.
 */

/** Rest between the beginnings of two turns of a busy shaper, seconds. */
export const REST = 100e-6;
/** Packets read or written in a second that make a shaper busy: three in each rest. */
const BUSY = 30_000;
/** Over which they are counted, seconds. */
const WINDOW = 1e-3;

export class Moderation {
  #busy = false;
  #since = -Infinity;
  #count = 0;
  #lastTurn = -Infinity;

  /** Notes that a turn began at an instant and read and wrote so many packets. */
  turned(began: number, packets: number): void {
    this.#lastTurn = began;
    this.#count += packets;
    const passed = began - this.#since;
    if (passed < WINDOW) return;
    this.#busy = this.#count > BUSY * passed;
    this.#since = began;
    this.#count = 0;
  }

  /** Seconds to rest, whatever comes meanwhile; 0 if there is time to wake for each packet. */
  rest(now: number): number {
    return this.#busy ? Math.min(REST, Math.max(0, this.#lastTurn + REST - now)) : 0;
  }
}
