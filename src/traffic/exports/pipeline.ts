/**
 * The pipeline of an export: file → (sampler → decoder → meter →) format → outlet.
 *
 * Which of the middle parts there are follows from what the file holds and what the format eats: packets are sampled
 * and metered for a format of records, records go straight on, and a format of packets can't be written from records,
 * which is said at once. Between chunks of the file the format and the outlet are waited for, so memory stays bounded
 * however slow the receiver is.
 */
import { readCapture } from '../../capture/index.js';
import type { CaptureInfo, Packet, PacketHandler } from '../../capture/index.js';
import { RunError } from '../../errors.js';
import { samplerOf } from '../sampling/index.js';
import type { ExportFormat, ExportContext, GivenOptions, PacketFormat, RecordFormat } from './format.js';
import { ReaderLeft } from './outlet.js';

/** What was read and written. */
export interface ExportSummary {
  readonly capture: CaptureInfo;
  /** Packets that the sampler took. */
  readonly sampledPackets: number;
  /** Flow records handed to the format; absent where it eats packets. */
  readonly records?: number;
}

export interface ExportOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (read: number, total: number) => void;
}

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

async function exportPackets(
  file: string,
  format: PacketFormat,
  context: ExportContext,
  given: GivenOptions,
  options: ExportOptions,
): Promise<ExportSummary> {
  const sink = await format.open(context, given);
  const sampled = new Sampled(context, format.samplesItself === true, (packet) => sink.packet(packet));
  const capture = await readCapture(file, sampled.packet, { ...options, pause: pauseOf(sink, context) });
  await sink.finish(capture);
  return { capture, sampledPackets: sampled.taken };
}

function exportRecords(
  file: string,
  format: RecordFormat,
  _context: ExportContext,
  _given: GivenOptions,
  _options: ExportOptions,
): Promise<ExportSummary> {
  // The flow meter comes with the next merge.
  return Promise.reject(new RunError(`${file}: no flow meter yet for ${format.name}`));
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
