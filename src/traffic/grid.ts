/**
 * Byte series on a grid: a stretch of time cut into equal bins, all of them there, which is what analysis computes on.
 */
import type { ByteSeries, SeriesPool } from './series.js';

export interface Grid {
  /** Time of the start of the first bin, in seconds. */
  readonly startSeconds: number;
  readonly binSeconds: number;
  readonly length: number;
}

/**
 * The finest grid over all bins of the given series with at most `maxLength` bins, or undefined when
 * they are empty.
 */
export function gridOver(
  series: readonly ByteSeries[],
  pool: SeriesPool,
  maxLength: number,
): Grid | undefined {
  let first = Infinity;
  let last = -Infinity;
  for (const one of series) {
    const range = one.range();
    if (range === undefined) continue;
    first = Math.min(first, range.first);
    last = Math.max(last, range.last);
  }
  if (first > last) return undefined;
  // One bin to spare: over spans of aeons the division rounds.
  const factor = Math.ceil((last - first + 1) / (maxLength - 1));
  return {
    startSeconds: first * pool.binSeconds,
    binSeconds: factor * pool.binSeconds,
    length: Math.floor((last - first) / factor) + 1,
  };
}

/** The sum of the series on a grid, as bytes per bin. Bins of the series outside the grid are left out. */
export function onGrid(series: readonly ByteSeries[], pool: SeriesPool, grid: Grid): Float64Array {
  const sum = new Float64Array(grid.length);
  const first = Math.round(grid.startSeconds / pool.binSeconds);
  for (const one of series) pool.addTo(sum, one, first, grid.binSeconds / pool.binSeconds);
  return sum;
}

/** Calls back with the grid's bin for each bin of the series that holds bytes and lies on the grid. */
export function forEachOnGrid(
  series: ByteSeries,
  pool: SeriesPool,
  grid: Grid,
  each: (bin: number, bytes: number) => void,
): void {
  const first = Math.round(grid.startSeconds / pool.binSeconds);
  const factor = grid.binSeconds / pool.binSeconds;
  series.forEach((bin, bytes) => {
    const index = Math.floor((bin - first) / factor);
    if (index >= 0 && index < grid.length) each(index, bytes);
  });
}
