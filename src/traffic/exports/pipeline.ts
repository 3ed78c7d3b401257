/**
 * The pipeline of an export: file → (sampler → decoder → meter →) format → outlet.
 *
 * Which of the middle parts there are follows from what the file holds and what the format eats: packets are sampled
 * and metered for a format of records, records go straight on, and a format of packets can't be written from records,
 * which is said at once. Between chunks of the file the format and the outlet are waited for, so memory stays bounded
 * however slow the receiver is.
 */
import { Decoded, decoderThrough } from '../../capture/index.js';
import type { CaptureInfo, Packet, PacketHandler } from '../../capture/index.js';
import { InputError } from '../../errors.js';
import { FlowMeter } from '../flows/meter.js';
import type { FlowHandler } from '../flows/record.js';
import { samplerOf } from '../sampling/index.js';
import { readTraffic } from '../source.js';
import type { TrafficInfo, TrafficOptions } from '../source.js';
import type { ExportContext, ExportFormat, GivenOptions, PacketFormat, RecordFormat } from './format.js';
import { mergeCaptures } from './merge.js';
import { ReaderLeft } from './outlet.js';

/** What was read and written. */
export interface ExportSummary {
  readonly source: TrafficInfo;
  /** Packets that the sampler took; 0 where there were none to take. */
  readonly sampledPackets: number;
  /** Flow records handed to the format; absent where it eats packets. */
  readonly records?: number;
  /** Packets that are no IP, or cut off before their IP header ends: in no flow record. Absent as above. */
  readonly otherPackets?: number;
  /** What the format says was left out. */
  readonly note?: string | undefined;
}

/**
 * How the file is read. While it is followed, what was written reaches the outlet each time all has been read. Formats of
 * packets see through no tunnels.
 */
export type ExportOptions = Omit<TrafficOptions, 'pause' | 'onCaughtUp' | 'sampling'>;

/**
 * Reads `file` from end to end into the format. The outlet stays open.
 *
 * @returns undefined when the reader of standard output left before the end.
 * @throws InputError when the file or an option of the format is wrong; RunError when reading or writing fails.
 */
export async function exportTraffic(
  file: string,
  format: ExportFormat,
  context: ExportContext,
  given: GivenOptions = {},
  options: ExportOptions = {},
): Promise<ExportSummary | undefined> {
  try {
    return format.eats === 'packets'
      ? await exportPackets(file, format, context, given, options)
      : await exportRecords(file, format, context, given, options);
  } catch (error) {
    if (error instanceof ReaderLeft) return undefined;
    throw error;
  }
}

/** What was read and written of several captures. */
export interface MergeSummary {
  readonly captures: readonly CaptureInfo[];
  readonly sampledPackets: number;
  /** What the format says was left out. */
  readonly note?: string | undefined;
}

/**
 * Reads several captures as one, in order of time, into a format of packets. The outlet stays open.
 *
 * @returns undefined when the reader of standard output left before the end.
 * @throws InputError when a file or an option of the format is wrong; RunError when reading or writing fails.
 */
export async function exportMerged(
  files: readonly string[],
  format: PacketFormat,
  context: ExportContext,
  given: GivenOptions = {},
  { signal }: Pick<ExportOptions, 'signal'> = {},
): Promise<MergeSummary | undefined> {
  try {
    const sink = await format.open({ ...context, sources: files }, given);
    const sampled = new Sampled(context, format.samplesItself === true, (packet) => sink.packet(packet));
    const pause = pauseOf(sink, context);
    const captures = await mergeCaptures(
      files,
      sampled.packet,
      signal === undefined ? { pause } : { signal, pause },
    );
    await sink.finish(mergedFacts(captures));
    return { captures, sampledPackets: sampled.taken, note: sink.note?.() };
  } catch (error) {
    if (error instanceof ReaderLeft) return undefined;
    throw error;
  }
}

/** The first capture's facts, with the packets and names of all. What was lost at each interface is not added up. */
function mergedFacts(captures: readonly CaptureInfo[]): CaptureInfo {
  const [first] = captures;
  if (first === undefined) throw new RangeError('no captures to merge');
  const { drops: _, ...facts } = first;
  const packets = captures.reduce((sum, capture) => sum + capture.packets, 0);
  const names = new Map(captures.flatMap((capture) => [...capture.names]));
  return { ...facts, packets, names };
}

async function exportPackets(
  file: string,
  format: PacketFormat,
  context: ExportContext,
  given: GivenOptions,
  options: ExportOptions,
): Promise<ExportSummary> {
  const sink = await format.open({ ...context, sources: [file] }, given);
  const sampled = new Sampled(context, format.samplesItself === true, (packet) => sink.packet(packet));
  const onRecord = () => {
    throw new InputError(`found flow records; allowed: a capture, since ${format.name} is made of packets`);
  };
  const handlers = { onPacket: sampled.packet, onRecord };
  const source = await readTraffic(file, handlers, {
    ...options,
    pause: pauseOf(sink, context),
    onCaughtUp: () => context.outlet.flush?.(),
  });
  if (source.kind === 'capture') await sink.finish(source.capture);
  return { source, sampledPackets: sampled.taken, note: sink.note?.() };
}

async function exportRecords(
  file: string,
  format: RecordFormat,
  context: ExportContext,
  given: GivenOptions,
  options: ExportOptions,
): Promise<ExportSummary> {
  const sink = await format.open(context, given);
  let records = 0;
  const onRecord: FlowHandler = (record) => {
    records += 1;
    sink.record(record);
  };
  const { sampling, ...timing } = context.settings;
  const meter = new FlowMeter({ ...timing, samplingRate: sampling.rate, onRecord });
  const decode = decoderThrough(options.through);
  const decoded = new Decoded();
  let otherPackets = 0;
  const sampled = new Sampled(context, false, (packet) => {
    if (decode(packet, decoded) === 'ip') meter.packet(packet, decoded);
    else otherPackets += 1;
  });
  const handlers = { onPacket: sampled.packet, onRecord };
  const source = await readTraffic(file, handlers, {
    ...options,
    sampling,
    pause: pauseOf(sink, context),
    onCaughtUp: () => {
      sink.flush?.();
      context.outlet.flush?.();
    },
  });
  meter.finish();
  await sink.finish();
  return { source, sampledPackets: sampled.taken, records, otherPackets };
}

/** Waits for the format, then for where its bytes go; costs nothing when neither has to be waited for. */
function pauseOf(
  sink: { drain?(): Promise<void> | undefined },
  { outlet }: ExportContext,
): () => Promise<void> | undefined {
  return () => {
    const format = sink.drain?.();
    return format === undefined ? outlet.drain() : format.then(() => outlet.drain());
  };
}

/** Lets through the packets that the sampler takes, and counts them. */
class Sampled {
  taken = 0;
  readonly packet: PacketHandler;

  constructor({ settings }: ExportContext, all: boolean, next: (packet: Packet) => void) {
    const sampler = samplerOf(all ? { ...settings.sampling, rate: 1 } : settings.sampling);
    this.packet = (packet) => {
      if (!sampler.take()) return;
      this.taken += 1;
      next(packet);
    };
  }
}
