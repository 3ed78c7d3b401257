/**
 * Reads a capture file from end to end, calling back for each packet.
 *
 * The file is streamed in chunks, so its size does not matter; the format is told by its first bytes and
 * not by its name; a gzipped file is unpacked on the way. A capture that was cut off, as a killed tcpdump
 * leaves it, is read up to there and the place reported; a file that never was a capture is an InputError.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { InputError, messageOf, RunError } from '../errors.js';
import type { Packet, PacketHandler } from './packet.js';
import type { CaptureDrops, CaptureInterface } from './parser.js';
import { CaptureParser } from './any-parser.js';

/** Facts about a capture file that are not in any single packet. */
export interface CaptureInfo {
  readonly file: string;
  readonly format: 'pcap' | 'pcapng';
  readonly gzipped: boolean;
  /** Bytes of the file on disk. */
  readonly bytes: number;
  readonly packets: number;
  readonly interfaces: readonly CaptureInterface[];
  /** IP address -> name, from pcapng name records. */
  readonly names: ReadonlyMap<string, string>;
  /** Time of the earliest and the latest packet; absent when there is none. */
  readonly firstNs?: bigint;
  readonly lastNs?: bigint;
  readonly drops?: CaptureDrops;
  /** Byte offset (of the unpacked stream) of the unfinished packet or block at which the file was cut off. */
  readonly truncatedAt?: number;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Called after each chunk with the bytes of the file read so far and in all. */
  readonly onProgress?: (read: number, total: number) => void;
  /** Awaited after each chunk, so that whoever is slower than the file can catch up before more packets come. */
  readonly pause?: () => Promise<void> | undefined;
}

const CHUNK_SIZE = 1024 * 1024;
const GZIP_MAGIC = 0x1f8b;

/**
 * Reads `file` and calls `onPacket` for each packet in file order; the packet is valid during the call only.
 *
 * @throws InputError when the file is missing, empty, no capture or damaged; names file and byte offset.
 * @throws RunError when reading fails for another reason, or when `signal` is raised.
 */
export async function readCapture(
  file: string,
  onPacket: PacketHandler,
  options: ReadOptions = {},
): Promise<CaptureInfo> {
  try {
    const handle = await open(file, 'r');
    try {
      return { file, ...(await readHandle(handle, onPacket, options)) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw explained(error, file);
  }
}

async function readHandle(
  handle: FileHandle,
  onPacket: PacketHandler,
  { signal, onProgress, pause }: ReadOptions,
): Promise<Omit<CaptureInfo, 'file'>> {
  const facts = await handle.stat();
  if (!facts.isFile())
    throw new InputError('found something that is no regular file; allowed: a capture file');
  const gzipped = await startsAsGzip(handle);
  const tally = new Tally(onPacket);
  const parser = new CaptureParser((packet) => tally.add(packet));
  let read = 0;
  const source = async function* () {
    const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_SIZE, read);
      if (bytesRead === 0) return;
      read += bytesRead;
      yield chunk.subarray(0, bytesRead);
      onProgress?.(read, facts.size);
    }
  };
  const consume = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      parser.push(chunk);
      await pause?.();
    }
  };
  let gzipCut = false;
  if (gzipped) {
    // A gzip stream may hold its input while the next chunk is read, so each chunk must be its own memory.
    const copies = async function* () {
      for await (const chunk of source()) yield Buffer.from(chunk);
    };
    await pipeline(copies, createGunzip({ chunkSize: CHUNK_SIZE }), consume).catch((error: unknown) => {
      // The parser has what came before the cut.
      if (codeOf(error) !== 'Z_BUF_ERROR') throw error;
      gzipCut = true;
    });
  } else {
    await consume(source());
  }
  const truncatedAt = parser.finish() ?? (gzipCut ? parser.offset : undefined);
  return {
    format: parser.format,
    gzipped,
    bytes: read,
    packets: tally.packets,
    interfaces: parser.interfaces,
    names: parser.names,
    ...tally.times(),
    ...(parser.drops === undefined ? {} : { drops: parser.drops }),
    ...(truncatedAt === undefined ? {} : { truncatedAt }),
  };
}

async function startsAsGzip(handle: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE() === GZIP_MAGIC;
}

/** Counts packets and keeps the earliest and latest time; packets need not be in order of time. */
class Tally {
  packets = 0;
  #firstSeconds = Infinity;
  #firstNanoseconds = 0;
  #lastSeconds = -Infinity;
  #lastNanoseconds = 0;
  readonly #onPacket: PacketHandler;

  constructor(onPacket: PacketHandler) {
    this.#onPacket = onPacket;
  }

  add(packet: Packet): void {
    this.packets += 1;
    const { seconds, nanoseconds } = packet;
    if (
      seconds < this.#firstSeconds ||
      (seconds === this.#firstSeconds && nanoseconds < this.#firstNanoseconds)
    ) {
      this.#firstSeconds = seconds;
      this.#firstNanoseconds = nanoseconds;
    }
    if (
      seconds > this.#lastSeconds ||
      (seconds === this.#lastSeconds && nanoseconds > this.#lastNanoseconds)
    ) {
      this.#lastSeconds = seconds;
      this.#lastNanoseconds = nanoseconds;
    }
    this.#onPacket(packet);
  }

  times(): { firstNs?: bigint; lastNs?: bigint } {
    if (this.packets === 0) return {};
    return {
      firstNs: BigInt(this.#firstSeconds) * 1_000_000_000n + BigInt(this.#firstNanoseconds),
      lastNs: BigInt(this.#lastSeconds) * 1_000_000_000n + BigInt(this.#lastNanoseconds),
    };
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The error as the caller is to see it: with the file's name, and sorted by whose fault it is. */
function explained(error: unknown, file: string): Error {
  if (error instanceof InputError) return new InputError(`${file}: ${error.message}`);
  const code = codeOf(error);
  if (code === 'ENOENT') return new InputError(`${file}: found no such file; allowed: a pcap or pcapng file`);
  if (code === 'EACCES' || code === 'EISDIR' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
    return new InputError(`${file}: cannot be read (${messageOf(error)}); allowed: a readable capture file`);
  }
  if (code.startsWith('Z_')) return new InputError(`${file}: damaged gzip data (${messageOf(error)})`);
  return error instanceof RunError ? error : new RunError(`cannot read ${file}: ${messageOf(error)}`);
}
