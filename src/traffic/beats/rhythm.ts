/**
 * Finds the bursts of one series, and asks whether they keep time.
 *
 * Bursts are sought at several widths of bins (those of the series, then 0.1 s, 1 s, 10 s): what is one burst of a
 * minute by the second is a hundred small ones by the centisecond. The width at which chance explains the rhythm least is
 * taken, the finest of equals, and its p-value multiplied by the number of widths tried (Bonferroni), so that trying many
 * wins nothing.
 *
 * It knows series and no hosts.
 */
import { Random } from '../../random.js';
import { burstDefaults, detectBursts } from '../bursts.js';
import type { BurstOptions } from '../bursts.js';
import type { Grid } from '../grid.js';
import { monteCarlo, withoutBeat } from './null-model.js';
import type { Stretch } from './null-model.js';
import { highestPower, LEAST_STARTS, periodogramOf } from './periodogram.js';
import { median, variation } from '../statistics.js';

/** Seconds since the capture's first packet. */
export interface SeriesBurst {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly bytes: number;
}

/** How a series looks at one width of bins. */
export interface Rhythm {
  readonly binSeconds: number;
  readonly holdSeconds: number;
  readonly bursts: readonly SeriesBurst[];
  /** Why there are no bursts, when there are none. */
  readonly reason: string | null;
  /** Null with fewer than four bursts. */
  readonly periodSeconds: number | null;
  /** Standard deviation of the intervals between starts ÷ their mean. */
  readonly periodCv: number | null;
  /** Chance that bursts whose pauses have no memory keep time as well; null where there is no period. */
  readonly pValue: number | null;
}

/** Wider bins that are tried, seconds. */
const WIDTHS = [0.1, 1, 10];
/** A series of fewer bins has no room for bursts and pauses. */
const LEAST_BINS = 32;
/** Starts that are tested: the last ones of many. */
export const MOST_STARTS = 64;

/**
 * The series at all widths; the first is the one that tells most, with a p-value that allows for the choice.
 *
 * @param label of the series, for its random numbers: "host 10.0.0.1".
 */
export function rhythms(bytes: Float64Array, grid: Grid, label: string): [Rhythm, ...Rhythm[]] {
  const own = rhythmAt(bytes, grid, label);
  const wider = WIDTHS.filter(
    (width) => width > 1.5 * grid.binSeconds && bytes.length * grid.binSeconds >= LEAST_BINS * width,
  ).map((width) => {
    const factor = Math.round(width / grid.binSeconds);
    const binSeconds = factor * grid.binSeconds;
    const joined = joinBins(bytes, factor);
    return rhythmAt(joined, { ...grid, binSeconds, length: joined.length }, label);
  });
  const tested = [own, ...wider].filter(({ pValue }) => pValue !== null).length;
  const chance = (rhythm: Rhythm): number => rhythm.pValue ?? (rhythm.bursts.length > 0 ? 1.5 : 2);
  const [best = own, ...others] = [own, ...wider].sort((a, b) => chance(a) - chance(b));
  const pValue = best.pValue === null ? null : Math.min(1, best.pValue * tested);
  return [{ ...best, pValue }, ...others];
}

/** The series at the width that it has. */
export function rhythmAt(bytes: Float64Array, grid: Grid, label: string): Rhythm {
  const { binSeconds, startSeconds } = grid;
  const options = optionsFor(binSeconds);
  const { bursts, holdSeconds, reason } = detectBursts(bytes, binSeconds, options);
  const inSeconds = bursts.map((burst) => ({
    startSeconds: startSeconds + burst.start * binSeconds,
    endSeconds: startSeconds + burst.end * binSeconds,
    bytes: burst.bytes,
  }));
  return {
    binSeconds,
    holdSeconds,
    bursts: inSeconds,
    reason: reason ?? null,
    ...timekeeping(inSeconds, holdSeconds, new Random(1, `rhythm of ${label} by ${binSeconds} s`)),
  };
}

/** Whether bursts keep time. */
export function timekeeping(
  bursts: readonly SeriesBurst[],
  holdSeconds: number,
  random: Random,
): Pick<Rhythm, 'periodSeconds' | 'periodCv' | 'pValue'> {
  const stretches = bursts
    .slice(-MOST_STARTS)
    .map(({ startSeconds, endSeconds }) => ({ start: startSeconds, end: endSeconds }));
  const { power, frequencies, peak } = periodogramOf(stretches.map(({ start }) => start));
  if (stretches.length < LEAST_STARTS || peak < 0)
    return { periodSeconds: null, periodCv: null, pValue: null };
  const atLeastAsRegular = {
    power: power[peak]! * (1 - 1e-9),
    variation: variation(intervalsOf(stretches)) * (1 + 1e-9),
  };
  // A clock keeps its phase, which the periodogram sees through missed beats; a mesh that begins its next round when
  // the last has ended drifts, and only its intervals are alike. Two tests, so the better one counts double.
  const chances = monteCarlo(() => {
    const laid = withoutBeat(stretches, holdSeconds, random);
    return [
      highestPower(laid) >= atLeastAsRegular.power,
      variation(intervalsOf(laid)) <= atLeastAsRegular.variation,
    ];
  });
  const pValue = Math.min(1, 2 * Math.min(...chances));
  const intervals = intervalsOf(
    bursts.map(({ startSeconds, endSeconds }) => ({ start: startSeconds, end: endSeconds })),
  );
  const coarse = 1 / frequencies[peak]!;
  return {
    // The peak's place is known to a fraction of an interval only; the intervals know better. One with a missed burst
    // counts for two.
    periodSeconds: median(intervals.map((interval) => interval / Math.max(1, Math.round(interval / coarse)))),
    periodCv: variation(intervals),
    pValue,
  };
}

function intervalsOf(stretches: readonly Stretch[]): number[] {
  return stretches.slice(1).map(({ start }, index) => start - stretches[index]!.start);
}

/** What bins hide cannot be smoothed or held. */
function optionsFor(binSeconds: number): BurstOptions {
  const { smoothingSeconds, defaultHoldSeconds, longestStallSeconds } = burstDefaults;
  return {
    ...burstDefaults,
    smoothingSeconds: Math.max(smoothingSeconds, binSeconds),
    defaultHoldSeconds: Math.max(defaultHoldSeconds, 1.5 * binSeconds),
    longestStallSeconds: Math.max(longestStallSeconds, 2 * binSeconds),
  };
}

/** Sums of `factor` bins in a row. */
export function joinBins(bytes: Float64Array, factor: number): Float64Array {
  const joined = new Float64Array(Math.ceil(bytes.length / factor));
  bytes.forEach((value, bin) => (joined[Math.floor(bin / factor)]! += value));
  return joined;
}
