/**
 * The weather of a path: what may happen to a packet on its way besides taking time.
 *
 * Each of five things has a model of its own: how delays vary, which packets are lost, sent twice, overtake others, or
 * arrive damaged. Here are the models' parameters, and what follows from them by arithmetic alone: means and
 * quantiles, which whoever measures a path holds against what he measured. Nothing here draws a number; that is done
 * in src/wan/link.
 */

/**
 * How the one-way delay varies from packet to packet; seconds, added to the path's delay, independent of each other.
 *
 * `uniform` and `normal` leave the mean as it is. So does `pareto`, although its tail is heavy: it is Pareto's
 * distribution of shape 3, as in iproute2's netem/pareto.c, moved to mean 0 and scaled to the deviation named here
 * (netem's own table has 1.155 times the deviation that it is asked for, and ends at 4). Variations of `trace` are drawn
 * at random from a list that somebody measured, each with equal probability, and are taken as they are.
 */
export type Jitter =
  | { readonly kind: 'none' }
  | { readonly kind: 'uniform'; readonly halfWidth: number }
  /** Cut off at NORMAL_BOUND deviations, by drawing again. */
  | { readonly kind: 'normal'; readonly deviation: number }
  | { readonly kind: 'pareto'; readonly deviation: number }
  | { readonly kind: 'trace'; readonly file: string; readonly variations: readonly number[] };

/**
 * Which packets are lost: each by itself with the same probability, or in bursts, by the model of Gilbert and Elliott.
 *
 * There the path is in a good or in a bad state. Before each packet it changes from good to bad with probability `p`
 * and from bad to good with `r`; then the packet is lost with the probability of the state. `lossGood` is 1−k and
 * `lossBad` 1−h in the notation of Hasslinger and Hohlfeld ("The Gilbert-Elliott Model for Packet Loss in Real Time
 * Services on the Internet", MMB 2008) and of netem's `loss gemodel p r 1-h 1-k`. It begins in a state drawn from
 * the stationary distribution.
 */
export type Loss =
  | { readonly kind: 'bernoulli'; readonly probability: number }
  | {
      readonly kind: 'gilbert-elliott';
      readonly p: number;
      readonly r: number;
      readonly lossGood: number;
      readonly lossBad: number;
    };

export interface Weather {
  readonly jitter: Jitter;
  readonly loss: Loss;
  /** Probability that a packet comes twice. */
  readonly duplicate: number;
  /** Probability that a packet spends no time on the path, and so overtakes those before it. */
  readonly reorder: number;
  /** Probability that one bit of what a packet carries arrives flipped. */
  readonly corrupt: number;
}

/** Nothing happens. */
export const CALM: Weather = {
  jitter: { kind: 'none' },
  loss: { kind: 'bernoulli', probability: 0 },
  duplicate: 0,
  reorder: 0,
  corrupt: 0,
};

/** Deviations at which normal jitter is cut off: 1 packet in 16,000. */
export const NORMAL_BOUND = 4;
const PARETO_SHAPE = 3;
/** Mean and standard deviation of Pareto's distribution of that shape, from 1 upwards. */
export const PARETO_MEAN = PARETO_SHAPE / (PARETO_SHAPE - 1);
export const PARETO_DEVIATION = Math.sqrt(PARETO_SHAPE / (PARETO_SHAPE - 2)) / (PARETO_SHAPE - 1);

/** Share of packets that are lost in the long run. */
export function meanLoss(loss: Loss): number {
  if (loss.kind === 'bernoulli') return loss.probability;
  const bad = badShare(loss);
  return (1 - bad) * loss.lossGood + bad * loss.lossBad;
}

/**
 * Mean number of packets in a run of lost ones, in the long run; NaN where nothing is lost.
 *
 * A run begins as often as a lost packet follows one that was not lost, so it is the share of lost packets over the
 * share of such beginnings.
 */
export function meanLossRun(loss: Loss): number {
  if (loss.kind === 'bernoulli') return loss.probability > 0 ? 1 / (1 - loss.probability) : NaN;
  const { p, r, lossGood, lossBad } = loss;
  const bad = badShare(loss);
  const begins =
    (1 - bad) * (1 - lossGood) * ((1 - p) * lossGood + p * lossBad) +
    bad * (1 - lossBad) * (r * lossGood + (1 - r) * lossBad);
  return meanLoss(loss) / begins;
}

/**
 * Variance of the share of lost packets among `count` in a row. Losses that come in bursts tell less than as many
 * independent ones: the covariance of two packets that are n apart is that of their states, which decays as (1−p−r)^n.
 */
export function lossVariance(loss: Loss, count: number): number {
  const mean = meanLoss(loss);
  const independent = (mean * (1 - mean)) / count;
  if (loss.kind === 'bernoulli') return independent;
  const bad = badShare(loss);
  const memory = 1 - loss.p - loss.r;
  const covariance = bad * (1 - bad) * (loss.lossBad - loss.lossGood) ** 2;
  // Σ over n from 1 of (1 − n/count)·memory^n, twice; the last term is what a finite count leaves out of the series.
  const series = memory / (1 - memory) - (memory * (1 - memory ** count)) / (count * (1 - memory) ** 2);
  return independent + (2 * covariance * series) / count;
}

/** What looks like loss to a receiver: packets that are lost, and those that its kernel refuses since they are damaged. */
export function lossOnArrival({ loss, corrupt }: Pick<Weather, 'loss' | 'corrupt'>): Loss {
  const orDamaged = (lost: number) => 1 - (1 - lost) * (1 - corrupt);
  return loss.kind === 'bernoulli'
    ? { ...loss, probability: orDamaged(loss.probability) }
    : { ...loss, lossGood: orDamaged(loss.lossGood), lossBad: orDamaged(loss.lossBad) };
}

/** Share of time that the path is in the bad state. */
export const badShare = ({ p, r }: { readonly p: number; readonly r: number }): number => p / (p + r);

/** Mean of the variation, seconds. */
export function jitterMean(jitter: Jitter): number {
  if (jitter.kind !== 'trace') return 0;
  return jitter.variations.reduce((sum, one) => sum + one, 0) / jitter.variations.length;
}

/** Standard deviation of the variation, seconds. */
export function jitterDeviation(jitter: Jitter): number {
  switch (jitter.kind) {
    case 'none':
      return 0;
    case 'uniform':
      return jitter.halfWidth / Math.sqrt(3);
    case 'normal':
    case 'pareto':
      return jitter.deviation;
    case 'trace': {
      const mean = jitterMean(jitter);
      const squares = jitter.variations.reduce((sum, one) => sum + (one - mean) ** 2, 0);
      return Math.sqrt(squares / jitter.variations.length);
    }
  }
}

/**
 * The variation, in seconds, below which a share of all packets lies: `share` 0 gives the least there can be, 1 the most,
 * which for `pareto` is Infinity.
 */
export function jitterQuantile(jitter: Jitter, share: number): number {
  switch (jitter.kind) {
    case 'none':
      return 0;
    case 'uniform':
      return jitter.halfWidth * (2 * share - 1);
    case 'normal':
      return (
        jitter.deviation * Math.min(NORMAL_BOUND, Math.max(-NORMAL_BOUND, standardNormalQuantile(share)))
      );
    case 'pareto':
      return paretoVariation(jitter.deviation, 1 - share);
    case 'trace': {
      const sorted = [...jitter.variations].sort((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    }
  }
}

/** The most by which it lengthens the delay, seconds; of `pareto`, which knows no most, what 1 packet of 1000 exceeds. */
export const jitterMost = (jitter: Jitter): number =>
  jitterQuantile(jitter, jitter.kind === 'pareto' ? 0.999 : 1);

/** The variation that only a share `above` of all packets exceeds, by inversion of Pareto's distribution. */
export const paretoVariation = (deviation: number, above: number): number =>
  (deviation * (above ** (-1 / PARETO_SHAPE) - PARETO_MEAN)) / PARETO_DEVIATION;

/**
 * Quantile of the standard normal distribution, by P. J. Acklam's rational approximations ("An algorithm for computing
 * the inverse normal cumulative distribution function", 2003); relative error below 1.2e-9.
 */
function standardNormalQuantile(share: number): number {
  if (share <= 0) return -Infinity;
  if (share >= 1) return Infinity;
  if (share > 0.5) return -standardNormalQuantile(1 - share);
  const polynomial = (x: number, ...factors: number[]) =>
    factors.reduce((sum, factor) => sum * x + factor, 0);
  if (share < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(share));
    return (
      polynomial(
        q,
        ...[-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838],
        ...[-2.549732539343734, 4.374664141464968, 2.938163982698783],
      ) / polynomial(q, 7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1)
    );
  }
  const q = share - 0.5;
  const r = q * q;
  return (
    (q *
      polynomial(
        r,
        ...[-3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2],
        ...[1.38357751867269e2, -3.066479806614716e1, 2.506628277459239],
      )) /
    polynomial(
      r,
      ...[-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2],
      ...[6.680131188771972e1, -1.328068155288572e1, 1],
    )
  );
}
