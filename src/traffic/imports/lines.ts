/**
 * Lines out of bytes that arrive in pieces: what readers of text stand on.
 *
 * Bytes become characters one to one (Latin-1): all that is read out of flow files is ASCII, and text that a program
 * of another alphabet left in a column does no harm. Lines are bounded.
 */
import { InputError } from '../../errors.js';

const MAX_LINE = 1024 * 1024;

export class Lines {
  readonly #onLine: (line: string) => void;
  #rest = '';
  /** Number of the line that is being handled, from 1. */
  number = 0;
  /** Bytes that came before the unfinished line. */
  offset = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** @throws InputError when a line is longer than any honest one, or what the handler throws, with the line's number. */
  push(chunk: Uint8Array): void {
    const text = this.#rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    let start = 0;
    for (;;) {
      const end = text.indexOf('\n', start);
      if (end < 0) break;
      this.#line(text.slice(start, text[end - 1] === '\r' && end > start ? end - 1 : end));
      start = end + 1;
    }
    this.offset += start;
    this.#rest = text.slice(start);
    if (this.#rest.length > MAX_LINE) {
      this.number += 1;
      this.#fail(`found more than ${MAX_LINE} bytes; allowed: lines that are shorter`);
    }
  }

  /** Handles a last line that has no end; true when there was one. */
  finish(): boolean {
    const rest = this.#rest;
    this.#rest = '';
    if (rest === '') return false;
    this.#line(rest);
    return true;
  }

  #line(line: string): void {
    this.number += 1;
    try {
      this.#onLine(line);
    } catch (error) {
      if (error instanceof InputError) this.#fail(error.message);
      throw error;
    }
  }

  #fail(message: string): never {
    throw new InputError(`line ${this.number}: ${message}`);
  }
}
