/** What a series holds inside of bursts that were found in another: its bytes, and when it began. */
import { lastStartedBy } from '../last-started.js';
import type { ByteSeries, SeriesPool } from '../series.js';
import type { SeriesBurst } from './rhythm.js';

/** A series counts as begun once this share of its bytes of the burst has passed: keep-alives begin nothing. */
const BEGUN_SHARE = 0.05;

export interface Inside {
  /** Bytes in each burst. */
  readonly bytes: Float64Array;
  /** Start of the bin in which it had begun, seconds; NaN in bursts where there is nothing. */
  readonly onsets: Float64Array;
}

/** Looks only at bins that exist: there may be thousands of series. */
export function insideOf(series: ByteSeries, pool: SeriesPool, bursts: readonly SeriesBurst[]): Inside {
  const width = pool.binSeconds;
  const bytes = new Float64Array(bursts.length);
  const held: { bin: number; bytes: number }[][] = bursts.map(() => []);
  series.forEach((bin, count) => {
    const index = lastStartedBy(bursts, ({ startSeconds }) => startSeconds, (bin + 0.5) * width);
    if (index < 0 || bin * width >= bursts[index]!.endSeconds) return;
    bytes[index]! += count;
    held[index]!.push({ bin, bytes: count });
  });
  const onsets = Float64Array.from(held, (bins, index) => {
    let left = BEGUN_SHARE * bytes[index]!;
    for (const { bin, bytes: count } of bins.sort((a, b) => a.bin - b.bin)) {
      left -= count;
      if (left <= 0) return bin * width;
    }
    return NaN;
  });
  return { bytes, onsets };
}
