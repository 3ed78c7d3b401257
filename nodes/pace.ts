/**
 * Paced compute: an inner step lasts as long as the scenario says, however fast this machine is.
 *
 * The deadlines of a phase's steps are fixed from its start, one pace apart, so that timer errors do not
 * add up. A step that misses its deadline is an overrun: the phase then runs on from there, and the run's
 * gate counts it, since the emulated device was too slow to be believed.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export class Pace {
  readonly #seconds: number;
  #deadline: number;

  /** Starts a phase now; `seconds` per step. */
  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#deadline = performance.now() / 1000 + seconds;
  }

  /** Waits for the end of the current step and starts the next; the seconds by which its work overran. */
  async finishStep(): Promise<number> {
    const left = this.#deadline - performance.now() / 1000;
    if (left < 0) {
      this.#deadline += this.#seconds - left;
      return -left;
    }
    this.#deadline += this.#seconds;
    await sleep(left * 1000);
    return 0;
  }
}
