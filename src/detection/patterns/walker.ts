/**
 * Walker's large-sample test: is the largest periodogram ordinate too large for the variance of the series?
 *
 * With the variance known, each ordinate of white noise is exponential with that mean, so the chance that the largest of
 * n is z variances or more is 1 − (1 − e^−z)^n (Walker 1914; used on traffic by AsSadhan and Moura, 2014). It is Fisher's
 * test with the variance put for the mean of the ordinates, simpler and nearly the same for many bins.
 */
import { SCALED_BINS } from './fisher.js';
import type { EventTest } from './event-pattern.js';
import { figure } from './pattern.js';
import { binaryPeriodogram, occupiedBins, peakOf } from './spectrum.js';

/** The chance that the largest of n unit exponentials is z or more, precise for small ones. */
export function largestExponential(z: number, n: number): number {
  return -Math.expm1(n * Math.log1p(-Math.exp(-z)));
}

export const walker: EventTest = {
  id: 'walker',
  title: 'Walker’s large-sample test',
  origin: 'Walker 1914; AsSadhan and Moura 2014',
  scale: 'probability',
  kinds: ['connections', 'records', 'bursts'],
  score({ starts }, { from, to }) {
    if (!(to > from)) return 'there is no time between first and last packet';
    const occupied = occupiedBins(starts, from, to, SCALED_BINS);
    if (occupied.length < 4) return 'fewer than 4 bins with a start';
    const share = occupied.length / SCALED_BINS;
    if (share > 0.99) return 'all bins are alike';
    const power = binaryPeriodogram(occupied, SCALED_BINS);
    const { index, value } = peakOf(power);
    const z = value / (share * (1 - share));
    return {
      score: largestExponential(z, power.length),
      why: `peak of ${figure(z)} variances at a period of ${figure((to - from) / (index + 1))} s, ${power.length} ordinates`,
    };
  },
};
