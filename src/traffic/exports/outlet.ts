/**
 * Where an export's bytes go: a file, standard output, or (collector.ts) a collector's UDP port.
 *
 * Writing to a file is synchronous. A reader's callbacks can't wait, so either writes wait or memory grows; and a
 * disk or a pipe that is slow then slows the reader, which is all that backpressure is. Small writes are gathered.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { InputError, messageOf, RunError } from '../../errors.js';

export interface Outlet {
  /** True where each write is one datagram. */
  readonly isCollector: boolean;
  /** Takes the bytes at once; the caller may use their memory again. */
  write(bytes: Uint8Array): void;
  /** Resolves when there is room for more. */
  drain(): Promise<void> | undefined;
  /** Writes what was gathered, where something is. */
  flush?(): void;
  /** Writes what is left, and closes. */
  close(): Promise<void> | void;
}

/** A reader of standard output that has seen enough. It is no error; nothing more needs to be written. */
export class ReaderLeft extends Error {
  override readonly name = 'ReaderLeft';
}

const GATHERED = 256 * 1024;
const STANDARD_OUTPUT = 1;

/** Writes a file over what is there; `-` is standard output. */
export class FileOutlet implements Outlet {
  readonly isCollector = false;
  readonly #name: string;
  #descriptor: number | undefined;
  readonly #gathered = Buffer.allocUnsafe(GATHERED);
  #used = 0;

  /** @throws InputError when the file can't be opened. */
  constructor(name: string) {
    this.#name = name === '-' ? 'standard output' : name;
    try {
      this.#descriptor = name === '-' ? STANDARD_OUTPUT : openSync(name, 'w');
    } catch (error) {
      throw new InputError(
        `--output: found "${name}" (${messageOf(error)}); allowed: a file that can be written`,
      );
    }
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > GATHERED - this.#used) this.flush();
    if (bytes.length > GATHERED) {
      this.#writeAll(bytes);
      return;
    }
    this.#gathered.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  drain(): undefined {
    return undefined;
  }

  flush(): void {
    const length = this.#used;
    this.#used = 0;
    this.#writeAll(this.#gathered.subarray(0, length));
  }

  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    try {
      this.flush();
    } finally {
      this.#descriptor = undefined;
      if (descriptor !== STANDARD_OUTPUT) closeSync(descriptor);
    }
  }

  #writeAll(bytes: Uint8Array): void {
    if (this.#descriptor === undefined) throw new RunError(`cannot write ${this.#name}: it is closed`);
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(this.#descriptor, bytes, at);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : '';
        if (code === 'EPIPE') throw new ReaderLeft();
        // Standard output may be a pipe that doesn't block, and is full.
        if (code !== 'EAGAIN') throw new RunError(`cannot write ${this.#name}: ${messageOf(error)}`);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  }
}
