/**
 * A metronome that does not drift: its beats are at `first` plus whole periods, however late a timer fires. A
 * beat that could not be had in time for the next is left out, as a loop that was held up would.
 */
export class Beat {
  readonly #first: number;
  readonly #period: number;
  readonly #act: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param first of its beats, ms of performance.now(); @param period ms */
  constructor(first: number, period: number, act: () => void) {
    this.#first = first;
    this.#period = period;
    this.#act = act;
    this.#await(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #await(beat: number): void {
    const due = this.#first + beat * this.#period;
    this.#timer = setTimeout(() => this.#strike(beat), Math.max(0, due - performance.now()));
  }

  #strike(beat: number): void {
    // A timer may be up to a millisecond early.
    const passed = Math.floor((performance.now() + 1 - this.#first) / this.#period);
    this.#await(Math.max(beat, passed) + 1);
    this.#act();
  }
}
