/**
 * The beacon score of RITA v5, exact: four marks between 0 and 1, and their weighted mean.
 *
 * - timestamps: are the intervals between starts all alike?
 * - data sizes: do all carry alike many bytes?
 * - histogram: are there alike many in each of the 24 bins?
 * - duration: do they go on for all of the time?
 *
 * Like RITA it knows whole seconds only, takes two starts within one second for one, and scores a pair from four
 * distinct starts on. 86,400 or more are a "strobe", which RITA reports as such and does not score. Defaults are those
 * of RITA's config.go; bins and hours are parameters, for a run that is compressed in time.
 *
 * Source: activecm/rita, analysis/beacons.go and analysis/analysis.go (v5). Not RITA's: nothing, but the names.
 */
import { bimodalScore, binEdges, durationScore, histogramOf, variationScore } from './histogram.js';
import type { Histogram } from './histogram.js';
import { ascending, distinctCounts, round3, statisticalScore } from './statistics.js';
import type { DistinctCounts, Spread } from './statistics.js';

export interface Weights {
  readonly timestamps: number;
  readonly sizes: number;
  readonly duration: number;
  readonly histogram: number;
}

export interface RitaOptions {
  readonly weights: Weights;
  /** Bins of the histogram; hours, where the data set is a day. */
  readonly bins: number;
  /** Fewest bars for a duration score. */
  readonly durationMinBars: number;
  /** Bars in a row that are as many as one can wish for. */
  readonly idealRun: number;
  readonly modeSensitivity: number;
  readonly bimodalOutlierRemoval: number;
  readonly bimodalMinBars: number;
}

export const ritaDefaults: RitaOptions = {
  weights: { timestamps: 0.25, sizes: 0.25, duration: 0.25, histogram: 0.25 },
  bins: 24,
  durationMinBars: 6,
  idealRun: 12,
  modeSensitivity: 0.05,
  bimodalOutlierRemoval: 1,
  bimodalMinBars: 11,
};

/** Distinct whole seconds a pair needs to be scored, and connections from which on it is a strobe. */
export const MIN_STARTS = 4;
export const STROBE = 86_400;

export interface BeaconScore {
  readonly score: number;
  readonly timestamps: number;
  readonly sizes: number;
  readonly histogram: number;
  readonly duration: number;
}

/** A stretch of time, in seconds. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * Scores one pair.
 *
 * @param dataset from the first to the last start of all pairs, at most 24 h.
 * @param starts in seconds; they are cut to whole ones.
 * @param bytes what the originator sent in each.
 * @throws RangeError where RITA gives up on the pair: it says why.
 */
export function beaconScore(
  dataset: Range,
  starts: readonly number[],
  bytes: readonly number[],
  options: RitaOptions = ritaDefaults,
): BeaconScore {
  const whole: Range = { min: Math.floor(dataset.min), max: Math.floor(dataset.max) };
  if (whole.max <= whole.min) {
    throw new RangeError('invalid dataset timerange: min ts is greater than or equal to max ts');
  }
  const seconds = ascending(starts.map(Math.floor));
  const timestamps = timestampScore(seconds).score;
  const sizes = dataSizeScore(bytes).score;
  const marks = histogramScore(whole, seconds, options);
  const { score: duration } = durationScore(
    whole,
    { min: seconds[0]!, max: seconds.at(-1)! },
    marks.histogram,
    { minBars: options.durationMinBars, idealRun: options.idealRun },
  );
  const parts = { timestamps, sizes, histogram: marks.score, duration };
  return { score: weightedScore(parts, options.weights), ...parts };
}

/** The weighted mean of the four marks. Weights must sum to exactly 1. */
export function weightedScore(marks: Weights, weights: Weights): number {
  if (Object.values(marks).some((mark) => mark < 0 || mark > 1)) {
    throw new RangeError('scores must be between 0 and 1');
  }
  if (Object.values(weights).some((weight) => weight < 0 || weight > 1)) {
    throw new RangeError('weights must be between 0 and 1');
  }
  // In RITA's order: the sum of floating-point numbers depends on it.
  const { timestamps, sizes, duration, histogram } = weights;
  if (timestamps + sizes + duration + histogram !== 1) throw new RangeError('weights must sum to 1');
  return round3(
    marks.timestamps * timestamps +
      marks.sizes * sizes +
      marks.duration * duration +
      marks.histogram * histogram,
  );
}

/** @param seconds whole and ascending. */
export function timestampScore(seconds: readonly number[]): Spread & DistinctCounts {
  if (seconds.length < MIN_STARTS) {
    throw new RangeError('timestamp slice must contain at least 4 elements');
  }
  const intervals = ascending(seconds.slice(1).map((second, index) => second - seconds[index]!));
  const moving = intervals.filter((interval) => interval > 0);
  if (moving.length < 3) throw new RangeError('timestamp slice must contain at least 3 non-zero intervals');
  return { ...statisticalScore(moving, 1), ...distinctCounts(intervals) };
}

export function dataSizeScore(bytes: readonly number[]): Spread & DistinctCounts {
  if (bytes.length < 3) throw new RangeError('bytes slice must contain at least 3 elements');
  return { ...statisticalScore(bytes, 0), ...distinctCounts(bytes) };
}

export function histogramScore(
  dataset: Range,
  seconds: readonly number[],
  options: Pick<RitaOptions, 'bins' | 'modeSensitivity' | 'bimodalOutlierRemoval' | 'bimodalMinBars'>,
): { histogram: Histogram; score: number } {
  if (seconds.length === 0) throw new RangeError('input slice must not be empty');
  if (dataset.max <= dataset.min) {
    throw new RangeError('invalid dataset timerange: min ts is greater than or equal to max ts');
  }
  const edges = binEdges(dataset.min, dataset.max, options.bins);
  const histogram = histogramOf(edges, seconds, options.modeSensitivity);
  const flat = variationScore(histogram.bars);
  const { frequencies, totalBars } = histogram;
  const bimodal = bimodalScore(frequencies, totalBars, options.bimodalOutlierRemoval, options.bimodalMinBars);
  return { histogram, score: Math.max(flat, bimodal) };
}
