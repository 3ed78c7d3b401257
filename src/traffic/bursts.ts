/**
 * Finds the bursts in a series of byte counts.
 *
 * Think of a thermostat: a burst is on once the smoothed rate has risen above an upper threshold, and off
 * once it has been below a lower one for the hold time. The thresholds come from the series itself. They
 * lie between its floor (a rate that is undercut a tenth of the time) and its peak, which is weighed by
 * bytes: the rate at or below which three quarters of all bytes were sent. Weighed so, the peak is the rate
 * inside bursts whether bursts fill two thirds of the time or a thousandth of it.
 *
 * Smoothing blurs the edges, so each is sought again in the raw bins: see burst-edges.ts.
 *
 * It knows nothing of hosts or protocols, and does not judge whether the bursts form a beat.
 */
import { EdgeFinder } from './burst-edges.js';
import type { BinRange, Levels } from './burst-edges.js';
import { chooseHold } from './hold.js';
import type { HoldOptions } from './hold.js';

export interface BurstOptions extends HoldOptions {
  /** Width of the moving mean, seconds. Default 0.1. */
  readonly smoothingSeconds: number;
  /** Thresholds, as shares of the way from floor to peak. Defaults 0.5 and 0.2. */
  readonly upper: number;
  readonly lower: number;
  /** The lead-up to a burst is followed back while above this share of the way. Default 0.01. */
  readonly onset: number;
  /** Share of the time that the rate is below the floor. Default 0.1. */
  readonly floorQuantile: number;
  /** Share of the bytes that are sent at or below the peak rate. Default 0.75. */
  readonly peakQuantile: number;
  /** The peak must be at least this many times the floor. Default 2. */
  readonly contrast: number;
  /** Bursts of fewer bytes are messages, not transfers. Default 16384. */
  readonly minBytes: number;
  /** Bursts with less than this share of the typical burst's bytes are left out. Default 0.2. */
  readonly minShare: number;
  /**
   * Being in a burst or not must explain at least this share of the variance of the smoothed rate. Meshes
   * have 0.4 (many stalls) to 1; what chance piles up in independent arrivals has less than 0.1. Default 0.15.
   */
  readonly minExplained: number;
  /** A fixed hold in seconds, instead of one chosen from the data. */
  readonly holdSeconds?: number;
}

export const burstDefaults: BurstOptions = {
  smoothingSeconds: 0.1,
  upper: 0.5,
  lower: 0.2,
  onset: 0.01,
  floorQuantile: 0.1,
  peakQuantile: 0.75,
  contrast: 2,
  minBytes: 16_384,
  minShare: 0.2,
  minExplained: 0.15,
  defaultHoldSeconds: 0.3,
  longestStallSeconds: 2,
};

export interface BinBurst extends BinRange {
  readonly bytes: number;
}

export interface BurstDetection {
  /** In order of time, not overlapping. */
  readonly bursts: readonly BinBurst[];
  readonly levels: Levels;
  readonly holdSeconds: number;
  /** Why there are no bursts, when there are none. */
  readonly reason?: string;
}

/**
 * Finds the bursts of one series.
 *
 * @param bytes bytes per bin, dense.
 * @param binSeconds width of a bin; where it exceeds the smoothing width there is no smoothing.
 */
export function detectBursts(
  bytes: Float64Array,
  binSeconds: number,
  options: BurstOptions = burstDefaults,
): BurstDetection {
  const half = Math.floor(options.smoothingSeconds / binSeconds / 2);
  const smooth = movingMean(bytes, half);
  const levels = levelsOf(smooth, options);
  const none = (reason: string, holdSeconds = options.defaultHoldSeconds): BurstDetection => ({
    bursts: [],
    levels,
    holdSeconds,
    reason,
  });
  if (levels.peak === 0) return none('there is no traffic');
  if (levels.peak < options.contrast * levels.floor) {
    const ratio = (levels.peak / levels.floor).toFixed(2);
    return none(
      `the rate hardly varies: its peak is ${ratio} times its floor, and ${options.contrast} is needed`,
    );
  }
  const surges = hysteresis(smooth, levels);
  // A silence shorter than the window cannot be told from no silence.
  const silences = surges.slice(1).map((surge, index) => (surge.start - surges[index]!.end) * binSeconds);
  const hold =
    options.holdSeconds ??
    chooseHold(
      silences.filter((s) => s >= options.smoothingSeconds),
      options,
    );
  const joined = join(surges, Math.max(hold, options.smoothingSeconds / 2) / binSeconds);
  const edges = new EdgeFinder(bytes, smooth, levels, {
    half,
    lead: Math.round(options.defaultHoldSeconds / binSeconds),
    onset: options.onset,
  });
  const refined = edges.refine(joined);
  const bursts = substantial(
    refined.map((range) => ({ ...range, bytes: total(bytes, range) })),
    bytes.length,
    half,
    options,
  );
  if (bursts.length === 0) return none(`no burst has ${options.minBytes} bytes or more`, hold);
  const share = varianceExplained(smooth, bursts, half);
  if (share >= options.minExplained) return { bursts, levels, holdSeconds: hold };
  const [found, needed] = [share, options.minExplained].map((part) => `${(100 * part).toFixed(0)} %`);
  return none(
    `the rate varies, but bursts explain only ${found} of its variance, and ${needed} is needed`,
    hold,
  );
}

/** Mean over the bins from `half` before to `half` after; beyond the ends there are zeros. */
export function movingMean(values: Float64Array, half: number): Float64Array {
  const width = 2 * half + 1;
  const mean = new Float64Array(values.length);
  let sum = 0;
  for (let index = -half; index < values.length; index++) {
    if (index + half < values.length) sum += values[index + half]!;
    if (index > half) sum -= values[index - half - 1]!;
    // Byte counts are whole numbers, so the running sum is exact and returns to 0.
    if (index >= 0) mean[index] = sum / width;
  }
  return mean;
}

function levelsOf(smooth: Float64Array, options: BurstOptions): Levels {
  // Most bins of a long capture are silent; only the others need sorting.
  const sorted = smooth.filter((rate) => rate > 0).sort();
  const silent = smooth.length - sorted.length;
  const floor = sorted[Math.floor(options.floorQuantile * (smooth.length - 1)) - silent] ?? 0;
  const wanted = sorted.reduce((sum, value) => sum + value, 0) * options.peakQuantile;
  let sum = 0;
  const index = sorted.findIndex((value) => (sum += value) >= wanted);
  const peak = sorted[index] ?? 0;
  const at = (share: number) => floor + share * (peak - floor);
  return { floor, peak, upper: at(options.upper), lower: at(options.lower) };
}

/** Stretches that begin at the upper threshold and end below the lower one, with no hold. */
function hysteresis(smooth: Float64Array, { upper, lower }: Levels): BinRange[] {
  const ranges: BinRange[] = [];
  let start = -1;
  smooth.forEach((rate, bin) => {
    if (start < 0 && rate >= upper) start = bin;
    else if (start >= 0 && rate < lower) {
      ranges.push({ start, end: bin });
      start = -1;
    }
  });
  if (start >= 0) ranges.push({ start, end: smooth.length });
  return ranges;
}

/** Joins neighbours that are at most `gap` bins apart. */
function join(ranges: readonly BinRange[], gap: number): BinRange[] {
  const joined: BinRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && range.start - last.end <= gap) {
      joined[joined.length - 1] = { start: last.start, end: range.end };
    } else joined.push(range);
  }
  return joined;
}

/**
 * Share of the variance of the smoothed rate that the bursts explain: its squared correlation with a signal
 * that is 1 in bursts and 0 elsewhere, smoothed alike (or a burst shorter than the window would not match
 * its own smoothed image).
 */
function varianceExplained(smooth: Float64Array, bursts: readonly BinRange[], half: number): number {
  const signal = new Float64Array(smooth.length);
  for (const { start, end } of bursts) signal.fill(1, start, end);
  const image = movingMean(signal, half);
  const variance = covariance(smooth, smooth) * covariance(image, image);
  return variance === 0 ? 0 : covariance(smooth, image) ** 2 / variance;
}

/** Sum of the products of deviations from the means; not divided by the length. */
function covariance(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanOfA, meanOfB] = [mean(a), mean(b)];
  return a.reduce((sum, value, index) => sum + (value - meanOfA) * (b[index]! - meanOfB), 0);
}

/** Leaves out what is too small to be a burst of this series, and bursts cut off by the series' ends. */
function substantial(bursts: BinBurst[], length: number, half: number, options: BurstOptions): BinBurst[] {
  const typical = typicalBytes(bursts);
  return bursts.filter((burst) => {
    const isAtEdge = burst.start <= half || burst.end >= length - half;
    const share = isAtEdge ? Math.max(options.minShare, 0.8) : options.minShare;
    return burst.bytes >= options.minBytes && burst.bytes >= share * typical;
  });
}

/** The burst size at or below which half of all burst bytes lie: small ones, however many, hardly move it. */
function typicalBytes(bursts: readonly BinBurst[]): number {
  const sizes = bursts.map((burst) => burst.bytes).sort((a, b) => a - b);
  const half = sizes.reduce((sum, size) => sum + size, 0) / 2;
  let sum = 0;
  return sizes.find((size) => (sum += size) >= half) ?? 0;
}

function total(bytes: Float64Array, { start, end }: BinRange): number {
  let sum = 0;
  for (let bin = start; bin < end; bin++) sum += bytes[bin]!;
  return sum;
}
