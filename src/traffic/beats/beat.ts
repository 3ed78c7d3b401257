/**
 * The heartbeat of one subject: a host, a pair of hosts, a flow or a group. A subject is two byte series, one up (what the
 * host, or the first of the two, sent) and one down; bursts are sought in their sum, and both are read off inside them.
 *
 * What the figures mean:
 * - `periodSeconds`, `periodCv`, `pValue`: see rhythm.ts and null-model.ts.
 * - `isBeat`: `pValue` is at most 0.01, and the period is not shorter than the records of the input can show.
 * - `dutyCycle`: length of all bursts but the last ÷ time from the first start to the last, as in heartbeat.ts.
 * - `burstBytes`, `burstBytesCv`: mean bytes of a burst, both ways together, and their standard deviation ÷ mean.
 * - `symmetry`: the smaller of bytes up and down in bursts ÷ the larger; 1 is even.
 * - `samplesPerBurst`: packets of a burst that sampling leaves, on average (see sampling/per-burst.ts).
 *
 * It measures and does not judge: a backup has a heartbeat too.
 */
import { samplesPerBurst } from '../sampling/index.js';
import type { ByteSeries, SeriesPool } from '../series.js';
import { gridOver, onGrid } from '../grid.js';
import { insideOf } from './inside.js';
import { rhythms } from './rhythm.js';
import type { Rhythm, SeriesBurst } from './rhythm.js';
import { mean, variation } from '../statistics.js';

export interface Beat {
  readonly isBeat: boolean;
  readonly periodSeconds: number | null;
  readonly periodCv: number | null;
  readonly pValue: number | null;
  /** Width of the bins in which the bursts were found. */
  readonly binSeconds: number;
  readonly bursts: number;
  readonly burstSeconds: number;
  readonly dutyCycle: number | null;
  readonly burstBytes: number;
  readonly burstBytesCv: number;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly symmetry: number;
  readonly samplesPerBurst: number;
  /** What was found at other widths of bins. */
  readonly otherWidths: readonly {
    readonly binSeconds: number;
    readonly bursts: number;
    readonly periodSeconds: number | null;
    readonly pValue: number | null;
  }[];
}

/** A subject, found or not, with what the caller needs for more figures. */
export interface Found {
  readonly beat: Beat;
  readonly rhythm: Rhythm;
  readonly bursts: readonly SeriesBurst[];
}

export interface BeatContext {
  readonly pool: SeriesPool;
  /** One of so many packets was observed. */
  readonly samplingRate: number;
  /** Periods below this are an artefact of how the input was recorded; 0 for packets. */
  readonly leastPeriodSeconds: number;
}

/** Largest p-value of a beat. */
export const SIGNIFICANT = 0.01;
/** Bins of the longest series looked at; longer ones are looked at in wider bins. */
const MAX_BINS = 2 ** 16;

/**
 * @param label names the subject, for its random numbers.
 * @param packetBytes mean bytes of a packet of the subject.
 * @returns undefined for a subject without bytes.
 */
export function beatOf(
  { up, down }: { readonly up: readonly ByteSeries[]; readonly down: readonly ByteSeries[] },
  label: string,
  packetBytes: number,
  context: BeatContext,
): Found | undefined {
  const { pool, samplingRate } = context;
  const grid = gridOver([...up, ...down], pool, MAX_BINS);
  if (grid === undefined) return undefined;
  const [rhythm, ...others] = rhythms(onGrid([...up, ...down], pool, grid), grid, label);
  const { bursts, pValue, periodSeconds } = rhythm;
  const upBytes = burstMean(up, pool, bursts);
  const downBytes = burstMean(down, pool, bursts);
  const burstBytes = mean(bursts.map(({ bytes }) => bytes));
  const larger = Math.max(upBytes, downBytes);
  const isResolved = periodSeconds !== null && periodSeconds >= context.leastPeriodSeconds;
  const beat: Beat = {
    isBeat: pValue !== null && pValue <= SIGNIFICANT && isResolved,
    periodSeconds,
    periodCv: rhythm.periodCv,
    pValue,
    binSeconds: rhythm.binSeconds,
    bursts: bursts.length,
    burstSeconds: mean(bursts.map(lengthOf)),
    dutyCycle: dutyCycleOf(bursts),
    burstBytes,
    burstBytesCv: variation(bursts.map(({ bytes }) => bytes)),
    upBytes,
    downBytes,
    symmetry: larger === 0 ? 0 : Math.min(upBytes, downBytes) / larger,
    samplesPerBurst: samplesPerBurst({ bytes: burstBytes, packets: burstBytes / packetBytes }, samplingRate)
      .expected,
    otherWidths: others.map((other) => ({
      binSeconds: other.binSeconds,
      bursts: other.bursts.length,
      periodSeconds: other.periodSeconds,
      pValue: other.pValue,
    })),
  };
  return { beat, rhythm, bursts };
}

function burstMean(series: readonly ByteSeries[], pool: SeriesPool, bursts: readonly SeriesBurst[]): number {
  return series.reduce((sum, one) => sum + mean([...insideOf(one, pool, bursts).bytes]), 0);
}

function lengthOf({ startSeconds, endSeconds }: SeriesBurst): number {
  return endSeconds - startSeconds;
}

function dutyCycleOf(bursts: readonly SeriesBurst[]): number | null {
  const first = bursts[0];
  const last = bursts.at(-1);
  if (first === undefined || last === undefined || first === last) return null;
  const busy = bursts.slice(0, -1).reduce((sum, burst) => sum + lengthOf(burst), 0);
  return busy / (last.startSeconds - first.startSeconds);
}
