/**
 * Sees to it that nobody else need know whether a file is compressed.
 *
 * The first bytes tell; a name does not. gzip may have several members and zstd several frames, as tools that append leave
 * them. Compressed data that was cut off gives what was whole, like any other file; damaged data is an InputError.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { InputError, messageOf } from '../errors.js';
import { openZstd } from './zstd.js';

export type Compression = 'none' | 'gzip' | 'zstd';

type OnChunk = (chunk: Uint8Array) => void;
type Pause = (() => Promise<void> | undefined) | undefined;

export interface Unpacked {
  readonly compression: Compression;
  /** True when compressed data ended before its end. */
  readonly isCut: boolean;
}

const OUTPUT_BYTES = 1024 * 1024;

/** Bytes that tell all compressions apart. */
const HEAD_BYTES = 6;

/** What can't be unpacked here, by its first bytes in hexadecimal. */
const foreign: readonly (readonly [string, string])[] = [
  ['fd377a585a00', 'xz'],
  ['425a68', 'bzip2'],
  ['04224d18', 'lz4'],
  ['504b0304', 'zip'],
];

/**
 * Hands on what the chunks hold, unpacked. Chunks in both directions are valid only until the next is asked for or
 * the call returns.
 *
 * @param pause awaited after each chunk.
 * @throws InputError naming the byte offset when the data are damaged, or packed in a way that is not known here.
 */
export async function unpack(
  packed: AsyncIterable<Uint8Array>,
  onChunk: OnChunk,
  pause?: Pause,
): Promise<Unpacked> {
  const chunks = packed[Symbol.asyncIterator]();
  try {
    let head = new Uint8Array(0);
    while (head.length < HEAD_BYTES) {
      const next = await chunks.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    const compression = compressionOf(head);
    if (compression === 'gzip') return { compression, isCut: await gunzip(head, chunks, onChunk, pause) };
    if (compression === 'zstd') return { compression, isCut: await unzstd(head, chunks, onChunk, pause) };
    await consume(prepended(head, chunks), onChunk, pause);
    return { compression, isCut: false };
  } finally {
    await chunks.return?.();
  }
}

function compressionOf(head: Uint8Array): Compression {
  const hex = Buffer.from(head.subarray(0, HEAD_BYTES)).toString('hex');
  if (hex.startsWith('1f8b')) return 'gzip';
  // A zstd file may begin with a frame to be skipped.
  if (hex.startsWith('28b52ffd') || /^5[0-9a-f]2a4d18/.test(hex)) return 'zstd';
  const [, name] = foreign.find(([magic]) => hex.startsWith(magic)) ?? [];
  if (name === undefined) return 'none';
  throw new InputError(`byte 0: found ${name} data; allowed: gzip, zstd, or what is not compressed`);
}

/** Chunks whose first has been taken already. */
async function* prepended(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function consume(chunks: AsyncIterable<Uint8Array>, onChunk: OnChunk, pause: Pause): Promise<void> {
  for await (const chunk of chunks) {
    onChunk(chunk);
    await pause?.();
  }
}

async function unzstd(
  head: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
  onChunk: OnChunk,
  pause: Pause,
): Promise<boolean> {
  const stream = await openZstd(onChunk);
  try {
    await consume(prepended(head, chunks), (chunk) => stream.push(chunk), pause);
    return stream.isCut;
  } finally {
    stream.close();
  }
}

async function gunzip(
  head: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
  onChunk: OnChunk,
  pause: Pause,
): Promise<boolean> {
  const stream = createGunzip({ chunkSize: OUTPUT_BYTES });
  // The stream may hold its input while the next chunk is read, so each must be its own memory.
  const copies = async function* () {
    for await (const chunk of prepended(head, chunks)) yield Buffer.from(chunk);
  };
  try {
    await pipeline(
      Readable.from(copies(), { objectMode: false }),
      stream,
      (unpacked: AsyncIterable<Uint8Array>) => consume(unpacked, onChunk, pause),
    );
    return false;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // What came before the cut has been handed on.
    if (code === 'Z_BUF_ERROR') return true;
    // Node takes nothing more once something that is no gzip member follows one, and ends what still feeds it.
    const isFollowed = code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR';
    if (!isFollowed && !code.startsWith('Z_')) throw error;
    const what = isFollowed
      ? 'something that is no gzip data behind it'
      : `damaged gzip data (${messageOf(error)})`;
    throw new InputError(
      `byte ${stream.bytesWritten} of the gzip stream, or before: found ${what}; allowed: undamaged data`,
    );
  }
}
