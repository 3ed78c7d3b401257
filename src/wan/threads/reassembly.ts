/**
 * Puts the segments of one direction back in order, as a TCP receiver does.
 *
 * Segments arrive in order except after a loss: then those behind the gap wait here until the missing one
 * has come. Each is handed on exactly once.
 */

/** A stretch of sequence space. `span` may be 0 (a reset): it then takes its place but no number. */
export interface Stretch {
  readonly sequence: number;
  readonly span: number;
}

export class Reassembly<S extends Stretch> {
  readonly #early = new Map<number, S>();
  #next = 0;

  /** The next sequence number expected: all before it has been handed on. */
  get next(): number {
    return this.#next;
  }

  /** Takes a segment; `deliver` is called for each that is now in order. False when it came out of order. */
  accept(segment: S, deliver: (segment: S) => void): boolean {
    if (segment.sequence !== this.#next) {
      if (segment.sequence > this.#next) this.#early.set(segment.sequence, segment);
      return false;
    }
    for (let ready: S | undefined = segment; ready !== undefined; ready = this.#takeEarly()) {
      this.#next += ready.span;
      deliver(ready);
    }
    return true;
  }

  #takeEarly(): S | undefined {
    const segment = this.#early.get(this.#next);
    if (segment !== undefined) this.#early.delete(this.#next);
    return segment;
  }
}
