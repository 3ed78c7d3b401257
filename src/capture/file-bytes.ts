/**
 * The bytes of a file, a pipe or standard input, in chunks.
 *
 * A regular file is read in place, so it can be followed while it grows, as `tail -f` does: at its end the reader waits.
 * What is no file (`-` for standard input, a named pipe, a shell's `<(…)`) is read as it comes. Nothing here knows
 * what the bytes mean.
 */
import { open as openDescriptor, promises as fs, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { InputError } from '../errors.js';

export interface BytesOptions {
  /** Gives up: reading rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Ends reading in order, as if the file ended here: for a live source, this is its end. */
  readonly stop?: AbortSignal | undefined;
  /** Waits for more at the end of a regular file, until {@link stop} or {@link signal} is raised. */
  readonly follow?: boolean | undefined;
  /** Called after each chunk with the bytes of the file read so far and in all; in all 0 where it can't be known. */
  readonly onProgress?: ((read: number, total: number) => void) | undefined;
  /** Awaited after each chunk, so that whoever is slower than the file can catch up before more comes. */
  readonly pause?: (() => Promise<void> | undefined) | undefined;
  /** Called while following, each time all that is there has been read. */
  readonly onCaughtUp?: (() => void) | undefined;
}

/** What stands for standard input. */
export const STANDARD_INPUT = '-';

/** So few that they are still in the processor's cache when they are looked at. */
const CHUNK_BYTES = 512 * 1024;
/** The first chunks are smaller: before the engine compiles what reads them it is to see what happens at a chunk's end. */
const FIRST_CHUNK_BYTES = 16 * 1024;
/** The event loop has its turn each time so many have been read. */
const TURN_BYTES = 8 * 1024 * 1024;
/** How long to wait before looking again whether a followed file has grown, milliseconds. */
const FOLLOW_MS = 100;

/**
 * Chunks of the file, each valid until the next is asked for.
 *
 * @throws InputError when it is a directory, or a followed file becomes shorter; errors of the system as they come.
 */
export async function* bytesOf(
  file: string,
  options: BytesOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  if (file === STANDARD_INPUT) return yield* streamBytes(process.stdin, options);
  const facts = await fs.stat(file);
  if (facts.isDirectory()) throw new InputError('found a directory; allowed: a file');
  if (facts.isFIFO() || facts.isSocket()) {
    const fd = await promisify<string, string, number>(openDescriptor)(file, 'r');
    return yield* streamBytes(new Socket({ fd, readable: true, writable: false }), options);
  }
  const handle = await fs.open(file, 'r');
  try {
    yield* regularBytes(handle, options);
  } finally {
    await handle.close();
  }
}

async function* regularBytes(
  handle: FileHandle,
  options: BytesOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { signal, stop, follow, onProgress, onCaughtUp } = options;
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let total = (await handle.stat()).size;
  let read = 0;
  for (;;) {
    signal?.throwIfAborted();
    if (stop?.aborted === true) return;
    // Not by way of a thread: for a file of many chunks that costs as much as reading it.
    const bytesRead = readSync(handle.fd, chunk, 0, Math.min(CHUNK_BYTES, FIRST_CHUNK_BYTES + read), read);
    if (bytesRead > 0) {
      if (Math.floor(read / TURN_BYTES) < Math.floor((read + bytesRead) / TURN_BYTES)) await turn();
      read += bytesRead;
      yield chunk.subarray(0, bytesRead);
      onProgress?.(read, Math.max(read, total));
      continue;
    }
    if (follow !== true) return;
    onCaughtUp?.();
    await pause(stop, signal);
    total = (await handle.stat()).size;
    if (total < read)
      throw new InputError(`byte ${read}: found the file cut to ${total} bytes; allowed: a file that grows`);
  }
}

/** Waits a moment, or until one of the signals is raised. */
async function pause(...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
  await delay(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
}

async function* streamBytes(
  stream: NodeJS.ReadableStream & { destroy(): void },
  { signal, stop, onProgress }: BytesOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const end = (): void => stream.destroy();
  let read = 0;
  for (const one of [signal, stop]) one?.addEventListener('abort', end);
  try {
    if (signal?.aborted !== true && stop?.aborted !== true) {
      for await (const chunk of stream) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        read += bytes.length;
        yield bytes;
        onProgress?.(read, 0);
      }
    }
  } catch (error) {
    // A stream that is destroyed ends with an error of its own.
    if (stop?.aborted !== true && signal?.aborted !== true) throw error;
  } finally {
    for (const one of [signal, stop]) one?.removeEventListener('abort', end);
    stream.destroy();
  }
  signal?.throwIfAborted();
}
