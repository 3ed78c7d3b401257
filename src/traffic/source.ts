/**
 * Reads whatever a user has of traffic: captures with packets, or files with flow records.
 *
 * What a file is, is told by its content (imports/detect.ts). Packets go to one handler, flow records to another; a
 * caller that can use both treats a capture and an ISP's flow files alike from there on. Nothing is held back for the
 * end, so the size of a file does not matter; what could not be used is counted and told.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { readCapture } from '../capture/index.js';
import type { CaptureInfo, PacketHandler, ReadOptions } from '../capture/index.js';
import { InputError, messageOf, RunError } from '../errors.js';
import type { FlowHandler } from './flows/record.js';
import { BiflowJoiner, detect, flowImport } from './imports/index.js';
import type { FlowImport, Skip, TrafficKind } from './imports/index.js';

export interface TrafficHandlers {
  /** Called for each packet of a capture; it is valid during the call only. */
  readonly onPacket: PacketHandler;
  /** Called for each record of a flow file. */
  readonly onRecord: FlowHandler;
}

export interface TrafficOptions extends ReadOptions {
  /** Join records of one direction to biflows. Default: false. */
  readonly joinDirections?: boolean;
}

interface CommonInfo {
  readonly file: string;
  /** Bytes of the file on disk. */
  readonly bytes: number;
  /** Byte offset (of the unpacked stream) at which the file was cut off. */
  readonly truncatedAt?: number;
}

/** Facts about a flow file. */
export interface FlowFileInfo extends CommonInfo {
  readonly kind: Exclude<TrafficKind, 'capture'>;
  /** Records handed on: after joining, where that was asked for. */
  readonly records: number;
  /** Pairs of records that were joined. */
  readonly joined: number;
  readonly skipped: readonly Skip[];
  /** The lowest and highest sampling rate of the records; both 1 when there was none. */
  readonly samplingRates: { readonly min: number; readonly max: number };
  /** Of the records, microseconds since 1970-01-01 UTC; absent when there is none. */
  readonly firstMicros?: number;
  readonly lastMicros?: number;
}

/** Facts about a capture, those of readCapture among them. */
export interface CaptureFileInfo extends CommonInfo {
  readonly kind: 'capture';
  readonly capture: CaptureInfo;
}

export type TrafficInfo = FlowFileInfo | CaptureFileInfo;

const CHUNK_SIZE = 1024 * 1024;
const HEAD_SIZE = 4096;

/**
 * Reads `file` from end to end.
 *
 * @throws InputError when the file is missing, nothing known, or damaged; names file and place.
 * @throws RunError when reading fails for another reason, or when the signal is raised.
 */
export async function readTraffic(
  file: string,
  handlers: TrafficHandlers,
  options: TrafficOptions = {},
): Promise<TrafficInfo> {
  try {
    const handle = await open(file, 'r');
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) throw new InputError('found something that is no regular file; allowed: a file');
      const kind = detect(await headOf(handle));
      if (kind !== 'capture') {
        return { file, ...(await readFlows(handle, facts.size, kind, handlers.onRecord, options)) };
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw explained(error, file);
  }
  const capture = await readCapture(file, handlers.onPacket, options);
  const { bytes, truncatedAt } = capture;
  return { file, kind: 'capture', bytes, capture, ...(truncatedAt === undefined ? {} : { truncatedAt }) };
}

async function readFlows(
  handle: FileHandle,
  size: number,
  kind: FlowFileInfo['kind'],
  onRecord: FlowHandler,
  options: TrafficOptions,
): Promise<Omit<FlowFileInfo, 'file'>> {
  const tally = new Tally(onRecord);
  const joiner =
    options.joinDirections === true ? new BiflowJoiner((record) => tally.add(record)) : undefined;
  const reader = flowImport(
    kind,
    joiner === undefined ? (record) => tally.add(record) : (record) => joiner.add(record),
  );
  const { bytes, isCut } = await pour(handle, size, reader, options);
  const truncatedAt = reader.finish();
  joiner?.finish();
  return {
    kind,
    bytes,
    ...tally.facts(),
    joined: joiner?.joined ?? 0,
    skipped: reader.skipped.list(),
    ...(truncatedAt === undefined && !isCut ? {} : { truncatedAt: truncatedAt ?? bytes }),
  };
}

/** Reads the whole file into the reader, unpacking it on the way. */
async function pour(
  handle: FileHandle,
  size: number,
  reader: FlowImport,
  { signal, onProgress }: ReadOptions,
): Promise<{ bytes: number; isCut: boolean }> {
  let read = 0;
  const source = async function* () {
    for (;;) {
      signal?.throwIfAborted();
      const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_SIZE, read);
      if (bytesRead === 0) return;
      read += bytesRead;
      yield chunk.subarray(0, bytesRead);
      onProgress?.(read, size);
    }
  };
  const consume = async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) reader.push(chunk);
  };
  if (!(await isGzipped(handle))) {
    await consume(source());
    return { bytes: read, isCut: false };
  }
  let isCut = false;
  await pipeline(source, createGunzip({ chunkSize: CHUNK_SIZE }), consume).catch((error: unknown) => {
    if (codeOf(error) !== 'Z_BUF_ERROR') throw error;
    isCut = true;
  });
  return { bytes: read, isCut };
}

/** The first bytes of the file, unpacked. */
async function headOf(handle: FileHandle): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_SIZE), 0, HEAD_SIZE, 0);
  const head = buffer.subarray(0, bytesRead);
  if (!(await isGzipped(handle))) return head;
  const parts: Buffer[] = [];
  const gunzip = createGunzip();
  gunzip.end(head);
  try {
    for await (const part of gunzip) parts.push(part as Buffer);
  } catch (error) {
    // The head of a file is always cut off.
    if (codeOf(error) !== 'Z_BUF_ERROR') throw error;
  }
  return Buffer.concat(parts);
}

async function isGzipped(handle: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
}

/** Counts records and keeps their span; records need not be in order of time. */
class Tally {
  readonly #onRecord: FlowHandler;
  #records = 0;
  #first = Infinity;
  #last = -Infinity;
  #minRate = Infinity;
  #maxRate = 1;

  constructor(onRecord: FlowHandler) {
    this.#onRecord = onRecord;
  }

  add(record: Parameters<FlowHandler>[0]): void {
    this.#records += 1;
    if (record.startMicros < this.#first) this.#first = record.startMicros;
    if (record.endMicros > this.#last) this.#last = record.endMicros;
    if (record.samplingRate < this.#minRate) this.#minRate = record.samplingRate;
    if (record.samplingRate > this.#maxRate) this.#maxRate = record.samplingRate;
    this.#onRecord(record);
  }

  facts(): Pick<FlowFileInfo, 'records' | 'samplingRates' | 'firstMicros' | 'lastMicros'> {
    const min = this.#records === 0 ? 1 : this.#minRate;
    return {
      records: this.#records,
      samplingRates: { min, max: Math.max(min, this.#maxRate) },
      ...(this.#records === 0 ? {} : { firstMicros: this.#first, lastMicros: this.#last }),
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
  if (code === 'ENOENT')
    return new InputError(`${file}: found no such file; allowed: a capture or a flow file`);
  if (code === 'EACCES' || code === 'EISDIR' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
    return new InputError(`${file}: cannot be read (${messageOf(error)}); allowed: a readable file`);
  }
  if (code.startsWith('Z_')) return new InputError(`${file}: damaged gzip data (${messageOf(error)})`);
  return error instanceof RunError ? error : new RunError(`cannot read ${file}: ${messageOf(error)}`);
}
