/** The statistics that judging measurements takes: quantiles, means, and how far chance alone may carry a share. */

/** Deviations of the normal distribution within which 99 % lie, to both sides. */
export const NORMAL_99 = 2.5758;

/** NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return sum / values.length;
}

/** The value below which a share of all lies: of `sorted` values, ascending; NaN of nothing. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export const ascending = (values: ArrayLike<number>): Float64Array => Float64Array.from(values).sort();

/** Variance of the share of hits among `count` independent trials. */
export const shareVariance = (probability: number, count: number): number =>
  (probability * (1 - probability)) / count;
