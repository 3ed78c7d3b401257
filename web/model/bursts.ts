/**
 * Bursts as the eye sees them: the stretches in which the mesh as a whole sends much more than nothing.
 *
 * An estimate for a live picture, from a few meter readings per second; what a run's summary says of its
 * heartbeat is measured from packets. A burst begins where the rate of all nodes together climbs over a share
 * of the highest rate in view, and lasts while it stays over a lower one, so that a dip within a burst does
 * not make two of it. A reading is a mean over its interval; the outermost readings of a burst count for the
 * part of their interval that they would fill at the rate of their inner neighbour, and so edges are
 * finer than the readings.
 */
import type { WireSample } from '../../orchestrator/web/wire.js';

export interface Burst {
  /** In the clock of the samples, seconds. */
  readonly start: number;
  readonly end: number;
  /** Still going on in the newest reading. */
  readonly isOpen: boolean;
}

export interface Beat {
  readonly bursts: readonly Burst[];
  /** Mean time from one burst's start to the next one's, seconds; null before two. */
  readonly periodSeconds: number | null;
  /** Mean length of bursts that are over, seconds; null before one. */
  readonly burstSeconds: number | null;
  /** Mean length ÷ mean period; null before two bursts. */
  readonly dutyCycle: number | null;
}

/** Shares of the highest rate in view. */
const BEGIN_SHARE = 0.3;
const STAY_SHARE = 0.1;
/** What stays below this share of all uplinks is no burst, even if it is the highest in view. */
const LEAST_SHARE = 0.01;

/** All nodes' egress together, bit/s, per sample. */
export function totals(samples: readonly WireSample[]): number[] {
  return samples.map(({ up }) => up.reduce((sum, rate) => sum + rate, 0));
}

/**
 * @param samples oldest first.
 * @param capacity of all uplinks together, bit/s.
 * @param from bursts before this time do not count, seconds: probes look like bursts.
 */
export function beatOf(samples: readonly WireSample[], capacity: number, from: number): Beat {
  const counted = samples.filter(({ time }) => time > from);
  const bursts = burstsIn(counted, capacity, from);
  const over = bursts.filter(({ isOpen }) => !isOpen);
  const burstSeconds = mean(over.map(({ start, end }) => end - start));
  const [first, last] = [bursts[0], bursts.at(-1)];
  const intervals = bursts.length - 1;
  if (first === undefined || last === undefined || intervals < 1)
    return { bursts, periodSeconds: null, burstSeconds, dutyCycle: null };
  const periodSeconds = (last.start - first.start) / intervals;
  const dutyCycle = burstSeconds === null ? null : Math.min(1, burstSeconds / periodSeconds);
  return { bursts, periodSeconds, burstSeconds, dutyCycle };
}

function burstsIn(samples: readonly WireSample[], capacity: number, from: number): Burst[] {
  const rates = totals(samples);
  const peak = Math.max(0, ...rates);
  if (peak <= LEAST_SHARE * capacity) return [];
  const bursts: Burst[] = [];
  for (let at = 0; at < rates.length; at++) {
    if (rates[at]! < BEGIN_SHARE * peak) continue;
    const isInside = (index: number): boolean => (rates[index] ?? 0) >= STAY_SHARE * peak;
    let [first, last] = [at, at];
    while (isInside(first - 1)) first--;
    while (isInside(last + 1)) last++;
    const beginOf = (index: number): number =>
      samples[index - 1]?.time ?? Math.min(from, samples[index]!.time);
    const fill = (edge: number, neighbour: number): number =>
      first === last ? 1 : Math.min(1, rates[edge]! / rates[neighbour]!);
    const firstEnd = samples[first]!.time;
    const lastBegin = beginOf(last);
    bursts.push({
      start: firstEnd - (firstEnd - Math.max(beginOf(first), from)) * fill(first, first + 1),
      end: lastBegin + (samples[last]!.time - lastBegin) * fill(last, last - 1),
      isOpen: last === rates.length - 1,
    });
    at = last;
  }
  return bursts;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
