/** The other patterns on starts: BAYWATCH's core, rules of thumb, long connections, and RITA as a pattern. */
import { describe, expect, test } from 'vitest';
import { baywatch } from '../../../src/detection/patterns/baywatch.js';
import { dayOf } from '../../../src/detection/patterns/day.js';
import { ALPHA, eventPattern, MAX_PAIRS } from '../../../src/detection/patterns/event-pattern.js';
import { gapsOf, jitterNear, jitterVariation } from '../../../src/detection/patterns/jitter.js';
import { longConnection } from '../../../src/detection/patterns/long-connection.js';
import type { EventSeries, Examination } from '../../../src/detection/patterns/pattern.js';
import { rita } from '../../../src/detection/patterns/rita.js';
import { walker } from '../../../src/detection/patterns/walker.js';
import { beacon, BEGIN, poisson, seriesAt, sightOf } from '../../support/sights.js';

const scoreOf = (series: EventSeries, seconds: number, test = baywatch): number => {
  const result = test.score(series, sightOf(seconds, [series], ['bursts']));
  if (typeof result === 'string') throw new Error(result);
  return result.score;
};

describe('BAYWATCH’s core', () => {
  // Intervals of 10 to 300 s. From a jitter of a fifth on, the hill of the autocorrelation is too flat for it.
  test.each([
    [10, 0],
    [60, 6],
    [60, 9],
    [300, 30],
  ])('a beacon every %i s with a jitter of %i s', (period, jitter) => {
    expect(scoreOf(beacon(80, period, jitter), 80 * period)).toBe(1);
  });

  test('chance fires about once in a hundred', () => {
    let fired = 0;
    for (let seed = 0; seed < 100; seed++) fired += scoreOf(poisson(30, 3600, seed), 3600);
    expect(fired).toBeLessThanOrEqual(4);
  });
});

describe('rules of thumb', () => {
  test('gaps as they are', () => {
    expect(gapsOf([0, 10, 20, 30])).toEqual({ count: 3, variation: 0, median: 10, near: 1 });
    expect(gapsOf([0, 10, 30])).toMatchObject({ count: 2, median: 15, variation: 1 / 3 });
  });

  test.each([
    ['regular', beacon(13, 60, 3), true],
    ['chance', poisson(13, 780, 2), false],
  ])('%s', (_, series, fires) => {
    for (const rule of [jitterVariation, jitterNear]) {
      const threshold = rule.scale === 'probability' ? NaN : rule.scale.threshold;
      expect(scoreOf(series, 780, rule) >= threshold).toBe(fires);
    }
  });

  test('one late start of many spoils the first and not the second', () => {
    const times = [...Array(20).keys()].map((index) => 60 * index + (index === 10 ? 55 : 0));
    const late = seriesAt([...times.slice(0, 19), 60 * 25]);
    expect(scoreOf(late, 1600, jitterVariation)).toBeLessThan(0.75);
    expect(scoreOf(late, 1600, jitterNear)).toBeGreaterThanOrEqual(0.6);
  });
});

test('long connections: an hour in all', async () => {
  const open = (openSeconds: number) => ({ ...seriesAt([0]), openSeconds });
  const { findings } = await longConnection.examine(
    sightOf(90_000, [open(3599), open(3600), open(50_000)], ['connections']),
  );
  expect(findings.map(({ fires }) => fires)).toEqual([true, true, false]);
  expect(findings[0]?.why).toContain('category high');
});

describe('RITA as a pattern', () => {
  const examine = (series: EventSeries, seconds: number): Examination =>
    eventPattern(rita, 'connections').examine(sightOf(seconds, [series], ['connections'])) as Examination;

  test('one connection is never scored, and the row says so', () => {
    expect(examine(seriesAt([5]), 3600)).toMatchObject({
      findings: [],
      note: 'starts in fewer than 4 different seconds are not scored',
    });
  });

  test('of more than a day, the last is looked at', () => {
    // Regular on the last day, chaos before.
    const { starts } = beacon(1440, 60);
    const series = {
      ...beacon(1440, 60),
      starts: [...poisson(300, 86_400).starts, ...starts.map((start) => start + 86_400)],
      bytes: new Array<number>(1740).fill(500),
    };
    const [finding] = examine(series, 2 * 86_400).findings;
    expect(finding).toMatchObject({ fires: true });
    expect(finding!.score).toBeGreaterThanOrEqual(0.99);
  });

  test('a strobe is told and not scored', () => {
    const [finding] = examine(beacon(86_400, 0.9), 86_400).findings;
    expect(finding).toMatchObject({ fires: true, score: 1 });
    expect(finding?.why).toContain('strobe');
  });
});

describe('many pairs', () => {
  test('a probability has to be the smaller, the more pairs are asked', async () => {
    const pairs = Array.from({ length: 20 }, (_, seed) => poisson(30, 3600, seed));
    const { threshold } = await eventPattern(walker, 'bursts').examine(sightOf(3600, pairs, ['bursts']));
    expect(threshold).toBe(`p ≤ ${ALPHA / 20 < 0.001 ? (ALPHA / 20).toExponential(1) : ALPHA / 20}`);
  });

  test('those with the most starts are looked at, and the row says so', async () => {
    const pairs = Array.from({ length: MAX_PAIRS + 5 }, () => seriesAt([1, 2]));
    const { note } = await eventPattern(rita, 'bursts').examine(sightOf(60, pairs, ['bursts']));
    expect(note).toContain(`looked at the ${MAX_PAIRS} of ${MAX_PAIRS + 5} pairs`);
  });
});

describe('a day of bursts', () => {
  test('goes on in step until 24 hours are full', () => {
    const day = dayOf(beacon(10, 5), 1)!;
    expect(day.starts).toHaveLength(86_400 / 5 + 1);
    expect(gapsOf(day.starts)).toMatchObject({ median: 5, near: 1 });
    expect(gapsOf(day.starts).variation).toBeLessThan(1e-6);
    expect(day.starts[0]).toBe(BEGIN + 2.5);
  });

  test('stretched, it beats more slowly', () => {
    expect(gapsOf(dayOf(beacon(10, 5, 0.1), 100)!.starts).median).toBeCloseTo(500, -2);
  });

  test('nothing is made of one burst, or of none that are apart', () => {
    expect(dayOf(seriesAt([1]), 1)).toBeUndefined();
    expect(dayOf(seriesAt([1, 1]), 1)).toBeUndefined();
  });
});
