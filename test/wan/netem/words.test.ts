import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CALM } from '../../../src/scenario/weather.js';
import { netemWords, rateWords } from '../../../src/wan/netem/words.js';
import { clean, losing, varying } from '../topologies.js';

describe('netemWords', () => {
  test.each([
    ['a clean path', clean(0.02), 'delay 20000us'],
    ['uniform jitter', { ...clean(0.02), jitter: varying(0.002) }, 'delay 20000us 2000us'],
    [
      'normal jitter',
      { ...clean(0.02), jitter: { kind: 'normal', deviation: 0.002 } },
      'delay 20000us 2000us distribution normal',
    ],
    // The table's own deviation is 1.155 times what is said, so less is said.
    [
      'Pareto jitter',
      { ...clean(0.02), jitter: { kind: 'pareto', deviation: 0.00231 } },
      'delay 20000us 2000us distribution pareto',
    ],
    ['independent loss', { ...clean(0.02), loss: losing(0.001) }, 'delay 20000us loss 0.1%'],
    [
      'loss in bursts',
      { ...clean(0), loss: { kind: 'gilbert-elliott', p: 0.01, r: 0.25, lossGood: 0.001, lossBad: 0.8 } },
      // netem's order is p, r, 1-h (bad), 1-k (good).
      'delay 0us loss gemodel 1% 25% 80% 0.1%',
    ],
    ['overtaking', { ...clean(0.02), reorder: 0.01 }, 'delay 20000us reorder 1%'],
    ['overtaking where nobody is under way', { ...clean(0), reorder: 0.01 }, 'delay 0us'],
    ['corruption', { ...clean(0.02), corrupt: 0.005 }, 'delay 20000us corrupt 0.5%'],
  ] as const)('%s', (_, path, words) => {
    // The rate, never reached, is what keeps the order of packets.
    expect(netemWords(path)).toBe(`limit 1000000 ${words} rate 30000000000bit`);
  });

  test('what it has no words for is an error, and not left out', () => {
    expect(() => netemWords({ ...clean(0.02), duplicate: 0.01 })).toThrow(RangeError);
    const jitter = { kind: 'trace', file: 'x', variations: [0.001] } as const;
    expect(() => netemWords({ ...clean(0.02), jitter })).toThrow(RangeError);
  });

  test('figures are digits that tc can read, and near what was meant', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 1e-7, max: 1, noNaN: true }),
        (delay, probability) => {
          const words = netemWords({ ...CALM, delay, loss: losing(probability) });
          const [, time, loss] = /delay ([\d.]+)us loss ([\d.]+)% rate/.exec(words) ?? [];
          expect(Math.abs(Number(time) / 1e6 - delay)).toBeLessThan(1e-9);
          expect(Math.abs(Number(loss) / 100 - probability)).toBeLessThan(1e-9);
        },
      ),
    );
  });
});

describe('rateWords', () => {
  test('the queue is a time at its rate, or bytes', () => {
    expect(rateWords(40e6, { seconds: 0.2 }, 1500)).toBe('rate 40000000bit burst 10000 limit 1000000');
    expect(rateWords(40e6, { bytes: 30_000 }, 1500)).toBe('rate 40000000bit burst 10000 limit 30000');
  });

  test('a frame always fits, into the queue and through the gate', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e3, max: 1e10, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 576, max: 9000 }),
        (rate, seconds, mtu) => {
          const [, burst, limit] = /burst (\d+) limit (\d+)$/.exec(rateWords(rate, { seconds }, mtu)) ?? [];
          expect(Number(burst)).toBeGreaterThanOrEqual(mtu + 14);
          expect(Number(limit)).toBeGreaterThanOrEqual(mtu + 14);
        },
      ),
    );
  });
});
