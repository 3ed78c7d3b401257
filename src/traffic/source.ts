/**
 * Reads whatever a user has of traffic: captures with packets, or files with flow records.
 *
 * What a file is, is told by its content (imports/detect.ts). Packets go to one handler, flow records to another; a
 * caller that can use both treats a capture and an ISP's flow files alike from there on. Nothing is held back for the
 * end, so the size of a file does not matter; what could not be used is counted and told.
 */
import { CaptureSink, readInto } from '../capture/index.js';
import type {
  ByteSink,
  BytesRead,
  CaptureInfo,
  PacketHandler,
  ReadOptions,
  TunnelKind,
} from '../capture/index.js';
import { InputError } from '../errors.js';
import type { FlowHandler } from './flows/record.js';
import { BiflowJoiner, detect, flowImport, isCapture } from './imports/index.js';
import type { FlowImport, Skip, TrafficKind } from './imports/index.js';
import type { SamplingPlan } from './sampling/index.js';

export interface TrafficHandlers {
  /** Called for each packet of a capture; it is valid during the call only. */
  readonly onPacket: PacketHandler;
  /** Called for each record of a flow file. */
  readonly onRecord: FlowHandler;
}

export interface TrafficOptions extends ReadOptions {
  /** Join records of one direction to biflows. Default: false. */
  readonly joinDirections?: boolean;
  /**
   * How the handler of packets samples them, and which tunnels it sees through. Neither can be done to flow records, so a
   * file of them is refused where either was asked for. Default: all packets, and none.
   */
  readonly sampling?: SamplingPlan;
  readonly through?: readonly TunnelKind[];
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

const HEAD_BYTES = 4096;

/**
 * Reads `file` from end to end.
 *
 * @param file a path, or `-` for standard input.
 * @throws InputError when the file is missing, nothing known, or damaged; names file and place.
 * @throws RunError when reading fails for another reason, or when the signal is raised.
 */
export async function readTraffic(
  file: string,
  handlers: TrafficHandlers,
  options: TrafficOptions = {},
): Promise<TrafficInfo> {
  return readInto(file, new TrafficSink(file, handlers, options), options);
}

/** Waits for the first bytes, tells by them what the file is, and hands everything on. */
class TrafficSink implements ByteSink<TrafficInfo> {
  readonly #file: string;
  readonly #handlers: TrafficHandlers;
  readonly #options: TrafficOptions;
  #head: Uint8Array = new Uint8Array(0);
  #sink: ByteSink<TrafficInfo> | undefined;

  constructor(file: string, handlers: TrafficHandlers, options: TrafficOptions) {
    this.#file = file;
    this.#handlers = handlers;
    this.#options = options;
  }

  push(chunk: Uint8Array): void {
    if (this.#sink !== undefined) return this.#sink.push(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    const isKnown = this.#head.length >= HEAD_BYTES || isCapture(this.#head);
    if (isKnown) this.#choose();
  }

  finish(read: BytesRead): TrafficInfo {
    return (this.#sink ?? this.#choose()).finish(read);
  }

  #choose(): ByteSink<TrafficInfo> {
    const kind = detect(this.#head.subarray(0, HEAD_BYTES));
    if (kind !== 'capture') refuseWhatNeedsPackets(this.#options);
    this.#sink =
      kind === 'capture'
        ? new PacketSink(this.#file, this.#handlers.onPacket)
        : new FlowSink(this.#file, kind, this.#handlers.onRecord, this.#options);
    this.#sink.push(this.#head);
    this.#head = new Uint8Array(0);
    return this.#sink;
  }
}

function refuseWhatNeedsPackets({ sampling, through = [] }: TrafficOptions): void {
  if (sampling !== undefined && sampling.rate !== 1)
    throw new InputError('found flow records with --sample; allowed: a capture, since packets are sampled');
  if (through.length > 0)
    throw new InputError(
      'found flow records with --through; allowed: a capture, since tunnels are in packets',
    );
}

class PacketSink implements ByteSink<CaptureFileInfo> {
  readonly #file: string;
  readonly #capture: CaptureSink;

  constructor(file: string, onPacket: PacketHandler) {
    this.#file = file;
    this.#capture = new CaptureSink(file, onPacket);
  }

  push(chunk: Uint8Array): void {
    this.#capture.push(chunk);
  }

  finish(read: BytesRead): CaptureFileInfo {
    const capture = this.#capture.finish(read);
    const { bytes, truncatedAt } = capture;
    const cut = truncatedAt === undefined ? {} : { truncatedAt };
    return { file: this.#file, kind: 'capture', bytes, capture, ...cut };
  }
}

class FlowSink implements ByteSink<FlowFileInfo> {
  readonly #file: string;
  readonly #kind: FlowFileInfo['kind'];
  readonly #tally: Tally;
  readonly #joiner: BiflowJoiner | undefined;
  readonly #reader: FlowImport;
  /** Bytes taken, unpacked. */
  #taken = 0;

  constructor(
    file: string,
    kind: FlowFileInfo['kind'],
    onRecord: FlowHandler,
    { joinDirections }: TrafficOptions,
  ) {
    const tally = new Tally(onRecord);
    const joiner = joinDirections === true ? new BiflowJoiner((record) => tally.add(record)) : undefined;
    this.#file = file;
    this.#kind = kind;
    this.#tally = tally;
    this.#joiner = joiner;
    this.#reader = flowImport(
      kind,
      joiner === undefined ? (record) => tally.add(record) : (record) => joiner.add(record),
    );
  }

  push(chunk: Uint8Array): void {
    this.#taken += chunk.length;
    this.#reader.push(chunk);
  }

  finish({ bytes, isCut }: BytesRead): FlowFileInfo {
    const truncatedAt = this.#reader.finish() ?? (isCut ? this.#taken : undefined);
    this.#joiner?.finish();
    return {
      file: this.#file,
      kind: this.#kind,
      bytes,
      ...this.#tally.facts(),
      joined: this.#joiner?.joined ?? 0,
      skipped: this.#reader.skipped.list(),
      ...(truncatedAt === undefined ? {} : { truncatedAt }),
    };
  }
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
