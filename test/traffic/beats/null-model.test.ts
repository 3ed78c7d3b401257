/**
 * The tests behind a heartbeat's p-value: they must keep their promise where there is no beat (of a hundred such captures
 * one passes at 1 %), and see one where there is.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/random.js';
import { monteCarlo, withoutBeat } from '../../../src/traffic/beats/null-model.js';
import { rhythmAt, timekeeping } from '../../../src/traffic/beats/rhythm.js';
import { synchronyOf } from '../../../src/traffic/beats/synchrony.js';

/** Bursts of 1 s with pauses that `pause` tells. */
function bursts(
  count: number,
  pause: () => number,
): { startSeconds: number; endSeconds: number; bytes: number }[] {
  let at = 0;
  return Array.from({ length: count }, () => {
    const startSeconds = (at += pause());
    return { startSeconds, endSeconds: (at += 1), bytes: 1e6 };
  });
}

const exponential = (random: Random) => -Math.log(1 - random.uniform());

/** Share of `values` that are at most `level`. */
const shareUpTo = (values: readonly number[], level: number) =>
  values.filter((value) => value <= level).length / values.length;

/** Four standard errors of a share of so many trials: what a fixed seed may be off. */
const margin = (level: number, trials: number) => 4 * Math.sqrt((level * (1 - level)) / trials);

describe('pauses without memory', () => {
  const laidOut = fc
    .array(
      fc.tuple(fc.double({ min: 0.3, max: 50, noNaN: true }), fc.double({ min: 0.01, max: 9, noNaN: true })),
      {
        minLength: 1,
        maxLength: 40,
      },
    )
    .map((parts) => {
      let at = 0;
      return parts.map(([pause, length]) => {
        const start = (at += pause);
        return { start, end: (at += length) };
      });
    });

  test('keep the bursts, their order, the first start, the last end and the dead time', () => {
    fc.assert(
      fc.property(laidOut, fc.integer(), (stretches, seed) => {
        const laid = withoutBeat(stretches, 0.3, new Random(seed, 'test'));
        expect(laid).toHaveLength(stretches.length);
        expect(laid[0]!.start).toBe(stretches[0]!.start);
        expect(laid.at(-1)!.end).toBeCloseTo(stretches.at(-1)!.end, 6);
        laid.forEach(({ start, end }, index) => {
          expect(end - start).toBeCloseTo(stretches[index]!.end - stretches[index]!.start, 6);
          if (index > 0) expect(start - laid[index - 1]!.end).toBeGreaterThan(0.3 - 1e-9);
        });
      }),
    );
  });
});

describe('a Monte Carlo test', () => {
  test('counts the observation itself, so that p is never 0', () => {
    expect(monteCarlo(() => [false], { most: 99 })).toEqual([0.01]);
  });

  test('stops once chance has done as well often enough in all tests', () => {
    let asked = 0;
    const pValues = monteCarlo(() => [++asked % 2 === 0, asked % 4 === 0], { enough: 10 });
    expect(pValues).toEqual([0.5, 0.25]);
    expect(asked).toBe(40);
  });
});

describe('timekeeping', () => {
  test.each([
    { name: 'many bursts, much silence', count: 20, dead: 0.3, pause: 5 },
    { name: 'few bursts', count: 6, dead: 0.3, pause: 5 },
    { name: 'busy nearly all the time: starts are regular, and no beat', count: 12, dead: 0.3, pause: 0.1 },
  ])('without a beat p keeps its promise: $name', ({ name, count, dead, pause }) => {
    const trials = 300;
    const values = Array.from({ length: trials }, (_, trial) => {
      const random = new Random(trial, name);
      const found = bursts(count, () => dead + pause * exponential(random));
      return timekeeping(found, dead, random).pValue!;
    });
    for (const level of [0.01, 0.05, 0.2, 0.5]) {
      expect(shareUpTo(values, level)).toBeLessThanOrEqual(level + margin(level, trials));
    }
    // Not only careful: two tests that agree in part use half of the level or more.
    expect(shareUpTo(values, 0.5)).toBeGreaterThan(0.25 - margin(0.25, trials));
  });

  test('a jittered beat of which a fifth is missing is found, with its period', () => {
    const random = new Random(3, 'jitter');
    const starts = Array.from({ length: 20 }, (_, beat) => 5 * beat + 0.2 * random.normal()).filter(
      (_, beat) => beat % 5 !== 3,
    );
    const found = starts.map((start) => ({ startSeconds: start, endSeconds: start + 1, bytes: 1e6 }));
    const { periodSeconds, pValue } = timekeeping(found, 0.3, random);
    expect(pValue).toBeLessThanOrEqual(0.01);
    expect(periodSeconds).toBeGreaterThan(4.85);
    expect(periodSeconds).toBeLessThan(5.15);
  });

  test('rounds that begin when the last has ended drift, and are a beat by their intervals', () => {
    const random = new Random(4, 'drift');
    const found = bursts(9, () => 4 + 0.8 * random.normal());
    expect(timekeeping(found, 0.3, random).pValue).toBeLessThanOrEqual(0.01);
  });

  test('three bursts are too few to tell', () => {
    expect(
      timekeeping(
        bursts(3, () => 4),
        0.3,
        new Random(1, 'few'),
      ),
    ).toEqual({
      periodSeconds: null,
      periodCv: null,
      pValue: null,
    });
  });
});

test('packets at random, through the burst detector: no more beats than the level allows', () => {
  const trials = 200;
  const values = Array.from({ length: trials }, (_, trial) => {
    const random = new Random(trial, 'packets');
    const bytes = new Float64Array(6000);
    // Transfers of random size at random moments, as of people who click.
    for (let at = 0; at < bytes.length; at += Math.ceil(300 * exponential(random))) {
      const length = 5 + random.integer(60);
      for (let bin = at; bin < Math.min(bytes.length, at + length); bin++) bytes[bin]! += 20_000;
    }
    return rhythmAt(bytes, { startSeconds: 0, binSeconds: 0.01, length: bytes.length }, `trial ${trial}`)
      .pValue;
  }).filter((value) => value !== null);
  expect(values.length).toBeGreaterThan(trials / 2);
  for (const level of [0.01, 0.05, 0.2]) {
    expect(shareUpTo(values, level)).toBeLessThanOrEqual(level + margin(level, values.length));
  }
});

describe('synchrony', () => {
  /** Trains of one period, each with a phase and jitter of its own. */
  const trains = (count: number, random: Random, phase: () => number) =>
    Array.from({ length: count }, () => {
      const own = phase();
      return Array.from({ length: 12 }, (_, beat) => 10 + 5 * beat + own + 0.05 * random.normal());
    });

  test('of trains with phases of their own: no more than the level allows, however regular they are', () => {
    const trialCount = 300;
    const values = Array.from({ length: trialCount }, (_, trial) => {
      const random = new Random(trial, 'phases');
      return synchronyOf(
        trains(4, random, () => 5 * random.uniform()),
        60,
        5,
        random,
      )!.pValue;
    });
    for (const level of [0.01, 0.05, 0.2]) {
      expect(shareUpTo(values, level)).toBeLessThanOrEqual(level + margin(level, trialCount));
    }
  });

  test('of trains that start together', () => {
    const random = new Random(5, 'together');
    const { share, pValue } = synchronyOf(
      trains(4, random, () => 0),
      60,
      5,
      random,
    )!;
    expect(pValue).toBeLessThanOrEqual(0.01);
    expect(share).toBeGreaterThan(0.7);
  });

  test('of one train there is none', () => {
    expect(synchronyOf([[1, 2, 3]], 10, 1, new Random(1, 'one'))).toBeNull();
  });
});
