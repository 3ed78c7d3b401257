/**
 * Looks at a file: reads it once, samples it if asked, and holds all patterns against it. The edge of this folder.
 *
 * nDPI needs packets in a file of its own kind. A plain capture, by its first bytes, of which all packets are looked at
 * is given to it as it is; else (sampled, packed, still growing) the packets that were taken are written to a temporary
 * pcap file, of at most a gibibyte, which is gone afterwards. What is inside tunnels it is not shown.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Decoded, decoderThrough } from '../../capture/index.js';
import type { Decoder, Packet, ReadOptions } from '../../capture/index.js';
import { FlowMeter } from '../../traffic/flows/meter.js';
import { samplerOf, unsampled } from '../../traffic/sampling/index.js';
import type { SamplingPlan } from '../../traffic/sampling/index.js';
import { readTraffic } from '../../traffic/source.js';
import type { TrafficInfo } from '../../traffic/source.js';
import { gatherDefaults, Gatherer } from './gather.js';
import type { Gathered, GatherOptions } from './gather.js';
import { judge } from './judge.js';
import type { Verdict } from './judge.js';

export interface LookOptions extends ReadOptions, Omit<GatherOptions, 'samplingRate'> {
  readonly sampling?: SamplingPlan;
  /** Looks at the flow records of a capture only, as whoever has no packets. Default false. */
  readonly onlyRecords?: boolean;
}

/** What was seen and what it was taken for. */
export interface Look extends Gathered {
  readonly input: TrafficInfo;
  /** Seconds since 1970-01-01 UTC of the first and last packet or record. */
  readonly from: number;
  readonly to: number;
  readonly sampling: SamplingPlan;
  /** Of this run and of the records of a flow file, together. */
  readonly samplingRate: number;
  readonly onlyRecords: boolean;
  readonly verdicts: readonly Verdict[];
}

/** Of pcap, with micro- and nanoseconds in both byte orders, and of pcapng. */
const MAGICS = new Set([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a]);
const MAX_COPY_BYTES = 2 ** 30;

/**
 * @throws InputError when the file is missing, nothing known, or damaged.
 * @throws RunError when reading fails for another reason, or the signal is raised.
 */
export async function look(file: string, options: LookOptions = {}): Promise<Look> {
  const { sampling = unsampled, through = [] } = options;
  const sampler = samplerOf(sampling);
  const gatherer = new Gatherer({ ...options, samplingRate: sampling.rate });
  const exporter = options.onlyRecords === true ? new Exporter(gatherer, sampling.rate, options) : undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'meshbeat-match-'));
  const copy = new PcapCopy(path.join(folder, 'sampled.pcap'));
  try {
    const isSeenThrough = through.length > 0;
    const isWhole = sampling.rate === 1 && options.follow !== true && isPlainCapture(file);
    const needsCopy = exporter === undefined && !isSeenThrough && !isWhole;
    const input = await readTraffic(
      file,
      {
        onPacket: (packet) => {
          if (!sampler.take()) return;
          if (exporter !== undefined) return exporter.packet(packet);
          gatherer.packet(packet);
          if (needsCopy) copy.packet(packet);
        },
        onRecord: (record) => gatherer.record(record),
      },
      { ...options, joinDirections: true },
    );
    copy.close();
    exporter?.finish();
    const packets =
      input.kind !== 'capture' || exporter !== undefined
        ? { missing: 'flow records hold no packets, which nDPI reads' }
        : isSeenThrough
          ? { missing: 'nDPI is given whole packets, not what is inside tunnels' }
          : needsCopy
            ? copy.result
            : { file };
    const { sight, gathered } = gatherer.finish(packets);
    const { from, to, samplingRate } = sight;
    const kinds = ['connections', 'records', 'bursts'] as const;
    const verdicts = await judge(sight, options.dayStretch === undefined ? kinds : [...kinds, 'day']);
    const onlyRecords = exporter !== undefined || input.kind !== 'capture';
    return { input, from, to, sampling, samplingRate, onlyRecords, ...gathered, verdicts };
  } finally {
    copy.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether a file is pcap or pcapng by its first bytes, so that other programs read it as it is. */
function isPlainCapture(file: string): boolean {
  const head = Buffer.alloc(4);
  try {
    // A pipe can be opened once only.
    if (!statSync(file).isFile()) return false;
    const descriptor = openSync(file, 'r');
    try {
      if (readSync(descriptor, head) < 4) return false;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return MAGICS.has(head.readUInt32BE(0));
}

/** A router between the packets and the gatherer: only its flow records come through. */
class Exporter {
  readonly #meter: FlowMeter;
  readonly #decode: Decoder;
  readonly #decoded = new Decoded();

  constructor(gatherer: Gatherer, samplingRate: number, options: GatherOptions) {
    this.#decode = decoderThrough(options.through);
    this.#meter = new FlowMeter({
      onRecord: (record) => gatherer.record(record),
      samplingRate,
      activeTimeoutSeconds: options.activeTimeoutSeconds ?? gatherDefaults.activeTimeoutSeconds,
      idleTimeoutSeconds: options.idleTimeoutSeconds ?? gatherDefaults.idleTimeoutSeconds,
    });
  }

  packet(packet: Packet): void {
    if (this.#decode(packet, this.#decoded) === 'ip') this.#meter.packet(packet, this.#decoded);
  }

  finish(): void {
    this.#meter.finish();
  }
}

/** A pcap file of the packets that are given, all of the first one's link type. */
class PcapCopy {
  readonly #file: string;
  #descriptor: number | undefined;
  #linkType = -1;
  #bytes = 0;
  #missing: string | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  get result(): { file: string } | { missing: string } {
    if (this.#missing !== undefined) return { missing: this.#missing };
    return this.#linkType === -1 ? { missing: 'no packet was sampled' } : { file: this.#file };
  }

  packet({ captured, length, originalLength, linkType, seconds, nanoseconds }: Packet): void {
    if (this.#missing !== undefined) return;
    this.#descriptor ??= this.#begin(linkType);
    if (linkType !== this.#linkType) this.#missing = 'packets are of several link types';
    else if (this.#bytes > MAX_COPY_BYTES)
      this.#missing = `it would be given more than ${MAX_COPY_BYTES} bytes`;
    if (this.#missing !== undefined) return;
    const head = Buffer.alloc(16);
    head.writeUInt32LE(seconds >>> 0, 0);
    head.writeUInt32LE(Math.floor(nanoseconds / 1000), 4);
    head.writeUInt32LE(length, 8);
    head.writeUInt32LE(originalLength, 12);
    const record = Buffer.concat([head, captured]);
    writeSync(this.#descriptor, record);
    this.#bytes += record.length;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #begin(linkType: number): number {
    this.#linkType = linkType;
    const descriptor = openSync(this.#file, 'w', 0o600);
    const head = Buffer.alloc(24);
    head.writeUInt32LE(0xa1b2c3d4, 0);
    head.writeUInt16LE(2, 4);
    head.writeUInt16LE(4, 6);
    head.writeUInt32LE(262_144, 16);
    head.writeUInt32LE(linkType, 20);
    writeSync(descriptor, head);
    return descriptor;
  }
}
