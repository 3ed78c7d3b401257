/**
 * Everything that `meshbeat inspect` knows of its input: gathered in one pass, in words of the analysis. The text, the
 * document and the page are made of it and compute next to nothing of their own.
 */
import { Decoded, decoderThrough } from '../../capture/index.js';
import type { TunnelKind } from '../../capture/index.js';
import { findBeats } from '../../traffic/beats/index.js';
import type { BeatsReport } from '../../traffic/beats/index.js';
import { spectrumOf } from '../../traffic/beats/spectrum.js';
import type { Spectrum } from '../../traffic/beats/spectrum.js';
import { TrafficAnalyzer } from '../../traffic/index.js';
import type { TrafficReport } from '../../traffic/index.js';
import type { TrafficSeries } from '../../traffic/analyzer.js';
import { samplerOf } from '../../traffic/sampling/index.js';
import type { SamplingPlan } from '../../traffic/sampling/index.js';
import { readTraffic } from '../../traffic/source.js';
import type { TrafficInfo, TrafficOptions } from '../../traffic/source.js';
import type { Expected } from '../locate.js';

export interface GatherOptions {
  readonly binSeconds: number;
  readonly sampling: SamplingPlan;
  /** Tunnels that are seen through. */
  readonly through: readonly TunnelKind[];
  readonly reading?: TrafficOptions;
  /** Called while following, each time all that is there has been read; the argument makes a report of that. */
  readonly onCaughtUp?: (report: () => TrafficReport) => void;
}

export interface Inspection {
  readonly source: TrafficInfo;
  readonly report: TrafficReport;
  readonly beats: BeatsReport;
  readonly series: TrafficSeries;
  /** Of what the nodes of report.heartbeat sent; undefined without traffic. */
  readonly spectrum: Spectrum | undefined;
  /** Address -> name, from the capture's name records. */
  readonly names: ReadonlyMap<string, string>;
  /** What was sampled here; the rate of the whole, with what records say, is report.samplingRate. */
  readonly sampling: SamplingPlan;
  readonly through: readonly TunnelKind[];
  /** Longest flow record, seconds; 0 for packets. */
  readonly recordSeconds: number;
  /** What the run's schedule promised, if it is the capture of a run. */
  readonly expected: Expected | undefined;
}

const MAX_PAIR_SERIES = 1024;
const MAX_FLOW_SERIES = 256;

/**
 * Reads and analyses.
 *
 * @throws InputError when the file is missing or nothing known; RunError when reading fails or is aborted.
 */
export async function gather(
  file: string,
  expected: Expected | undefined,
  { binSeconds, sampling, through, reading = {}, onCaughtUp }: GatherOptions,
): Promise<Inspection> {
  const analyzer = new TrafficAnalyzer({
    binSeconds,
    samplingRate: sampling.rate,
    maxPairSeries: MAX_PAIR_SERIES,
    maxFlowSeries: MAX_FLOW_SERIES,
  });
  const sampler = samplerOf(sampling);
  const decode = decoderThrough(through);
  const decoded = new Decoded();
  let recordSeconds = 0;
  const source = await readTraffic(
    file,
    {
      onPacket: (packet) => {
        if (sampler.take()) analyzer.decoded(packet, decode(packet, decoded), decoded);
      },
      onRecord: (record) => {
        recordSeconds = Math.max(recordSeconds, (record.endMicros - record.startMicros) / 1e6);
        analyzer.record(record);
      },
    },
    { ...reading, sampling, through, onCaughtUp: () => onCaughtUp?.(() => analyzer.finish()) },
  );
  const names: ReadonlyMap<string, string> = source.kind === 'capture' ? source.capture.names : new Map();
  const report = analyzer.finish(names);
  const series = analyzer.series(names);
  const nodes = new Set(report.heartbeat.nodes.map(({ address }) => address));
  const sent = series.hosts.filter(({ address }) => nodes.has(address)).map(({ egress }) => egress);
  return {
    source,
    report,
    beats: findBeats(series, report, { recordSeconds }),
    series,
    spectrum: spectrumOf(sent, series.pool),
    names,
    sampling,
    through,
    recordSeconds,
    expected,
  };
}

/** What keeps the figures from being the whole truth, in words; for the text and the page. */
export function warningsOf(inspection: Inspection, bytesText: (bytes: number) => string): string[] {
  const { source, report, sampling, recordSeconds } = inspection;
  const warnings: string[] = [];
  const cut = source.kind === 'capture' ? source.capture.truncatedAt : source.truncatedAt;
  const what = source.kind === 'capture' ? 'capture' : 'flow file';
  if (cut !== undefined)
    warnings.push(`the ${what} is cut off at byte ${cut}; all before it is counted here`);
  if (source.kind === 'capture') {
    const dropped = source.capture.drops?.dropped ?? 0;
    if (dropped > 0) warnings.push(`the capturing side lost ${dropped} packets`);
  } else {
    for (const { count, reason } of source.skipped) warnings.push(`${count} × ${reason}`);
    if (recordSeconds > 0) {
      const least = `${+(2 * recordSeconds).toPrecision(3)} s`;
      warnings.push(
        `a flow record spreads its bytes evenly over up to ${+recordSeconds.toPrecision(3)} s; periods under ${least} (twice that) cannot be seen`,
      );
    }
  }
  if (report.undecodedPackets > 0) warnings.push(`${report.undecodedPackets} packets could not be decoded`);
  if (report.samplingRate > 1) {
    const by = sampling.rate > 1 ? ` (${sampling.method}, here)` : ', as its maker says';
    warnings.push(`one of ${report.samplingRate} packets was looked at${by}; counts are estimates`);
  }
  if (report.evictedFlows.flows > 0) {
    const bytes = bytesText(report.evictedFlows.bytes);
    warnings.push(`${report.evictedFlows.flows} small flows (${bytes}) were left out to bound memory`);
  }
  if (report.evictedHosts > 0) {
    warnings.push(`${report.evictedHosts} small hosts were left out to bound memory`);
  }
  return warnings;
}
