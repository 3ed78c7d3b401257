/**
 * The core of BAYWATCH: a peak in the periodogram that shuffling does not produce, confirmed by the autocorrelation.
 *
 * BAYWATCH (Hu and others, DSN 2016) filters in eight steps, most of which need months of a company's traffic (who is
 * popular, which names are novel). The two that find the period are here. The series is shuffled a hundred times: what
 * power the strongest frequency has then is what chance makes of these events. A true peak must exceed it. Then the
 * period must be on a hill of the autocorrelation, which a harmonic or a leak is not.
 *
 * The score is 1 if no shuffled series is as strong and the autocorrelation confirms, else 0. Unlike that of the other
 * tests its threshold cannot be divided by the number of pairs, so by chance one of a hundred pairs may fire.
 */
import { Random } from '../../random.js';
import type { EventTest } from './event-pattern.js';
import { SCALED_BINS } from './fisher.js';
import { figure } from './pattern.js';
import { binaryPeriodogram, occupiedBins, peakOf } from './spectrum.js';

const SHUFFLES = 100;
/** Shuffles are repeatable: the same series gives the same answer. */
const SEED = 1;

export interface Periodicity {
  /** Share of shuffled series with as strong a peak, the series itself counted. */
  readonly share: number;
  readonly periodBins: number;
  readonly onHill: boolean;
}

/** Looks for a period in a row of bins of which some are occupied. */
export function periodicity(occupied: readonly number[], count: number): Periodicity {
  const peak = peakOf(binaryPeriodogram(occupied, count));
  const random = new Random(SEED, `baywatch ${occupied.length}`);
  const bins = Array.from({ length: count }, (_, bin) => bin);
  let asStrong = 0;
  for (let shuffle = 0; shuffle < SHUFFLES; shuffle++) {
    for (let index = 0; index < occupied.length; index++) {
      const other = index + random.integer(count - index);
      [bins[index], bins[other]] = [bins[other]!, bins[index]!];
    }
    if (peakOf(binaryPeriodogram(bins.slice(0, occupied.length), count)).value >= peak.value) asStrong += 1;
  }
  const hill = hillNear(occupied, count, peak.index + 1);
  return {
    share: (1 + asStrong) / (1 + SHUFFLES),
    periodBins: hill ?? count / (peak.index + 1),
    onHill: hill !== undefined,
  };
}

/**
 * The lag of a hill of the autocorrelation between the periods of the frequencies beside `k`; undefined if there is none.
 * Jitter spreads a hill over several lags, so counts are summed over a tenth of the period.
 */
function hillNear(occupied: readonly number[], count: number, k: number): number | undefined {
  const low = Math.max(1, Math.floor(count / (k + 1)));
  const high = Math.min(count - 1, Math.ceil(count / Math.max(1, k - 1)));
  const reach = Math.max(1, Math.round(count / k / 20));
  const counts = new Float64Array(count);
  for (let i = 0; i < occupied.length; i++) {
    for (let j = i + 1; j < occupied.length; j++) counts[occupied[j]! - occupied[i]!]! += 1;
  }
  const smooth = (lag: number): number => {
    let sum = 0;
    for (let near = lag - reach; near <= lag + reach; near++) sum += counts[near] ?? 0;
    // Fewer pairs of bins are so far apart.
    return sum / Math.max(1, count - lag);
  };
  let best = low;
  for (let lag = low; lag <= high; lag++) if (smooth(lag) > smooth(best)) best = lag;
  const valley = Math.max(smooth(Math.round(best / 2)), smooth(Math.round(1.5 * best)));
  return smooth(best) > 2 * valley && smooth(best) > 0 ? best : undefined;
}

export const baywatch: EventTest = {
  id: 'baywatch',
  title: 'BAYWATCH: shuffled periodogram and autocorrelation',
  origin: 'Hu et al., DSN 2016: two of its eight steps',
  scale: { threshold: 1 },
  kinds: ['connections', 'records', 'bursts'],
  score({ starts }, { from, to }) {
    if (!(to > from)) return 'there is no time between first and last packet';
    const occupied = occupiedBins(starts, from, to, SCALED_BINS);
    if (occupied.length < 4) return 'fewer than 4 bins with a start';
    if (occupied.length > 0.99 * SCALED_BINS) return 'all bins are alike';
    const { share, periodBins, onHill } = periodicity(occupied, SCALED_BINS);
    const stronger = Math.round(share * (SHUFFLES + 1)) - 1;
    const period = figure((periodBins * (to - from)) / SCALED_BINS);
    const shuffled = `${stronger} of ${SHUFFLES} shuffled series have as strong a peak`;
    return {
      score: stronger === 0 && onHill ? 1 : 0,
      why: `${shuffled}; a period of ${period} s is ${onHill ? 'on a' : 'on no'} hill of the autocorrelation`,
    };
  },
};
