/**
 * Reads a capture from end to end, calling back for each packet.
 *
 * It is streamed in chunks, so its size does not matter; the format is told by its first bytes and not by its
 * name; what is compressed is unpacked on the way. A capture that was cut off, as a killed tcpdump leaves it, is read
 * up to there and the place reported; a file that never was a capture is an InputError. A file can be followed
 * while it grows, and `-` is standard input: see file-bytes.ts.
 */
import { InputError, messageOf, RunError } from '../errors.js';
import { CaptureParser } from './any-parser.js';
import { unpack } from './compression.js';
import type { Compression } from './compression.js';
import { bytesOf, STANDARD_INPUT } from './file-bytes.js';
import type { BytesOptions } from './file-bytes.js';
import type { Packet, PacketHandler } from './packet.js';
import type { CaptureComment, CaptureDrops, CaptureInterface, CaptureMaker } from './parser.js';

/** Facts about a capture that are not in any single packet. */
export interface CaptureInfo {
  readonly file: string;
  readonly format: 'pcap' | 'pcapng';
  readonly compression: Compression;
  /** Bytes of the file, as it lies on disk. */
  readonly bytes: number;
  readonly packets: number;
  readonly interfaces: readonly CaptureInterface[];
  /** IP address -> name, from pcapng name records. */
  readonly names: ReadonlyMap<string, string>;
  /** The first comments of a pcapng file. */
  readonly comments: readonly CaptureComment[];
  /** What made a pcapng file, as its first section says. */
  readonly maker?: CaptureMaker;
  /** Time of the earliest and the latest packet; absent when there is none. */
  readonly firstNs?: bigint;
  readonly lastNs?: bigint;
  readonly drops?: CaptureDrops;
  /** Byte offset (of the unpacked stream) of the unfinished packet or block at which the file was cut off. */
  readonly truncatedAt?: number;
}

export type ReadOptions = BytesOptions;

/**
 * Reads `file` and calls `onPacket` for each packet in file order; the packet is valid during the call only.
 *
 * @param file a path, or `-` for standard input.
 * @throws InputError when the file is missing, empty, no capture or damaged; names file and byte offset.
 * @throws RunError when reading fails for another reason, or when `signal` is raised.
 */
export async function readCapture(
  file: string,
  onPacket: PacketHandler,
  options: ReadOptions = {},
): Promise<CaptureInfo> {
  return readInto(file, new CaptureSink(file, onPacket), options);
}

/** What {@link readInto} tells of a file when it has been read. */
export interface BytesRead {
  readonly compression: Compression;
  /** True when compressed data ended before its end. */
  readonly isCut: boolean;
  /** Bytes of the file, as it lies on disk. */
  readonly bytes: number;
}

/** Takes the bytes of a file, unpacked, and makes something of them. */
export interface ByteSink<T> {
  /** Takes the next bytes, which are valid during the call only. */
  push(chunk: Uint8Array): void;
  /** Called once, when there are no more. */
  finish(read: BytesRead): T;
}

/**
 * Reads a file of any kind. What the sink throws comes out with the file's name before it.
 *
 * @param file a path, or `-` for standard input.
 * @throws InputError, RunError as {@link readCapture} does.
 */
export async function readInto<T>(file: string, sink: ByteSink<T>, options: BytesOptions = {}): Promise<T> {
  let bytes = 0;
  const counted = async function* () {
    for await (const chunk of bytesOf(file, options)) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  try {
    const unpacked = await unpack(counted(), (chunk) => sink.push(chunk), options.pause);
    return sink.finish({ ...unpacked, bytes });
  } catch (error) {
    throw explained(error, file);
  }
}

/** Makes packets and facts of a capture's bytes. */
export class CaptureSink implements ByteSink<CaptureInfo> {
  readonly #file: string;
  readonly #tally: Tally;
  readonly #parser: CaptureParser;

  constructor(file: string, onPacket: PacketHandler) {
    this.#file = file;
    const tally = new Tally(onPacket);
    this.#tally = tally;
    this.#parser = new CaptureParser((packet) => tally.add(packet));
  }

  push(chunk: Uint8Array): void {
    this.#parser.push(chunk);
  }

  finish({ compression, isCut, bytes }: BytesRead): CaptureInfo {
    const parser = this.#parser;
    const truncatedAt = parser.finish() ?? (isCut ? parser.offset : undefined);
    return {
      file: this.#file,
      format: parser.format,
      compression,
      bytes,
      packets: this.#tally.packets,
      interfaces: parser.interfaces,
      names: parser.names,
      comments: parser.comments,
      ...this.#tally.times(),
      ...(parser.maker === undefined ? {} : { maker: parser.maker }),
      ...(parser.drops === undefined ? {} : { drops: parser.drops }),
      ...(truncatedAt === undefined ? {} : { truncatedAt }),
    };
  }
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
  const name = file === STANDARD_INPUT ? 'standard input' : file;
  if (error instanceof InputError) return new InputError(`${name}: ${error.message}`);
  const code = codeOf(error);
  if (code === 'ENOENT') return new InputError(`${name}: found no such file; allowed: a file that is there`);
  if (code === 'EACCES' || code === 'EISDIR' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
    return new InputError(`${name}: cannot be read (${messageOf(error)}); allowed: a readable file`);
  }
  return error instanceof RunError ? error : new RunError(`cannot read ${name}: ${messageOf(error)}`);
}
