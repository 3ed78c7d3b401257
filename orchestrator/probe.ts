/**
 * The gate's first half: which paths to measure before a run, and what the measurements say.
 *
 * Shaping is often believed and not verified; here every run verifies it. Rate and loss are measured on the
 * paths that will carry slices, before the capture begins; round trips between all pairs, or between enough
 * pairs where there are many, inside the capture, so that every pair's handshake is in it.
 */
import type { PathMeasurement__Output } from '../proto/types/meshbeat/control/v1/PathMeasurement.js';
import type { GateCheck } from '../src/run/files.js';
import {
  hostsOf,
  jitterMost,
  jitterQuantile,
  lossVariance,
  meanLoss,
  pathRate,
  storePosition,
  type Path as WanPath,
  type Topology,
} from '../src/scenario/index.js';
import type { Senders } from './schedules/senders.js';

/** Up to this many nodes every pair is probed: 66 handshakes. */
const ALL_PAIRS_UP_TO = 12;
/** Nodes that measure their rate at the same time; more would measure this machine. */
export const RATE_PROBES_AT_ONCE = 4;
/** Likewise for round trips, which begin with a TLS handshake per pair. */
export const ROUND_TRIP_PROBES_AT_ONCE = 4;
const ROUND_TRIP_TOLERANCE_SECONDS = 0.002;
const ROUND_TRIP_TOLERANCE_SHARE = 0.03;
const RATE_TOLERANCE_SHARE = 0.05;
/** Half-width of the loss interval in standard deviations: 1 in 15,000 healthy probes fails it. */
const LOSS_DEVIATIONS = 4;

/** A directed path between two ranks. */
export interface Path {
  readonly from: number;
  readonly to: number;
}

/**
 * The paths whose rate is measured, of those that slices will take: all of them with few nodes. With many, those
 * between nodes 1, 2, 4, 8, … ranks apart, so that the count grows as N log N; and one to and from each node that is
 * in none of these, so that every uplink and every downlink is in some.
 */
export function ratePaths(senders: Senders): Path[] {
  const count = senders.length;
  const paths = senders.flatMap((ranks, to) => ranks.map((from) => ({ from, to })));
  if (count <= ALL_PAIRS_UP_TO) return paths;
  const isPower = (distance: number) => Number.isInteger(Math.log2(distance));
  const chosen = paths.filter(({ from, to }) => isPower((to - from + count) % count));
  const uplinks = new Set(chosen.map(({ from }) => from));
  const downlinks = new Set(chosen.map(({ to }) => to));
  for (const path of paths) {
    if (uplinks.has(path.from) && downlinks.has(path.to)) continue;
    chosen.push(path);
    uplinks.add(path.from);
    downlinks.add(path.to);
  }
  return chosen;
}

/**
 * The paths from an object store, each of which stands for both directions: the rank that measures it measures the
 * way there too, since nobody tells a store to. Of many nodes a few, evenly chosen, for one after the other has the
 * store's uplink to itself.
 */
export function storePaths(topology: Topology): Path[] {
  const store = storePosition(topology);
  if (store === undefined) return [];
  const { nodes } = topology;
  const step = Math.ceil(nodes.length / ALL_PAIRS_UP_TO);
  const ranks = nodes.map(({ rank }) => rank).filter((rank) => rank % step === 0);
  return ranks.map((to) => ({ from: store, to }));
}

/**
 * Groups of paths that can be measured at the same time, each of at most `atOnce`: no two of a group share an uplink
 * or a downlink, or each would get half of it.
 */
export function disjointPaths(paths: readonly Path[], atOnce: number): Path[][] {
  const groups: Path[][] = [];
  for (const path of paths) {
    const group = groups.find(
      (one) => one.length < atOnce && one.every(({ from, to }) => from !== path.from && to !== path.to),
    );
    if (group) group.push(path);
    else groups.push([path]);
  }
  return groups;
}

/**
 * By rank: the peers whose round trip it measures; each unordered pair at most once. With many nodes: the
 * pairs 1, 2, 4, 8, … ranks apart, so that every node is in some and the count grows as N log N.
 */
export function roundTripPairs(worldSize: number): number[][] {
  const distances: number[] = [];
  const step = worldSize <= ALL_PAIRS_UP_TO ? (d: number): number => d + 1 : (d: number): number => d * 2;
  for (let distance = 1; 2 * distance <= worldSize; distance = step(distance)) distances.push(distance);
  return Array.from({ length: worldSize }, (_, rank) =>
    distances
      // Half way round the ring a pair would be met from both ends.
      .filter((distance) => 2 * distance < worldSize || rank < worldSize / 2)
      .map((distance) => (rank + distance) % worldSize),
  );
}

/** One check for each property, of the path that is furthest off what was configured. */
export function probeChecks(
  measurements: readonly PathMeasurement__Output[],
  topology: Topology,
): GateCheck[] {
  const roundTrips: GateCheck[] = [];
  const rates: GateCheck[] = [];
  const losses: GateCheck[] = [];
  const hosts = hostsOf(topology);
  for (const measurement of measurements) {
    const { from, to } = measurement;
    const label = `${hosts[from]!.name} → ${hosts[to]!.name}`;
    const there = topology.paths[from]![to]!;
    const back = topology.paths[to]![from]!;
    if (measurement.roundTripSeconds !== undefined) {
      const expected = there.delay + back.delay;
      const tolerance =
        Math.max(ROUND_TRIP_TOLERANCE_SECONDS, ROUND_TRIP_TOLERANCE_SHARE * expected) +
        varies(there) +
        varies(back);
      roundTrips.push(check(`round trip ${label}`, expected, measurement.roundTripSeconds, tolerance, 's'));
    }
    if (measurement.rate !== undefined) {
      const expected = pathRate(topology, from, to);
      rates.push(
        check(`rate ${label}`, expected, measurement.rate, RATE_TOLERANCE_SHARE * expected, 'bit/s'),
      );
    }
    if (measurement.packetsSent !== undefined && measurement.packetsReceived !== undefined) {
      const sent = measurement.packetsSent;
      const share = (sent - measurement.packetsReceived) / sent;
      // Where loss is so rare that none is expected, a single lost packet may be.
      const variance = Math.max(lossVariance(there.loss, sent), 1 / sent ** 2);
      const tolerance = LOSS_DEVIATIONS * Math.sqrt(variance);
      losses.push(check(`loss ${label}`, meanLoss(there.loss), share, tolerance, 'share'));
    }
  }
  return [roundTrips, rates, losses].flatMap((checks) => (checks.length === 0 ? [] : [furthestOff(checks)]));
}

/**
 * How far the way of one packet may be off its path's delay, seconds. Of several round trips the shortest counts, so
 * jitter may have shortened it by the most it does, or, if none came away without, lengthened it. A packet that overtakes
 * spends no time on the path at all.
 */
function varies({ delay, jitter, reorder }: WanPath): number {
  return Math.max(-jitterQuantile(jitter, 0), jitterMost(jitter), reorder > 0 ? delay : 0);
}

function check(name: string, expected: number, measured: number, tolerance: number, unit: string): GateCheck {
  return { name, expected, measured, tolerance, unit, ok: Math.abs(measured - expected) <= tolerance };
}

/** The one with the largest deviation in units of what is tolerated; one that is not even a number first. */
function furthestOff(checks: readonly GateCheck[]): GateCheck {
  const deviation = ({ expected, measured, tolerance }: GateCheck): number => {
    const share = Math.abs(measured - (expected ?? 0)) / tolerance;
    return Number.isNaN(share) ? Infinity : share;
  };
  return checks.reduce((worst, next) => (deviation(next) > deviation(worst) ? next : worst));
}
