/**
 * RITA's two measures of how regular a list of numbers is: Bowley's skewness and the median absolute deviation.
 *
 * Both ask the middle of the list and not its ends, so a few late beacons do not hide many punctual ones. The formulas,
 * with their odd corners (no skew below an interquartile range of 10; a deviation of nothing where the median is below
 * 1), are those of RITA v5, analysis/beacons.go, and are checked against its own test vectors. Quartiles are those of
 * the Go package montanaflynn/stats: medians of the lower and the upper half, without the middle of an odd list.
 *
 * Errors are RangeErrors, for RITA's are: the caller asks first whether there is enough to score.
 */

export interface Spread {
  readonly skew: number;
  /** Median absolute deviation from the median. */
  readonly mad: number;
  /** From 0, ragged, to 1, perfectly regular; three digits. */
  readonly score: number;
}

/** Mean of the scores of skewness and deviation. `defaultMadScore` is used where the median is below 1. */
export function statisticalScore(values: readonly number[], defaultMadScore: number): Spread {
  const { skew, score: skewScore } = bowleySkewness(values);
  const { mad, score: madScore } = medianAbsoluteDeviation(values, defaultMadScore);
  return { skew, mad, score: round3((skewScore + madScore) / 2) };
}

/** (Q1 + Q3 − 2 Q2) / (Q3 − Q1), and 1 less its size. */
export function bowleySkewness(values: readonly number[]): { skew: number; score: number } {
  if (values.length < 3) throw new RangeError('input slice must not contain fewer than 3 elements');
  const [q1, q2, q3] = quartiles(values);
  const range = q3 - q1;
  const skew = range >= 10 && q2 !== q1 && q2 !== q3 ? (q1 + q3 - 2 * q2) / range : 0;
  return { skew, score: 1 - Math.abs(skew) };
}

/** Median absolute deviation, and the share of the median that it leaves. */
export function medianAbsoluteDeviation(
  values: readonly number[],
  defaultScore: number,
): { mad: number; score: number } {
  if (values.length === 0) throw new RangeError('input slice must not be empty');
  const middle = median(ascending(values));
  const mad = median(ascending(values.map((value) => Math.abs(value - middle))));
  const score = middle >= 1 ? (middle - mad) / middle : defaultScore;
  return { mad, score: score > 0 ? score : 0 };
}

export interface DistinctCounts {
  readonly distinct: readonly number[];
  readonly counts: readonly number[];
  /** The most frequent one, of several the least. */
  readonly mode: number;
  readonly modeCount: number;
}

/** How often each number occurs, cut to whole numbers as RITA does. */
export function distinctCounts(values: readonly number[]): DistinctCounts {
  if (values.length < 2) throw new RangeError('input slice must have at least two elements');
  const counts = new Map<number, number>();
  for (const value of ascending(values)) {
    const whole = Math.trunc(value);
    counts.set(whole, (counts.get(whole) ?? 0) + 1);
  }
  const distinct = [...counts.keys()];
  let mode = distinct[0]!;
  for (const value of distinct) if (counts.get(value)! > counts.get(mode)!) mode = value;
  return { distinct, counts: [...counts.values()], mode, modeCount: counts.get(mode)! };
}

export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** To three digits; RITA rounds every score so. */
export function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function quartiles(values: readonly number[]): [number, number, number] {
  const sorted = ascending(values);
  const half = Math.floor(sorted.length / 2);
  return [median(sorted.slice(0, half)), median(sorted), median(sorted.slice(sorted.length - half))];
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
