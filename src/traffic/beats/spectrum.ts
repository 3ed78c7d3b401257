/**
 * The pictures behind a p-value: autocorrelation of a mesh's bytes, and the periodogram of its bursts, each with the
 * line that chance stays below.
 *
 * The line is at the height that the highest point of one in twenty simulations without a beat passes (null-model.ts). So
 * a curve that crosses it anywhere is significant at 5 % as a whole, however many lags or periods are looked at.
 */
import { Random } from '../../random.js';
import type { Grid } from '../grid.js';
import type { ByteSeries, SeriesPool } from '../series.js';
import { gridOver, onGrid } from '../grid.js';
import { autocorrelation } from './autocorrelation.js';
import { withoutBeat } from './null-model.js';
import { peaksWithoutBeat, periodogramOf } from './periodogram.js';
import { joinBins, MOST_STARTS, rhythmAt } from './rhythm.js';
import type { Rhythm } from './rhythm.js';
import { mean, quantile } from '../statistics.js';

export interface Spectrum {
  readonly rhythm: Rhythm;
  /** r at lag index × binSeconds. */
  readonly autocorrelation: {
    readonly binSeconds: number;
    readonly values: Float64Array;
    readonly line: number | null;
  };
  /** Lags below this are one burst meeting itself; the line speaks of those above. */
  readonly leastLagSeconds: number;
  readonly periodogram: {
    readonly frequencies: Float64Array;
    readonly power: Float64Array;
    readonly line: number | null;
  };
}

/** Bins of the series that is correlated: as many as a picture shows. */
const MAX_BINS = 4096;
const MAX_GRID_BINS = 2 ** 18;
const SIMULATIONS = 199;
const LEVEL = 0.95;

/** Of the sum of the series; undefined without bytes. */
export function spectrumOf(series: readonly ByteSeries[], pool: SeriesPool): Spectrum | undefined {
  const grid = gridOver(series, pool, MAX_GRID_BINS);
  if (grid === undefined) return undefined;
  const bytes = onGrid(series, pool, grid);
  const rhythm = rhythmAt(bytes, grid, 'the mesh');
  const factor = Math.ceil(bytes.length / MAX_BINS);
  const coarse = joinBins(bytes, factor);
  const binSeconds = factor * grid.binSeconds;
  const lags = Math.ceil(coarse.length / 2);
  const lengths = rhythm.bursts.map(({ startSeconds, endSeconds }) => endSeconds - startSeconds);
  const leastLagSeconds = 1.5 * Math.max(0, ...lengths);
  const starts = rhythm.bursts.slice(-MOST_STARTS).map(({ startSeconds }) => startSeconds);
  const { frequencies, power } = periodogramOf(starts);
  return {
    rhythm,
    leastLagSeconds,
    autocorrelation: {
      binSeconds,
      values: autocorrelation(coarse, lags),
      line: correlationLine(rhythm, { ...grid, binSeconds, length: coarse.length }, lags, leastLagSeconds),
    },
    periodogram: { frequencies, power, line: powerLine(rhythm) },
  };
}

function powerLine({ bursts, holdSeconds, pValue }: Rhythm): number | null {
  if (pValue === null) return null;
  const stretches = bursts
    .slice(-MOST_STARTS)
    .map((burst) => ({ start: burst.startSeconds, end: burst.endSeconds }));
  const random = new Random(1, 'line of the periodogram');
  return quantile(peaksWithoutBeat(stretches, holdSeconds, random, SIMULATIONS), LEVEL);
}

/** The same bursts at moments without memory, each with its bytes spread evenly; nothing between them. */
function correlationLine(
  { bursts, holdSeconds, pValue }: Rhythm,
  { startSeconds, binSeconds, length }: Grid,
  lags: number,
  leastLag: number,
): number | null {
  const from = Math.ceil(leastLag / binSeconds);
  if (pValue === null || from >= lags) return null;
  const random = new Random(1, 'line of the autocorrelation');
  const stretches = bursts.map((burst) => ({
    start: burst.startSeconds,
    end: burst.endSeconds,
    bytes: burst.bytes,
  }));
  const peaks = Array.from({ length: SIMULATIONS }, () => {
    const simulated = new Float64Array(length);
    for (const { start, end, bytes } of withoutBeat(stretches, holdSeconds, random)) {
      const first = Math.max(0, Math.floor((start - startSeconds) / binSeconds));
      const last = Math.min(length - 1, Math.ceil((end - startSeconds) / binSeconds) - 1);
      for (let bin = first; bin <= last; bin++) simulated[bin]! += bytes / (last - first + 1);
    }
    return autocorrelation(simulated, lags).reduce(
      (most, r, lag) => (lag < from ? most : Math.max(most, r)),
      0,
    );
  });
  return mean(peaks) === 0 ? null : quantile(peaks, LEVEL);
}
