/**
 * From packets to flows, bursts and heartbeats: the folder's face.
 *
 * {@link analyzeCapture} does a file in one call; {@link TrafficAnalyzer} is fed packet by packet.
 */
import { readCapture } from '../capture/index.js';
import type { CaptureInfo, ReadOptions } from '../capture/index.js';
import { TrafficAnalyzer } from './analyzer.js';
import type { AnalyzerOptions } from './analyzer.js';
import type { TrafficReport } from './report.js';

export { TrafficAnalyzer } from './analyzer.js';
export type { AnalyzerOptions } from './analyzer.js';
export { burstDefaults, detectBursts } from './bursts.js';
export type { BinBurst, BurstDetection, BurstOptions } from './bursts.js';
export { asNfpcapd, FlowMeter } from './flows/meter.js';
export type { FlowMeterOptions, MeterCounts } from './flows/meter.js';
export { FlowEndReason } from './flows/record.js';
export type { FlowCounts, FlowHandler, FlowRecord } from './flows/record.js';
export { heartbeatDefaults } from './heartbeat.js';
export type { Burst, HeartbeatOptions, HeartbeatReport, NodeBursts } from './heartbeat.js';
export type { DirectionReport, FlowReport, HostReport, TrafficReport } from './report.js';

/** A report together with the facts of the file it was made from. */
export interface CaptureReport extends TrafficReport {
  readonly capture: CaptureInfo;
}

export interface AnalyzeOptions extends AnalyzerOptions, Omit<ReadOptions, 'onCaughtUp'> {
  /** Called while following, each time all that is there has been read; the argument makes a report of that. */
  readonly onCaughtUp?: (report: () => TrafficReport) => void;
}

/**
 * Analyses a pcap or pcapng capture in one pass and bounded memory.
 *
 * @param file a path, or `-` for standard input.
 * @throws InputError when the file is missing or no capture; RunError when reading fails or is aborted.
 */
export async function analyzeCapture(file: string, options: AnalyzeOptions = {}): Promise<CaptureReport> {
  const analyzer = new TrafficAnalyzer(options);
  const capture = await readCapture(file, (packet) => analyzer.packet(packet), {
    ...options,
    onCaughtUp: () => options.onCaughtUp?.(() => analyzer.finish()),
  });
  return { ...analyzer.finish(capture.names), capture };
}
