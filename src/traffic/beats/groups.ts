/**
 * Groups: hosts that are connected by pairs which beat (at 5 %), at about the same period.
 *
 * Pairs are chosen by their own rhythm alone; whether they burst at the same moments is then a question of its own
 * (synchrony.ts), whose answer the choice has not prejudiced. A group of one pair is just that pair, and not listed.
 */
import { Random } from '../../random.js';
import type { ByteSeries } from '../series.js';
import { beatOf } from './beat.js';
import type { Beat, BeatContext, Found } from './beat.js';
import { insideOf } from './inside.js';
import { leadOf } from './lead.js';
import type { Lead } from './lead.js';
import { mean, median } from '../statistics.js';
import { synchronyOf } from './synchrony.js';
import type { Synchrony } from './synchrony.js';

export interface PairSeries {
  readonly source: string;
  readonly destination: string;
  readonly forward: ByteSeries;
  readonly backward: ByteSeries;
}

export interface BeatingPair {
  readonly pair: PairSeries;
  readonly found: Found;
}

export interface GroupBeat extends Beat {
  /** Addresses. */
  readonly hosts: readonly string[];
  /** Pairs of them that beat, at 5 %. */
  readonly pairs: number;
  /** Mean number of others that a host of the group exchanges beats with. */
  readonly degree: number;
  readonly synchrony: Synchrony | null;
  readonly lead: Lead | null;
}

/** Pairs whose periods differ by more than this share of the smaller are not of one beat. */
const SAME_PERIOD = 0.15;

/**
 * @param pairs those that beat.
 * @param span seconds of the whole capture.
 * @param egress of a host.
 */
export function groupsOf(
  pairs: readonly BeatingPair[],
  span: number,
  egress: (address: string) => ByteSeries | undefined,
  packetBytes: number,
  context: BeatContext,
): GroupBeat[] {
  return components(pairs)
    .filter((members) => members.length > 1)
    .flatMap((members) => groupOf(members, span, egress, packetBytes, context) ?? [])
    .sort((a, b) => b.hosts.length - a.hosts.length || b.burstBytes - a.burstBytes);
}

function groupOf(
  members: readonly BeatingPair[],
  span: number,
  egress: (address: string) => ByteSeries | undefined,
  packetBytes: number,
  context: BeatContext,
): GroupBeat | undefined {
  const hosts = [...new Set(members.flatMap(({ pair }) => [pair.source, pair.destination]))].sort();
  const label = `group ${hosts.join(' ')}`;
  const series = {
    up: members.map(({ pair }) => pair.forward),
    down: members.map(({ pair }) => pair.backward),
  };
  const found = beatOf(series, label, packetBytes, context);
  if (found === undefined) return undefined;
  const period = median(members.map(({ found: { beat } }) => beat.periodSeconds ?? 0));
  const trains = members.map(({ found: { bursts } }) => bursts.map(({ startSeconds }) => startSeconds));
  const onsets = new Map<string, Float64Array>();
  for (const host of hosts) {
    const sent = egress(host);
    if (sent !== undefined) onsets.set(host, insideOf(sent, context.pool, found.bursts).onsets);
  }
  const links = hosts.map(
    (host) => members.filter(({ pair }) => pair.source === host || pair.destination === host).length,
  );
  return {
    ...found.beat,
    hosts,
    pairs: members.length,
    degree: mean(links),
    synchrony: synchronyOf(trains, span, period, new Random(1, label)),
    lead: leadOf(onsets, context.pool.binSeconds),
  };
}

/** Joins pairs that share a host and a period. */
function components(pairs: readonly BeatingPair[]): BeatingPair[][] {
  const parent = pairs.map((_, index) => index);
  const rootOf = (index: number): number => {
    while (parent[index] !== index) index = parent[index]!;
    return index;
  };
  const byHost = new Map<string, number[]>();
  pairs.forEach(({ pair, found: { beat } }, index) => {
    for (const host of [pair.source, pair.destination]) {
      const others = byHost.get(host) ?? [];
      for (const other of others) {
        if (isSamePeriod(beat, pairs[other]!.found.beat)) parent[rootOf(other)] = rootOf(index);
      }
      others.push(index);
      byHost.set(host, others);
    }
  });
  const groups = new Map<number, BeatingPair[]>();
  pairs.forEach((pair, index) => {
    const root = rootOf(index);
    groups.set(root, [...(groups.get(root) ?? []), pair]);
  });
  return [...groups.values()];
}

function isSamePeriod(a: Beat, b: Beat): boolean {
  if (a.periodSeconds === null || b.periodSeconds === null) return false;
  const [shorter, longer] = [a.periodSeconds, b.periodSeconds].sort((x, y) => x - y) as [number, number];
  return longer - shorter <= SAME_PERIOD * shorter;
}
