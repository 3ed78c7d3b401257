import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseSamplingPlan,
  samplerOf,
  samplesPerBurst,
  samplingMethods,
} from '../../../src/traffic/sampling/index.js';
import type { SamplingMethod } from '../../../src/traffic/sampling/index.js';

const plans = fc.record({
  rate: fc.integer({ min: 1, max: 200 }),
  method: fc.constantFrom(...samplingMethods),
  seed: fc.nat(0xffffffff),
});

/** Which of so many packets are taken. */
function taken(plan: { rate: number; method: SamplingMethod; seed: number }, packets: number): number[] {
  const sampler = samplerOf(plan);
  return Array.from({ length: packets }, (_, index) => index).filter(() => sampler.take());
}

/** 99 % of a normal distribution lies within so many standard deviations. */
const Z99 = 2.5758;
const PACKETS = 200_000;
const RATE = 100;

describe('samplers', () => {
  test('the same plan takes the same packets', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(taken(plan, 1000)).toEqual(taken(plan, 1000));
      }),
    );
  });

  test('1:1 takes all', () => {
    for (const method of samplingMethods) expect(taken({ rate: 1, method, seed: 3 }, 50)).toHaveLength(50);
  });

  test('systematic takes every Nth', () => {
    expect(taken({ rate: 4, method: 'systematic', seed: 1 }, 13)).toEqual([3, 7, 11]);
  });

  test('n-of-n takes exactly one of each N in a row', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.nat(1000), (rate, seed) => {
        const indices = taken({ rate, method: 'n-of-n', seed }, 40 * rate);
        expect(indices.map((index) => Math.floor(index / rate))).toEqual([...Array(40).keys()]);
      }),
    );
  });

  test('sflow skips from 1 to 2N-1 packets, and reaches both', () => {
    const indices = taken({ rate: 5, method: 'sflow', seed: 2 }, 5000);
    const gaps = new Set(indices.slice(1).map((index, at) => index - indices[at]!));
    expect([...gaps].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  // Variance of the count of samples of n packets: binomial; of a renewal process with mean N and variance v: n·v/N³.
  const variances: Readonly<Record<SamplingMethod, number>> = {
    systematic: 0.1,
    'n-of-n': 1,
    random: (PACKETS * (1 - 1 / RATE)) / RATE,
    sflow: (PACKETS * (((2 * RATE - 1) ** 2 - 1) / 12)) / RATE ** 3,
  };

  test.each(samplingMethods)('%s takes 1 of N, within 99 percent confidence', (method) => {
    const count = taken({ rate: RATE, method, seed: 17 }, PACKETS).length;
    expect(Math.abs(count - PACKETS / RATE)).toBeLessThanOrEqual(Z99 * Math.sqrt(variances[method]) + 1);
  });

  test.each(samplingMethods)(
    '%s: bytes times the rate are an unbiased estimate, within 99 percent confidence',
    (method) => {
      // Bulk packets and acknowledgements with a rhythm that the rate doesn't divide.
      const bytes = Array.from({ length: PACKETS / 4 }, (_, index) => (index % 7 < 2 ? 40 : 1500));
      const truth = bytes.reduce((sum, size) => sum + size, 0);
      const estimates = Array.from({ length: 30 }, (_, seed) =>
        taken({ rate: RATE, method, seed }, bytes.length).reduce(
          (sum, index) => sum + RATE * bytes[index]!,
          0,
        ),
      );
      const mean = estimates.reduce((sum, estimate) => sum + estimate, 0) / estimates.length;
      const spread = Math.sqrt(
        estimates.reduce((sum, estimate) => sum + (estimate - mean) ** 2, 0) / (estimates.length - 1),
      );
      const tolerance = Math.max((Z99 * spread) / Math.sqrt(estimates.length), 0.002 * truth);
      expect(Math.abs(mean - truth)).toBeLessThanOrEqual(tolerance);
    },
  );

  test('a rhythm of N beats with systematic sampling, and with no random one', () => {
    const large = (method: SamplingMethod) =>
      taken({ rate: 10, method, seed: 5 }, 100_000).filter((index) => index % 10 === 9).length / 10_000;
    expect(large('systematic')).toBe(1);
    for (const method of ['random', 'n-of-n', 'sflow'] as const) expect(large(method)).toBeCloseTo(0.1, 1);
  });
});

describe('a sampling plan', () => {
  test('is read with its defaults', () => {
    expect(parseSamplingPlan('1:100', '--sample')).toEqual({ rate: 100, method: 'systematic', seed: 1 });
    expect(parseSamplingPlan('1:100', '--sample', 'sflow')).toMatchObject({ method: 'sflow' });
    expect(parseSamplingPlan('1:8, n-of-n, 42', '--sample')).toEqual({ rate: 8, method: 'n-of-n', seed: 42 });
  });

  test.each(['', '100', '1:0', '2:100', '1:100,often', '1:100,random,-1', '1:99999999', '1:1e3'])(
    'refuses "%s" and says what is allowed',
    (text) => {
      expect(() => parseSamplingPlan(text, '--sample')).toThrow(/^--sample: found ".*"; allowed: 1:N/);
    },
  );
});

describe('samples per burst', () => {
  test('are those of detection.md: 31 GB, 100 MB and 1 MB at 1:1000 and 1:10000', () => {
    const expected = (bytes: number, rate: number) => samplesPerBurst({ bytes }, rate).expected;
    expect(expected(31e9, 1000)).toBeCloseTo(22_963, 0);
    expect(expected(31e9, 10_000)).toBeCloseTo(2296, 0);
    expect(expected(100e6, 1000)).toBeCloseTo(74, 0);
    expect(expected(1e6, 10_000)).toBeCloseTo(0.07, 2);
  });

  test('the share of unseen bursts is what a random sampler leaves', () => {
    const bursts = 2000;
    const packets = 150;
    const sampler = samplerOf({ rate: 100, method: 'random', seed: 9 });
    let unseen = 0;
    for (let burst = 0; burst < bursts; burst += 1) {
      let seen = 0;
      for (let packet = 0; packet < packets; packet += 1) seen += Number(sampler.take());
      unseen += Number(seen === 0);
    }
    const { unseen: share } = samplesPerBurst({ bytes: 1, packets }, 100);
    expect(Math.abs(unseen / bursts - share)).toBeLessThan(Z99 * Math.sqrt((share * (1 - share)) / bursts));
  });
});
