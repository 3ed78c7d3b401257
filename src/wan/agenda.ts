/**
 * A timeline and the instant from which it counts: what is due, in order, each change once.
 *
 * Like a stage of src/wan/link it knows no clock: whoever moves packets asks it, between packets, when it next
 * needs the time and what is due by now. So a change is applied by the clock that moves packets and by no other.
 */
import type { Change, Timeline } from '../scenario/events/change.js';

/** That a change has been applied. */
export interface Applied {
  /** Position in the timeline. */
  readonly index: number;
  /** When, seconds since 1970. */
  readonly time: number;
}

/** Is told of every change of a timeline. */
export type AppliedListener = (applied: Applied) => void;

export class Agenda {
  readonly #timeline: Timeline;
  readonly #origin: number;
  #next = 0;

  /** @param origin time zero of the timeline, on the clock of release(), seconds. */
  constructor(timeline: Timeline, origin: number) {
    this.#timeline = timeline;
    this.#origin = origin;
  }

  /** Instant of the next change; Infinity when there is none. */
  nextEvent(): number {
    const change = this.#timeline[this.#next];
    return change === undefined ? Infinity : this.#origin + change.at;
  }

  /** Gives out, in order, what is due by `now`. */
  release(now: number, apply: (change: Change, index: number) => void): void {
    while (this.nextEvent() <= now) {
      const index = this.#next++;
      apply(this.#timeline[index]!, index);
    }
  }
}
