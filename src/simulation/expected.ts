/**
 * The heartbeat that a schedule should have, read off a simulated timeline. It is what a capture of the
 * same run is held against, so the terms are those of src/traffic: a burst is the mesh's, from the first byte
 * that any node sends in it to the last, and the period the time from one burst's start to the next's.
 *
 * What a round sends is one burst, unless there are pauses in it that the detector would take for the end of a
 * burst: Streaming DiLoCo has one for each fragment. Where no pause tells rounds apart, a beat still is a round.
 *
 * In the first round all ranks start at the same instant; after it each starts when it is done, and the ring
 * settles into a rhythm. Only that rhythm counts here.
 */
import { RunError } from '../errors.js';
import type { TimedOperation } from '../schedule/timed.js';
import { emissionsOf, type Emission, type EmissionOptions } from './emissions.js';
import { endsOfPauses } from './pauses.js';

export interface ExpectedHeartbeat {
  /** Mean time between the first bytes that a node sends in successive bursts; in a rhythm all have the same. */
  readonly periodSeconds: number;
  /** Mean time from the first byte that any node sends in a burst to the last. */
  readonly burstSeconds: number;
  /** Mean bytes a node sends in a burst: Ethernet frames with data, and acknowledgements of what it gets. */
  readonly burstBytesPerNode: number;
  /** Mean bytes that TCP carries for a node in a burst, one way: payload and all framing above TCP. */
  readonly burstTcpPayloadPerNode: number;
  /** Share of the time in which a burst is under way; 1 where each begins before the last has ended. */
  readonly dutyCycle: number;
}

export interface HeartbeatOptions extends EmissionOptions {
  /** Rounds left out at the beginning; default 1. */
  readonly skipRounds?: number;
}

/** What one host sends in one burst: a node, or an object store, which a capture can't tell from one. */
interface Burst {
  readonly host: number;
  /** Number of the mesh's burst; ascending in time. */
  readonly beat: number;
  /** Of its sends; Infinity and -Infinity while there is none. */
  start: number;
  end: number;
  bytes: number;
  tcpPayload: number;
}

/**
 * The mean heartbeat of the mesh over the rounds in steady state.
 *
 * @throws RunError if fewer than two rounds with bursts remain, for then there is no period.
 */
export function expectedHeartbeat(
  timed: readonly TimedOperation[],
  options: HeartbeatOptions,
): ExpectedHeartbeat {
  const bursts = burstsOf(timed, options);
  const intervals = groups(bursts, ({ host }) => host).flatMap((ofHost) =>
    // Who rests in a beat, as in gossip among an odd number, is back after several.
    ofHost.slice(1).map(({ start, beat }, i) => (start - ofHost[i]!.start) / (beat - ofHost[i]!.beat)),
  );
  if (intervals.length === 0) throw new RunError('a heartbeat needs at least two rounds in steady state');
  const periodSeconds = mean(intervals);
  const burstSeconds = mean(groups(bursts, ({ beat }) => beat).map(span));
  return {
    periodSeconds,
    burstSeconds,
    burstBytesPerNode: mean(bursts.map(({ bytes }) => bytes)),
    burstTcpPayloadPerNode: mean(bursts.map(({ tcpPayload }) => tcpPayload)),
    dutyCycle: Math.min(1, burstSeconds / periodSeconds),
  };
}

/** The bursts of all hosts that send anything, in order of beats. */
function burstsOf(
  timed: readonly TimedOperation[],
  { skipRounds = 1, ...options }: HeartbeatOptions,
): Burst[] {
  const firstRound = timed.reduce((least, { round }) => Math.min(least, round), Infinity) + skipRounds;
  const steady = emissionsOf(
    timed.filter(({ round }) => round >= firstRound),
    options,
  );
  const beatOf = beatsOf(steady);
  const bursts = new Map<string, Burst>();
  for (const emission of steady) {
    const { host, data, start, end, bytes, tcpPayload } = emission;
    const beat = beatOf(emission);
    const key = `${beat}/${host}`;
    const burst = bursts.get(key) ?? {
      host,
      beat,
      start: Infinity,
      end: -Infinity,
      bytes: 0,
      tcpPayload: 0,
    };
    bursts.set(key, burst);
    burst.bytes += bytes;
    burst.tcpPayload += tcpPayload;
    if (!data) continue;
    burst.start = Math.min(burst.start, start);
    burst.end = Math.max(burst.end, end);
  }
  return [...bursts.values()].filter(({ start }) => start < Infinity).sort((a, b) => a.beat - b.beat);
}

/** Which burst of the mesh something belongs to: its round, or one of several that pauses tell apart in each. */
function beatsOf(emissions: readonly Emission[]): (emission: Emission) => number {
  const resumed = endsOfPauses(emissions);
  // What has ended after the mesh resumed belongs to the burst that began then.
  const burstOf = ({ end }: Emission) => countUpTo(resumed, end);
  const roundsOf = new Map<number, Set<number>>();
  const rounds = new Set<number>();
  for (const emission of emissions) {
    if (!emission.data) continue;
    const burst = burstOf(emission);
    roundsOf.set(burst, (roundsOf.get(burst) ?? new Set()).add(emission.round));
    rounds.add(emission.round);
  }
  // In one round alone no pause is known to be one: it takes the longer ones between rounds to compare with.
  const someSpansRounds = [...roundsOf.values()].some(({ size }) => size > 1);
  const isOnePerRound = rounds.size < 2 || someSpansRounds || roundsOf.size === rounds.size;
  return isOnePerRound ? ({ round }) => round : burstOf;
}

/** How many of these ascending numbers are at most `limit`. */
function countUpTo(ascending: Float64Array, limit: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? NaN) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Seconds from the first byte of these bursts to the last. */
function span(bursts: readonly Burst[]): number {
  const first = bursts.reduce((least, { start }) => Math.min(least, start), Infinity);
  const last = bursts.reduce((most, { end }) => Math.max(most, end), -Infinity);
  return last - first;
}

/** The elements that share a key, in their order, for each key. */
function groups<T>(elements: readonly T[], keyOf: (element: T) => number): T[][] {
  const byKey = new Map<number, T[]>();
  for (const element of elements) {
    const group = byKey.get(keyOf(element)) ?? [];
    byKey.set(keyOf(element), group);
    group.push(element);
  }
  return [...byKey.values()];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
