/**
 * The frame of all readers of flow files in text: bytes in, lines through a format, records out.
 *
 * A format only says what a line is. It is a function from a line to a record, to the reason why there is none, or to
 * nothing, as for a header or a comment; what it learned from a header it keeps. Cutting bytes into lines of bounded
 * length, counting what was left out, and naming the line in an error is done here, for all of them alike.
 */
import { InputError } from '../../errors.js';
import type { FlowHandler, FlowRecord } from '../flows/record.js';
import type { FlowImport } from './import.js';
import { Skips } from './import.js';
import { Lines } from './lines.js';

/** A record; in words, why the line is left out; undefined when it says nothing about flows. */
export type LineOutcome = FlowRecord | string | undefined;

export interface LineFormat {
  /** @throws InputError when the file is not of this format: what was found and what is allowed. */
  line(text: string): LineOutcome;
  /** Whether the last line left something unfinished; never, for formats that have a record a line. */
  isUnfinished?(): boolean;
}

export class LineImport implements FlowImport {
  readonly skipped = new Skips();
  readonly #lines: Lines;
  readonly #format: LineFormat;
  readonly #onRecord: FlowHandler;

  constructor(format: LineFormat, onRecord: FlowHandler) {
    this.#format = format;
    this.#onRecord = onRecord;
    this.#lines = new Lines((line) => this.#line(line));
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** A last line without an end may be cut off; if it still reads as one, it counts. */
  finish(): number | undefined {
    this.#lines.finish();
    return this.#format.isUnfinished?.() === true ? this.#lines.offset : undefined;
  }

  #line(line: string): void {
    const outcome = this.#format.line(line);
    if (typeof outcome === 'string') this.skipped.add(outcome);
    else if (outcome !== undefined) this.#onRecord(outcome);
  }
}

/**
 * Where a table with a header has its columns: for each, the position of the first of its names; -1 for what is not there.
 *
 * @param needed columns that must be there
 * @throws InputError naming the first that is missing, and `allowed`
 */
export function positionsOf<Column extends string>(
  header: readonly string[],
  names: Readonly<Record<Column, readonly string[]>>,
  needed: readonly Column[],
  allowed: string,
): Record<Column, number> {
  const positions: Partial<Record<Column, number>> = {};
  for (const column of Object.keys(names) as Column[]) {
    const position = header.findIndex((name) => names[column].includes(name.trim()));
    if (position < 0 && needed.includes(column))
      throw new InputError(`found no column ${names[column].join(' or ')}; allowed: ${allowed}`);
    positions[column] = position;
  }
  return positions as Record<Column, number>;
}
