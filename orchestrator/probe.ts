/**
 * The gate's first half: which paths to measure before a run, and what the measurements say.
 *
 * Shaping is often believed and not verified; here every run verifies it. Rate and loss are measured on the
 * paths that will carry slices, before the capture begins; round trips between all pairs, or between enough
 * pairs where there are many, inside the capture, so that every pair's handshake is in it.
 *
 * It takes seconds, and so tolerates more than `meshbeat verify`, which measures every property at length; what is right
 * both have from src/fidelity/expected.ts.
 */
import type { PathMeasurement__Output } from '../proto/types/meshbeat/control/v1/PathMeasurement.js';
import {
  expectedRoundTrip,
  GATE_TOLERANCES,
  lossTolerance,
  roundTripTolerance,
} from '../src/fidelity/expected.js';
import { ALL_PAIRS_UP_TO, type PathEnds } from '../src/fidelity/paths.js';
import type { GateCheck } from '../src/run/files.js';
import {
  hostsOf,
  jitterMost,
  jitterQuantile,
  lossOnArrival,
  meanLoss,
  storePosition,
  wayBetween,
  type Topology,
  type Path as WanPath,
} from '../src/scenario/index.js';
import type { Senders } from './schedules/senders.js';

/** Nodes that measure their rate at the same time; more would measure this machine. */
export const RATE_PROBES_AT_ONCE = 4;
/** Likewise for round trips, which begin with a TLS handshake per pair. */
export const ROUND_TRIP_PROBES_AT_ONCE = 4;

/**
 * The paths whose rate is measured, of those that slices will take: all of them with few nodes. With many, those
 * between nodes 1, 2, 4, 8, … ranks apart, so that the count grows as N log N; and one to and from each node that is
 * in none of these, so that every uplink and every downlink is in some.
 */
export function ratePaths(senders: Senders): PathEnds[] {
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
export function storePaths(topology: Topology): PathEnds[] {
  const store = storePosition(topology);
  if (store === undefined) return [];
  const { nodes } = topology;
  const step = Math.ceil(nodes.length / ALL_PAIRS_UP_TO);
  const ranks = nodes.map(({ rank }) => rank).filter((rank) => rank % step === 0);
  return ranks.map((to) => ({ from: store, to }));
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
    const there = wayBetween(topology, from, to);
    const back = wayBetween(topology, to, from);
    if (measurement.roundTripSeconds !== undefined) {
      const hops = [...there.hops, ...back.hops];
      // Each hop is there once this way and once the other, and a round trip is of both.
      const expected = there.hops.reduce(
        (sum, hop) => sum + expectedRoundTrip(topology, hop.from, hop.to).plain,
        0,
      );
      const tolerance =
        roundTripTolerance(expected, GATE_TOLERANCES) + hops.reduce((sum, { path }) => sum + varies(path), 0);
      roundTrips.push(check(`round trip ${label}`, expected, measurement.roundTripSeconds, tolerance, 's'));
    }
    if (measurement.rate !== undefined) {
      const expected = there.rate;
      const tolerance = GATE_TOLERANCES.rateShare * expected;
      rates.push(check(`rate ${label}`, expected, measurement.rate, tolerance, 'bit/s'));
    }
    if (measurement.packetsSent !== undefined && measurement.packetsReceived !== undefined) {
      const sent = measurement.packetsSent;
      const share = (sent - measurement.packetsReceived) / sent;
      const losing = there.hops.map(({ path }) => lossOnArrival(path));
      // One after the other: shares kept are multiplied, variances are added.
      const expected = 1 - losing.reduce((kept, loss) => kept * (1 - meanLoss(loss)), 1);
      const tolerance = Math.hypot(...losing.map((loss) => lossTolerance(loss, sent, GATE_TOLERANCES)));
      losses.push(check(`loss ${label}`, expected, share, tolerance, 'share'));
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
