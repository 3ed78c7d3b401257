import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { burstDefaults, detectBursts } from '../../src/traffic/index.js';
import { movingMean } from '../../src/traffic/bursts.js';

const bin = 0.01;

/** A series with these levels (bytes per bin) over these stretches (bins). */
function levels(...stretches: readonly (readonly [number, number])[]): Float64Array {
  return Float64Array.from(stretches.flatMap(([bytes, bins]) => new Array<number>(bins).fill(bytes)));
}

const ranges = (bytes: Float64Array, options = burstDefaults) =>
  detectBursts(bytes, bin, options).bursts.map(({ start, end }) => [start, end]);

describe('detectBursts', () => {
  test('edges are exact to the bin, and bytes are those between them', () => {
    const series = levels([0, 200], [50_000, 100], [0, 400], [50_000, 100], [0, 300]);
    const { bursts } = detectBursts(series, bin);
    expect(bursts).toEqual([
      { start: 200, end: 300, bytes: 5_000_000 },
      { start: 700, end: 800, bytes: 5_000_000 },
    ]);
  });

  test('a stall of 250 ms does not split a burst; half a second of silence does', () => {
    const stalled = [
      [50_000, 40],
      [0, 25],
      [50_000, 40],
    ] as const;
    const series = levels([0, 100], ...stalled, [0, 50], ...stalled, [0, 50], ...stalled, [0, 100]);
    expect(ranges(series)).toEqual([
      [100, 205],
      [255, 360],
      [410, 515],
    ]);
  });

  test('bursts far shorter than the smoothing window are found, exact to the bin', () => {
    const second = [
      [0, 99],
      [300_000, 1],
    ] as const;
    expect(ranges(levels(...second, ...second, ...second, ...second, [0, 99]))).toEqual([
      [99, 100],
      [199, 200],
      [299, 300],
      [399, 400],
    ]);
  });

  test('a fixed hold is obeyed', () => {
    const series = levels([0, 100], [50_000, 50], [0, 30], [50_000, 50], [0, 300], [50_000, 100], [0, 100]);
    expect(ranges(series, { ...burstDefaults, holdSeconds: 0.2 })).toHaveLength(3);
    expect(ranges(series, { ...burstDefaults, holdSeconds: 0.5 })).toHaveLength(2);
  });

  test('slow start belongs to its burst: the start is its first packets', () => {
    const slow = [
      [15_000, 1],
      [0, 15],
      [30_000, 1],
      [0, 15],
      [60_000, 1],
      [0, 15],
      [50_000, 3],
      [0, 12],
      [50_000, 100],
    ] as const;
    const series = levels([0, 200], ...slow, [0, 400], [50_000, 100], [0, 400], [50_000, 100], [0, 200]);
    const { bursts } = detectBursts(series, bin);
    expect(bursts).toHaveLength(3);
    expect(bursts[0]?.start).toBe(200);
  });

  test('keep-alives before a burst are no part of it', () => {
    const series = levels([0, 200], [50_000, 100], [0, 400], [50_000, 100], [0, 200]);
    for (let at = 7; at < series.length; at += 23) series[at]! += 150;
    expect(ranges(series)).toEqual([
      [200, 300],
      [700, 800],
    ]);
  });

  test('a steady floor under the bursts does not hide them', () => {
    const series = levels([20_000, 200], [70_000, 100], [20_000, 400], [70_000, 100], [20_000, 200]);
    expect(ranges(series)).toEqual([
      [200, 300],
      [700, 800],
    ]);
  });

  test('small bursts and bursts that the ends cut off are left out', () => {
    const series = levels(
      [50_000, 30],
      [0, 300],
      [50_000, 100],
      [0, 300],
      [50_000, 8],
      [0, 300],
      [50_000, 100],
      [0, 300],
      [50_000, 40],
    );
    expect(ranges(series)).toEqual([
      [330, 430],
      [1038, 1138],
    ]);
  });

  test.each([
    { name: 'silence', series: levels([0, 500]), reason: /no traffic/ },
    { name: 'a constant rate', series: levels([5000, 500]), reason: /hardly varies/ },
    {
      name: 'messages',
      series: levels([0, 99], [1500, 1], [0, 99], [1500, 1], [0, 99]),
      reason: /no burst has 16384 bytes/,
    },
    { name: 'nothing', series: levels(), reason: /no traffic/ },
  ])('$name has no bursts, and a reason', ({ series, reason }) => {
    const { bursts, reason: given } = detectBursts(series, bin);
    expect(bursts).toEqual([]);
    expect(given).toMatch(reason);
  });

  test('whatever the series: bursts are in order, apart, within it, and their bytes are true', () => {
    const stretch = fc.tuple(fc.constantFrom(0, 0, 100, 5000, 50_000), fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(
        fc.array(stretch, { maxLength: 30 }),
        fc.constantFrom(0.001, 0.01, 0.2),
        (stretches, binSeconds) => {
          const series = levels(...stretches);
          let earliest = 0;
          for (const { start, end, bytes } of detectBursts(series, binSeconds).bursts) {
            expect(start).toBeGreaterThanOrEqual(earliest);
            expect(end).toBeGreaterThan(start);
            expect(end).toBeLessThanOrEqual(series.length);
            expect(bytes).toBe(series.subarray(start, end).reduce((sum, value) => sum + value, 0));
            earliest = end;
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('movingMean is the mean of the window, with zeros beyond the ends', () => {
  expect([...movingMean(Float64Array.of(3, 6, 9, 12), 1)]).toEqual([3, 6, 9, 7]);
  expect([...movingMean(Float64Array.of(3, 6), 0)]).toEqual([3, 6]);
});
