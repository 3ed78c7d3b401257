/** What was said, counted by habit and peer: the ground truth of control traffic. */
import type { ControlTally } from '../../proto/types/meshbeat/control/v1/ControlTally.js';
import { epochSeconds } from '../../src/clock.js';

/** One habit towards one peer. */
export class Tally {
  readonly #habit: number;
  readonly #peer: number;
  #exchanges = 0;
  #sent = 0;
  #received = 0;
  #start = 0;
  #end = 0;

  constructor(habit: number, peer: number) {
    this.#habit = habit;
    this.#peer = peer;
  }

  /** A message goes out, or a transfer begins. */
  began(): void {
    const now = epochSeconds();
    if (this.#exchanges++ === 0) this.#start = now;
    this.#end = now;
  }

  /** A transfer is over. */
  ended(): void {
    this.#end = epochSeconds();
  }

  sent(bytes: number): void {
    this.#sent += bytes;
  }

  received(bytes: number): void {
    this.#received += bytes;
  }

  /** Undefined if nothing was said. */
  report(): ControlTally | undefined {
    if (this.#exchanges === 0) return undefined;
    return {
      habit: this.#habit,
      peer: this.#peer,
      exchanges: this.#exchanges,
      sentBytes: this.#sent,
      receivedBytes: this.#received,
      start: this.#start,
      end: this.#end,
    };
  }
}

export class Tallies {
  readonly #tallies = new Map<string, Tally>();

  of(habit: number, peer: number): Tally {
    const key = `${habit} ${peer}`;
    const known = this.#tallies.get(key) ?? new Tally(habit, peer);
    this.#tallies.set(key, known);
    return known;
  }

  report(): ControlTally[] {
    return [...this.#tallies.values()].flatMap((tally) => tally.report() ?? []);
  }
}
