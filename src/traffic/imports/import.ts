/**
 * What the readers of flow files have in common: bytes are pushed in, flow records come out.
 *
 * They are push parsers as those of captures are (src/capture/parser.ts): they own no file, so the same code reads a
 * plain file and a compressed one. What a file holds and a flow record can't say is skipped, counted, and told with a
 * reason: a figure that silently lost half of its records would be worse than an error.
 */

export interface FlowImport {
  /** What was skipped so far, and why. */
  readonly skipped: Skips;
  /**
   * Takes the next bytes and calls the record handler for each record that is now complete. The chunk may be reused
   * by the caller afterwards.
   *
   * @throws InputError naming the place, what was found and what is allowed.
   */
  push(chunk: Uint8Array): void;
  /** Tells that no more bytes come. Returns the byte offset at which the stream was cut off, if it was. */
  finish(): number | undefined;
}

/** One reason why something was left out, and how often. */
export interface Skip {
  readonly reason: string;
  readonly count: number;
}

const MAX_REASONS = 100;

/** Counts what is left out, by reason. */
export class Skips {
  readonly #counts = new Map<string, number>();

  add(reason: string, count = 1): void {
    const known = this.#counts.get(reason);
    if (known === undefined && this.#counts.size >= MAX_REASONS) reason = 'other reasons';
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
  }

  list(): Skip[] {
    return [...this.#counts].map(([reason, count]) => ({ reason, count }));
  }
}
