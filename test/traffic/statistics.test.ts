import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { autocorrelation, fourier } from '../../src/traffic/beats/autocorrelation.js';
import { leadOf } from '../../src/traffic/beats/lead.js';
import { periodogramOf } from '../../src/traffic/beats/periodogram.js';
import { atLeast, mean, median, quantile, variation } from '../../src/traffic/statistics.js';

test('figures of a list', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(median([5, 1, 3, 2])).toBe(2.5);
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(variation([2, 2, 2])).toBe(0);
  expect(variation([1, 3])).toBe(0.5);
});

test('the binomial tail, by hand', () => {
  expect(atLeast(3, 3, 0.5)).toBeCloseTo(0.125, 12);
  expect(atLeast(2, 3, 0.5)).toBeCloseTo(0.5, 12);
  expect(atLeast(0, 3, 0.5)).toBe(1);
  expect(atLeast(1, 2, 0.25)).toBeCloseTo(1 - 0.75 ** 2, 12);
});

test('the Fourier transform is that of the definition', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 16, maxLength: 16 }), (values) => {
      const real = Float64Array.from(values);
      const imaginary = new Float64Array(16);
      fourier(real, imaginary);
      for (let k = 0; k < 16; k++) {
        const sum = (f: (x: number) => number) =>
          values.reduce((total, value, i) => total + value * f((-2 * Math.PI * k * i) / 16), 0);
        expect(real[k]).toBeCloseTo(sum(Math.cos), 6);
        expect(imaginary[k]).toBeCloseTo(sum(Math.sin), 6);
      }
    }),
  );
});

test('autocorrelation is that of the definition', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 3, maxLength: 50 }), (values) => {
      fc.pre(new Set(values).size > 1);
      const centre = mean(values);
      const product = (lag: number) =>
        values.slice(lag).reduce((sum, value, i) => sum + (value - centre) * (values[i]! - centre), 0);
      const found = autocorrelation(Float64Array.from(values), 10);
      found.forEach((value, lag) => expect(value).toBeCloseTo(product(lag) / product(0), 9));
    }),
  );
});

test('a series that does not vary has no autocorrelation', () => {
  expect([...autocorrelation(new Float64Array(8).fill(5), 4)]).toEqual([0, 0, 0, 0]);
});

test('the periodogram of starts is that of the definition, and peaks at the beat', () => {
  const starts = [2, 7.1, 12, 16.9, 22.05, 27, 37.1];
  const { frequencies, power, peak } = periodogramOf(starts);
  frequencies.forEach((frequency, index) => {
    const part = (f: (x: number) => number) =>
      starts.reduce((sum, start) => sum + f(2 * Math.PI * frequency * start), 0) ** 2;
    expect(power[index]).toBeCloseTo((part(Math.cos) + part(Math.sin)) / starts.length, 6);
  });
  expect(1 / frequencies[peak]!).toBeCloseTo(5, 0);
});

describe('who leads', () => {
  test('the one that is first, by how much, and how often', () => {
    const lead = leadOf(
      new Map([
        ['a', Float64Array.of(1, 11, 21, 31, NaN)],
        ['b', Float64Array.of(1.2, 11.2, 20.5, 31.4, 41)],
      ]),
      0.1,
    );
    expect(lead).toMatchObject({ address: 'a', consistency: 0.75, bursts: 4 });
    expect(lead!.lagSeconds).toBeCloseTo(0.2, 9);
    // Twice the chance of three or four heads of four.
    expect(lead!.pValue).toBeCloseTo(2 * (5 / 16), 9);
  });

  test('nobody, when all begin within a bin', () => {
    const together = Float64Array.of(1, 2, 3);
    expect(
      leadOf(
        new Map([
          ['a', together],
          ['b', together],
        ]),
        0.1,
      ),
    ).toBeNull();
  });
});
