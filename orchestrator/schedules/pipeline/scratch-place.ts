/**
 * A place in a scratch buffer that is used again and again, and remembers by whom: so that who reads it waits
 * until it is written, and who writes it until all have read.
 */
export class ScratchPlace {
  /** First element, or byte, of it. */
  readonly first: number;
  #writers: readonly number[] = [];
  readonly #readers: number[] = [];

  constructor(first: number) {
    this.first = first;
  }

  /** The operations after which it holds what was last written. */
  get filled(): readonly number[] {
    return this.#writers;
  }

  /** The operations after which nobody needs what it holds. */
  get free(): readonly number[] {
    return [...this.#writers, ...this.#readers];
  }

  /** Notes that these operations fill it. */
  fill(...operations: readonly number[]): void {
    this.#writers = operations;
    this.#readers.length = 0;
  }

  /** Notes that these operations read it. */
  read(...operations: readonly number[]): void {
    this.#readers.push(...operations);
  }
}
