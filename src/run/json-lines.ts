/** A file of JSON lines, written as the run goes. Lines are buffered for a moment and always written whole. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf, RunError } from '../errors.js';

const FLUSH_BYTES = 64 * 1024;

export class JsonLines {
  readonly #file: string;
  #fd: number | undefined;
  #pending = '';

  /** Creates the file. */
  constructor(file: string) {
    this.#file = file;
    this.#fd = this.#guarded(() => openSync(file, 'w'));
  }

  /** Throws a RunError naming the file when it can't be written (a full disk). */
  write(line: object): void {
    this.#pending += JSON.stringify(line) + '\n';
    if (this.#pending.length >= FLUSH_BYTES) this.flush();
  }

  flush(): void {
    const fd = this.#fd;
    if (fd === undefined || this.#pending === '') return;
    const text = this.#pending;
    this.#pending = '';
    this.#guarded(() => writeSync(fd, text));
  }

  /** Safe to call twice; the file is closed even when the last lines can't be written. */
  close(): void {
    const fd = this.#fd;
    if (fd === undefined) return;
    try {
      this.flush();
    } finally {
      this.#fd = undefined;
      closeSync(fd);
    }
  }

  #guarded<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new RunError(`can't write ${this.#file}: ${messageOf(error)}`);
    }
  }
}
