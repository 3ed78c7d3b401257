/**
 * Heartbeats one by one: of each host, pair and flow, and of the groups that pairs form. The folder's face.
 *
 * src/traffic/heartbeat.ts finds the one beat of a mesh whose nodes are known or large; here nothing is known, every
 * subject is asked by itself, and each answer comes with the chance that it is none. Many are asked: of 100
 * without a beat, one on average passes at 1 %, so the report says how many were asked.
 */
import type { TrafficReport } from '../report.js';
import type { TrafficSeries } from '../analyzer.js';
import { BULK_PACKET_BYTES } from '../sampling/index.js';
import type { ByteSeries } from '../series.js';
import { beatOf, SIGNIFICANT } from './beat.js';
import type { Beat, BeatContext } from './beat.js';
import { groupsOf } from './groups.js';
import type { BeatingPair, GroupBeat, PairSeries } from './groups.js';
import { insideOf } from './inside.js';
import { leadOf } from './lead.js';
import type { Lead } from './lead.js';
import { mean } from '../statistics.js';

export { SIGNIFICANT } from './beat.js';
export type { Beat } from './beat.js';
export type { GroupBeat } from './groups.js';
export type { Lead } from './lead.js';
export type { Synchrony } from './synchrony.js';

export interface HostBeat extends Beat {
  readonly address: string;
  /** Peers that exchanged at least a fiftieth of a burst's bytes with it, on average over its bursts. */
  readonly degree: number;
}

export interface PairBeat extends Beat {
  /** Up is from source to destination. */
  readonly source: string;
  readonly destination: string;
  readonly lead: Lead | null;
}

export interface FlowBeat extends Beat {
  readonly protocol: string;
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

/** Subjects with bursts, those with the most bytes first. */
export interface BeatsReport {
  readonly hosts: readonly HostBeat[];
  readonly pairs: readonly PairBeat[];
  readonly flows: readonly FlowBeat[];
  readonly groups: readonly GroupBeat[];
  /** Subjects whose bursts were tested for a rhythm, and the largest p-value that is called a beat. */
  readonly tested: number;
  readonly significance: number;
  /** Of flow records: periods below this cannot be told from the exporter's timeout; else 0. */
  readonly leastPeriodSeconds: number;
}

export interface BeatsOptions {
  /** Most hosts, pairs and flows looked at, those with the most bytes. Defaults 64, 256, 64. */
  readonly maxHosts?: number;
  readonly maxPairs?: number;
  readonly maxFlows?: number;
  /** Longest flow record of the input, seconds; 0 for packets. */
  readonly recordSeconds?: number;
}

/** Fewer bytes are messages and no transfers: a quarter of them must be in a burst. */
const LEAST_BYTES = 65_536;
const PEER_SHARE = 0.02;
const LINK_SIGNIFICANT = 0.05;

export function findBeats(
  series: TrafficSeries,
  report: TrafficReport,
  { maxHosts = 64, maxPairs = 256, maxFlows = 64, recordSeconds = 0 }: BeatsOptions = {},
): BeatsReport {
  const context: BeatContext = {
    pool: series.pool,
    samplingRate: report.samplingRate,
    leastPeriodSeconds: 2 * recordSeconds,
  };
  const packetBytes = report.packets > 0 ? report.bytes / report.packets : BULK_PACKET_BYTES;
  const egressOf = new Map(series.hosts.map((host) => [host.address, host.egress]));
  const pairs = series.pairs.filter(({ bytes }) => bytes >= LEAST_BYTES).slice(0, maxPairs);
  const beating: BeatingPair[] = [];
  const pairBeats: PairBeat[] = [];
  for (const pair of pairs) {
    const { source, destination, forward, backward } = pair;
    const label = `pair ${[source, destination].sort().join(' ')}`;
    const found = beatOf({ up: [forward], down: [backward] }, label, packetBytes, context);
    if (found === undefined || found.bursts.length === 0) continue;
    const onsets = new Map([
      [source, insideOf(forward, series.pool, found.bursts).onsets],
      [destination, insideOf(backward, series.pool, found.bursts).onsets],
    ]);
    pairBeats.push({ source, destination, ...found.beat, lead: leadOf(onsets, series.pool.binSeconds) });
    if (isLink(found.beat, context)) beating.push({ pair, found });
  }
  const hosts = hostBeats(series, pairs, packetBytes, context, maxHosts);
  const flows = flowBeats(series, context, maxFlows);
  const groups = groupsOf(
    beating,
    report.durationSeconds,
    (address): ByteSeries | undefined => egressOf.get(address),
    packetBytes,
    context,
  );
  return {
    hosts,
    pairs: pairBeats,
    flows,
    groups,
    tested: [...hosts, ...pairBeats, ...flows].filter(({ pValue }) => pValue !== null).length,
    significance: SIGNIFICANT,
    leastPeriodSeconds: context.leastPeriodSeconds,
  };
}

/** A pair that may be part of a group: less is asked of it than of a beat, for the group has to pass tests of its own. */
function isLink({ pValue, periodSeconds }: Beat, { leastPeriodSeconds }: BeatContext): boolean {
  return pValue !== null && pValue <= LINK_SIGNIFICANT && (periodSeconds ?? 0) >= leastPeriodSeconds;
}

function hostBeats(
  series: TrafficSeries,
  pairs: readonly PairSeries[],
  packetBytes: number,
  context: BeatContext,
  most: number,
): HostBeat[] {
  const beats: HostBeat[] = [];
  for (const host of series.hosts.filter(({ bytes }) => bytes >= LEAST_BYTES).slice(0, most)) {
    const { address } = host;
    const own = pairs.filter(({ source, destination }) => source === address || destination === address);
    const subject = { up: [host.egress], down: [host.ingress] };
    const found = beatOf(subject, `host ${address}`, packetBytes, context);
    if (found === undefined || found.bursts.length === 0) continue;
    const peers = own.map(({ forward, backward }) => {
      const [along, back] = [forward, backward].map((one) => insideOf(one, series.pool, found.bursts).bytes);
      return found.bursts.map(({ bytes }, burst) => along![burst]! + back![burst]! >= PEER_SHARE * bytes);
    });
    const degrees = found.bursts.map((_, burst) => peers.filter((took) => took[burst]).length);
    beats.push({ address, ...found.beat, degree: mean(degrees) });
  }
  return beats;
}

function flowBeats(series: TrafficSeries, context: BeatContext, most: number): FlowBeat[] {
  const beats: FlowBeat[] = [];
  for (const flow of series.flows.filter(({ bytes }) => bytes >= LEAST_BYTES).slice(0, most)) {
    const { protocol, source, destination, forward, backward } = flow.report;
    const label = `flow ${protocol} ${source.address} ${source.port} ${destination.address} ${destination.port}`;
    const packetBytes =
      (forward.bytes + backward.bytes) / Math.max(1, forward.packets + backward.packets) || BULK_PACKET_BYTES;
    const found = beatOf({ up: [flow.forward], down: [flow.backward] }, label, packetBytes, context);
    if (found === undefined || found.bursts.length === 0) continue;
    beats.push({
      protocol,
      source: { address: source.address, port: source.port },
      destination: { address: destination.address, port: destination.port },
      ...found.beat,
    });
  }
  return beats;
}
