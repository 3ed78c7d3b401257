import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gridOver, onGrid } from '../../src/traffic/grid.js';
import { SeriesPool } from '../../src/traffic/series.js';

describe('byte series', () => {
  test('bytes land in their bins, in any order of time, before second 0 too', () => {
    const pool = new SeriesPool({ binSeconds: 0.5 });
    const series = pool.create();
    for (const [seconds, bytes] of [
      [10, 1],
      [-0.1, 2],
      [0, 4],
      [10.4, 8],
      [0.5, 16],
    ] as const)
      series.add(seconds, bytes);
    const grid = gridOver([series], pool, 1000)!;
    expect(grid).toEqual({ startSeconds: -0.5, binSeconds: 0.5, length: 22 });
    const dense = onGrid([series], pool, grid);
    expect([...dense.entries()].filter(([, bytes]) => bytes > 0)).toEqual([
      [0, 2],
      [1, 4],
      [2, 16],
      [21, 9],
    ]);
  });

  test('a grid that would be too long has wider bins', () => {
    const pool = new SeriesPool({ binSeconds: 1 });
    const series = pool.create();
    for (let second = 0; second < 100; second++) series.add(second, 1);
    const grid = gridOver([series], pool, 30)!;
    expect(grid).toEqual({ startSeconds: 0, binSeconds: 4, length: 25 });
    expect([...onGrid([series], pool, grid)]).toEqual(new Array(25).fill(4));
  });

  test('idle time costs nothing', () => {
    const pool = new SeriesPool({ binSeconds: 0.01 });
    const series = pool.create();
    for (let day = 0; day < 100; day++) series.add(day * 86_400, 1);
    expect(pool.usedBins).toBe(1600);
    expect(pool.binSeconds).toBe(0.01);
  });

  test('tens of thousands of chunks are found again, made in order and asked for backwards', () => {
    const pool = new SeriesPool({ binSeconds: 1 });
    const all = [pool.create(), pool.create(), pool.create()];
    const seconds = 16 * 10_000;
    for (let second = 0; second < seconds; second += 8) all[second % 3]!.add(second, second);
    const used = pool.usedBins;
    for (let second = seconds - 8; second >= 0; second -= 8) all[second % 3]!.add(second, 1);
    expect(pool.usedBins).toBe(used);
    const dense = onGrid(all, pool, { startSeconds: 0, binSeconds: 1, length: seconds });
    expect(dense.every((bytes, second) => bytes === (second % 8 === 0 ? second + 1 : 0))).toBe(true);
  });

  test('when the pool is used up bins grow, and no byte is lost', () => {
    const seconds = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(seconds, { maxLength: 300 }), (times) => {
        const pool = new SeriesPool({ binSeconds: 0.01, maxBins: 64 * 24 });
        const all = [pool.create(), pool.create(), pool.create()];
        times.forEach((time, index) => all[index % 3]!.add(time, index + 1));
        expect(pool.usedBins).toBeLessThanOrEqual(64 * 24);
        const grid = gridOver(all, pool, 2 ** 16);
        const total = grid === undefined ? 0 : onGrid(all, pool, grid).reduce((sum, bytes) => sum + bytes, 0);
        expect(total).toBe((times.length * (times.length + 1)) / 2);
      }),
    );
  });

  test('coarse bins hold what the fine ones under them held', () => {
    const fine = new SeriesPool({ binSeconds: 0.01 });
    const small = new SeriesPool({ binSeconds: 0.01, maxBins: 64 * 16 });
    const [a, b] = [fine.create(), small.create()];
    for (let index = 0; index < 20_000; index++) {
      a.add(index * 0.01 + 0.005, index);
      b.add(index * 0.01 + 0.005, index);
    }
    expect(small.binSeconds).toBeGreaterThan(0.1);
    const grid = { startSeconds: 0, binSeconds: small.binSeconds, length: Math.ceil(200 / small.binSeconds) };
    expect([...onGrid([b], small, grid)]).toEqual([...onGrid([a], fine, grid)]);
  });

  test('the space of a released series is used again', () => {
    const pool = new SeriesPool({ binSeconds: 1, maxBins: 64 * 16 });
    for (let turn = 0; turn < 50; turn++) {
      const series = pool.create();
      for (let second = 0; second < 10 * 64; second++) series.add(second, 1);
      expect(gridOver([series], pool, 1000)).toMatchObject({ binSeconds: 1, length: 640 });
      expect(onGrid([series], pool, gridOver([series], pool, 1000)!).every((bytes) => bytes === 1)).toBe(
        true,
      );
      pool.release(series);
    }
    expect(pool.usedBins).toBe(0);
  });

  test('times at the ends of the world do no harm', () => {
    const pool = new SeriesPool({ binSeconds: 0.01, maxBins: 64 * 16 });
    const series = pool.create();
    for (const seconds of [1.8e19, -1.8e19, 0, 4e9, -4e9]) series.add(seconds, 1);
    const grid = gridOver([series], pool, 4096)!;
    expect(grid.length).toBeLessThanOrEqual(4096);
    expect(onGrid([series], pool, grid).reduce((sum, bytes) => sum + bytes, 0)).toBe(5);
  });
});

test('a pool that is not used up can be made coarser, too', () => {
  const pool = new SeriesPool({ binSeconds: 0.01 });
  const series = pool.create();
  series.add(0.035, 7);
  pool.coarsen();
  expect(pool.binSeconds).toBe(0.02);
  expect(series.range()).toEqual({ first: 1, last: 1 });
});
