/**
 * RITA's histogram of when connections began, and the two things it asks of it: are the bars equally tall (or of two
 * heights), and are there bars all day.
 *
 * RITA cuts its data set, at most the last 24 hours, into 24 equal bins, whatever its length. Of a day these are hours;
 * of a run of one minute they are 2.5 s, so a run that is compressed in time is compressed here, too. All formulas are
 * of RITA v5, analysis/beacons.go; RangeErrors are thrown where RITA returns an error.
 */
import { ascending, round3 } from './statistics.js';

export interface Frequencies {
  /** Height of a bar, to the grain of the comparison -> how many bars are so tall. */
  readonly frequencies: ReadonlyMap<number, number>;
  /** Bars that are not empty. */
  readonly totalBars: number;
  /** Most bars in a row that are not empty, from the end to the beginning of the data set included. */
  readonly longestRun: number;
}

export interface Histogram extends Frequencies {
  readonly bars: readonly number[];
}

/** Edges of equal bins. */
export function binEdges(start: number, end: number, bins: number): number[] {
  if (bins <= 0) throw new RangeError('number of desired histogram bins must be greater than 0');
  if (end <= start) throw new RangeError('invalid histogram time range');
  const step = (end - start) / bins;
  return Array.from({ length: bins + 1 }, (_, index) => (index === bins ? end : start + index * step));
}

/** Counts times into bins; what lies at or after the last edge is counted in the last bin, as in RITA. */
export function histogramOf(
  edges: readonly number[],
  times: readonly number[],
  modeSensitivity: number,
): Histogram {
  if (edges.length < 2) throw new RangeError('bin edges must contain at least 2 elements');
  if (times.length === 0) throw new RangeError('input slice must not be empty');
  const sortedEdges = ascending(edges);
  const bars = new Array<number>(edges.length - 1).fill(0);
  let bin = 0;
  for (const time of ascending(times)) {
    while (bin < bars.length - 1 && time >= sortedEdges[bin + 1]!) bin += 1;
    bars[bin]! += 1;
  }
  return { bars, ...frequencyCounts(bars, modeSensitivity) };
}

/** How many bars are of which height; heights closer than `modeSensitivity` of the tallest count as one. */
export function frequencyCounts(bars: readonly number[], modeSensitivity: number): Frequencies {
  if (bars.length === 0) throw new RangeError('input slice must not be empty');
  const grain = Math.ceil(Math.max(...bars, 0) * modeSensitivity);
  const frequencies = new Map<number, number>();
  for (const bar of bars) {
    if (bar <= 0) continue;
    const height = Math.floor(bar / grain) * grain;
    frequencies.set(height, (frequencies.get(height) ?? 0) + 1);
  }
  return {
    frequencies,
    totalBars: bars.filter((bar) => bar > 0).length,
    longestRun: longestRun(bars),
  };
}

function longestRun(bars: readonly number[]): number {
  let longest = 0;
  let run = 0;
  for (const bar of [...bars, ...bars]) {
    run = bar > 0 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return Math.min(longest, bars.length);
}

/** 1 less the coefficient of variation of the bars, empty ones included; 0 if that is above 1. */
export function variationScore(bars: readonly number[]): number {
  if (bars.length === 0) throw new RangeError('input slice must not be empty');
  if (bars.some((bar) => bar < 0)) throw new RangeError('input slice must not contain negative values');
  const total = bars.reduce((sum, bar) => sum + bar, 0);
  if (total <= 0) throw new RangeError('total must be greater than zero');
  const mean = total / bars.length;
  const deviation = Math.sqrt(bars.reduce((sum, bar) => sum + (bar - mean) ** 2, 0) / bars.length);
  const variation = deviation / mean;
  return variation > 1 ? 0 : Math.min(1, round3(1 - variation));
}

/** Share of bars that are of one of the two most frequent heights; 0 if there are too few bars to say. */
export function bimodalScore(
  frequencies: ReadonlyMap<number, number>,
  totalBars: number,
  outlierRemoval: number,
  minBars: number,
): number {
  if (frequencies.size === 0) throw new RangeError('frequency count map must not be empty');
  if (totalBars <= 0) throw new RangeError('total bars must be greater than zero');
  // Of a quarter of a day, any histogram has only one or two modes: RITA falls back to its default then.
  if (totalBars < (minBars < 6 ? 11 : minBars)) return 0;
  const [largest = 0, second = 0] = [...frequencies.values()].sort((a, b) => b - a);
  return Math.min(1, round3((largest + second) / Math.max(totalBars - outlierRemoval, 1)));
}

/** How much of the data set a pair covers, and for how many bins on end it was there. */
export function durationScore(
  dataset: { readonly min: number; readonly max: number },
  seen: { readonly min: number; readonly max: number },
  bars: { readonly totalBars: number; readonly longestRun: number },
  options: { readonly minBars: number; readonly idealRun: number },
): { coverage: number; consistency: number; score: number } {
  const { minBars, idealRun } = options;
  if (minBars < 1 || idealRun < 1 || dataset.max <= dataset.min || seen.max <= seen.min) {
    throw new RangeError('invalid input for getDurationScore: check parameter values');
  }
  if (bars.totalBars < minBars) return { coverage: 0, consistency: 0, score: 0 };
  const coverage = Math.min(1, ceil3((seen.max - seen.min) / (dataset.max - dataset.min)));
  const consistency = Math.min(1, ceil3(bars.longestRun / idealRun));
  return { coverage, consistency, score: Math.max(coverage, consistency) };
}

function ceil3(value: number): number {
  return Math.ceil(value * 1000) / 1000;
}
