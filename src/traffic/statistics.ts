/** The few figures of a list of numbers that heartbeats are told by. */

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation (population form) ÷ mean; 0 where there is no mean. */
export function variation(values: readonly number[]): number {
  const centre = mean(values);
  return centre === 0 ? 0 : Math.sqrt(mean(values.map((value) => (value - centre) ** 2))) / centre;
}

/** The middle value, or the mean of the two; NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between the sorted values (type 7 of Hyndman and Fan 1996); NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) return NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * Chance that of `trials` fair coins (heads with `share`) at least `hits` show heads: the upper tail of the binomial
 * distribution, summed by its logarithms.
 */
export function atLeast(hits: number, trials: number, share: number): number {
  if (hits <= 0) return 1;
  let logTerm = trials * Math.log(1 - share);
  let sum = 0;
  for (let k = 0; k <= trials; k++) {
    if (k >= hits) sum += Math.exp(logTerm);
    logTerm += Math.log((trials - k) / (k + 1)) + Math.log(share / (1 - share));
  }
  return Math.min(1, sum);
}
