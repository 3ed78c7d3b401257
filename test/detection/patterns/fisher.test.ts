/** Fisher's g and Walker's test: published values, exact ones, and how they are spread when there is nothing to find. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fisherAsMsticpy,
  fisherOfEvents,
  fisherProbability,
  SCALED_BINS,
} from '../../../src/detection/patterns/fisher.js';
import { binaryPeriodogram, occupiedBins, peakOf } from '../../../src/detection/patterns/spectrum.js';
import { largestExponential } from '../../../src/detection/patterns/walker.js';
import { Random } from '../../../src/random.js';
import { beacon, BEGIN } from '../../support/sights.js';

describe("Fisher's probability", () => {
  // Fisher's own table of the 5 % points, Proc. R. Soc. A 125 (1929).
  test.each([
    [0.68377, 5],
    [0.44495, 10],
    [0.2704, 20],
    [0.13135, 50],
  ])('a share of %d of %i ordinates has 5 %%', (g, n) => {
    expect(fisherProbability(g, n)).toBeCloseTo(0.05, 4);
  });

  // By Python's fractions, with no rounding before the end.
  test.each([
    [0.0125, 511, 0.5794321524805138],
    [0.02, 511, 0.017010558918852],
    [0.03, 511, 9.162061181151815e-5],
    [0.01, 720, 0.41366896689407273],
    [0.005, 2000, 0.08533116324435555],
    [0.0625, 32, 0.999905988141878],
  ])('g = %d, n = %i: as in exact arithmetic', (g, n, exact) => {
    expect(fisherProbability(g, n) / exact).toBeCloseTo(1, 9);
  });

  // The test of msticpy, whose values are those of R's GeneCycle::fisher.g.test.
  test.each([
    [7, 0.5857339],
    [8, 0.5357916],
  ])('the first %i ordinates of msticpy’s own test', (count, expected) => {
    const power = [10, 60, 20, 30, 40, 10, 10, 10].slice(0, count);
    const g = Math.max(...power) / power.reduce((sum, one) => sum + one, 0);
    expect(fisherProbability(g, count)).toBeCloseTo(expected, 7);
    expect(fisherAsMsticpy(g, count)).toBeCloseTo(expected, 7);
  });

  test('it falls with g, and lies between 0 and 1', () => {
    const share = fc.double({ min: 0.001, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.integer({ min: 2, max: 800 }), (a, b, n) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((one) => 1 / n + one * (1 - 1 / n));
        const [likely, rare] = [fisherProbability(low!, n), fisherProbability(high!, n)];
        expect(rare).toBeGreaterThanOrEqual(0);
        expect(likely).toBeLessThanOrEqual(1);
        expect(rare).toBeLessThanOrEqual(likely + 1e-9);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the periodogram of bins', () => {
  test('by the definition, for any number of bins', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 60 }), fc.array(fc.nat(59)), (count, list) => {
        const occupied = [...new Set(list.filter((bin) => bin < count))];
        const power = binaryPeriodogram(occupied, count);
        expect(power).toHaveLength(Math.floor((count - 1) / 2));
        power.forEach((value, index) => {
          let [real, imaginary] = [0, 0];
          for (const bin of occupied) {
            real += Math.cos((2 * Math.PI * (index + 1) * bin) / count);
            imaginary += Math.sin((2 * Math.PI * (index + 1) * bin) / count);
          }
          expect(value).toBeCloseTo((real ** 2 + imaginary ** 2) / count, 9);
        });
      }),
    );
  });

  test('a start at the very end is in the last bin', () => {
    expect(occupiedBins([0, 9.99, 10, 11, -1], 0, 10, 5)).toEqual([0, 4]);
  });

  test('the period of a beacon, or a part of it', () => {
    const found = fisherOfEvents(beacon(120, 60).starts, BEGIN, BEGIN + 7200, SCALED_BINS);
    expect(found!.p).toBeLessThan(1e-12);
    expect(60 / found!.periodSeconds).toBeCloseTo(Math.round(60 / found!.periodSeconds), 6);
  });
});

/** Largest distance of the distribution of probabilities from the even one: 1.63/√n is exceeded one time in a hundred. */
function distanceFromEven(probabilities: readonly number[]): number {
  const sorted = [...probabilities].sort((a, b) => a - b);
  return Math.max(
    ...sorted.map((p, index) => Math.max(p - index / sorted.length, (index + 1) / sorted.length - p)),
  );
}

describe('where there is nothing, every probability is as likely as any other', () => {
  const ordinates = Array.from({ length: 400 }, (_, trial) => {
    const random = new Random(trial, 'white noise');
    return Array.from({ length: 100 }, () => -Math.log(1 - random.uniform()));
  });

  test('Fisher', () => {
    const probabilities = ordinates.map((power) => {
      const g = peakOf(power).value / power.reduce((sum, one) => sum + one, 0);
      return fisherProbability(g, power.length);
    });
    expect(distanceFromEven(probabilities)).toBeLessThan(1.63 / Math.sqrt(400));
  });

  test('Walker', () => {
    const probabilities = ordinates.map((power) => largestExponential(peakOf(power).value, power.length));
    expect(distanceFromEven(probabilities)).toBeLessThan(1.63 / Math.sqrt(400));
  });

  test('small probabilities keep their digits', () => {
    expect(largestExponential(100, 50) / (50 * Math.exp(-100))).toBeCloseTo(1, 12);
    expect(largestExponential(0, 50)).toBe(1);
  });
});
