/** Lomb-Scargle: analytic values, its invariances, the quick way against the plain one, and chance. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  eventPower,
  gridFor,
  lombScargle,
  lombScargleProbability,
  lombScargleStarts,
  lombScargleValues,
} from '../../../src/detection/patterns/lomb-scargle.js';
import { peakOf } from '../../../src/detection/patterns/spectrum.js';
import { largestExponential } from '../../../src/detection/patterns/walker.js';
import { Random } from '../../../src/random.js';
import { beacon, BEGIN, poisson, sightOf } from '../../support/sights.js';

const times = fc.array(fc.double({ min: 0, max: 3600, noNaN: true }), { minLength: 4, maxLength: 40 });
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, index) => Math.abs(value - b[index]!)));

describe('values at times', () => {
  test('a sine at even times explains all of its variance: (n − 1)/2 at its frequency, nothing elsewhere', () => {
    const n = 64;
    const at = Array.from({ length: n }, (_, index) => BEGIN + index);
    const values = at.map((_, index) => 5 + 3 * Math.sin((2 * Math.PI * 7 * index) / n + 0.4));
    const power = lombScargle(at, values, { step: 1 / n, first: 1, count: 31 });
    expect(power[6]).toBeCloseTo((n - 1) / 2, 6);
    power.forEach((value, index) => index !== 6 && expect(value).toBeLessThan(1e-6));
  });

  test('of many values, the chance is Scargle’s; of few it is less', () => {
    expect(lombScargleProbability(12, 1e6, 100) / largestExponential(12, 100)).toBeCloseTo(1, 3);
    // (1 − 2·8/23)^10.5 at one frequency.
    expect(lombScargleProbability(8, 24, 1)).toBeCloseTo((7 / 23) ** 10.5, 15);
    expect(lombScargleProbability(11.5, 24, 100)).toBe(0);
  });

  test('at uneven times, too, the sine’s own frequency explains all', () => {
    const random = new Random(1, 'uneven');
    const at = sorted(Array.from({ length: 50 }, () => 100 * random.uniform()));
    const values = at.map((time) => Math.cos(2 * Math.PI * 0.13 * time + 1));
    const power = lombScargle(at, values, { step: 0.01, first: 1, count: 40 });
    expect(peakOf(power).index).toBe(12);
    // Uneven samples of a sine have a mean that is not 0, so a little of it remains.
    expect(power[12]! / ((at.length - 1) / 2)).toBeGreaterThan(0.97);
  });

  test('it depends neither on where time begins nor on the unit of the values', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -1e6, max: 1e6 }), (list, shift) => {
        const at = sorted(list).map((time) => Math.round(time * 1024) / 1024);
        const values = at.map((time) => Math.sin(time) + ((time * 7) % 3));
        const grid = { step: 1 / 7200, first: 2, count: 200 };
        const moved = at.map((time) => time + shift);
        const other = values.map((value) => 3 * value + 100);
        expect(furthest(lombScargle(at, values, grid), lombScargle(moved, other, grid))).toBeLessThan(1e-6);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ['all values alike', [1, 2, 3, 4], [5, 5, 5, 5]],
    ['all at one moment', [7, 7, 7, 7], [1, 2, 3, 4]],
  ])('%s: no power, and no NaN', (_, at, values) => {
    const power = lombScargle(at, values, { step: 0.1, first: 1, count: 20 });
    expect(furthest(power, new Float64Array(20))).toBeLessThan(1e-9);
  });
});

test('turning angles along the grid gives what computing each does', () => {
  fc.assert(
    fc.property(times, (list) => {
      const at = sorted(list).map((time) => BEGIN + time);
      const values = at.map((_, index) => (index * 37) % 11);
      const grid = gridFor(3600, 300);
      expect(furthest(eventPower(at, grid), eventPower(at, grid, true))).toBeLessThan(1e-9);
      // Values at only two or three moments leave next to no variance across; their ratio is as exact as that is large.
      if (new Set(at).size < 4) return;
      const [quick, plain] = [lombScargle(at, values, grid), lombScargle(at, values, grid, true)];
      expect(furthest(quick, plain)).toBeLessThan(1e-4);
    }),
    { numRuns: 20 },
  );
});

describe('bare moments', () => {
  test('n moments at a period have power n there', () => {
    const { starts } = beacon(20, 5);
    const power = eventPower(starts, { step: 1 / 100, first: 1, count: 40 });
    expect(power[19]).toBeCloseTo(20, 6);
    expect(peakOf(power.slice(0, 19)).value).toBeLessThan(1e-6);
  });

  test('chance is called rarer than it is less often than it should be', () => {
    const trials = 300;
    const below = { schuster: 0, values: 0 };
    for (let trial = 0; trial < trials; trial++) {
      const series = poisson(24, 600, trial);
      const sight = sightOf(600, [series], ['bursts']);
      for (const [name, test] of [
        ['schuster', lombScargleStarts],
        ['values', lombScargleValues],
      ] as const) {
        const result = test.score(series, sight);
        if (typeof result !== 'string' && result.score <= 0.05) below[name] += 1;
      }
    }
    // 15 are expected of a perfect test; counting all frequencies, dependent ones too, leaves fewer, but not none.
    for (const count of Object.values(below)) {
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThan(0.05 * trials + 3 * Math.sqrt(0.05 * 0.95 * trials));
    }
  });
});
