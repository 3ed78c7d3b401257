/**
 * The Lomb-Scargle periodogram: periods in values that were taken at uneven times, without bins.
 *
 * Koumar and Čejka (2022) use it on flow records: one value per record, its bytes, at the time it starts. Power at a
 * frequency is how much of the variance a sine of it explains, in Scargle's normalization: P of white noise is
 * exponential with mean 1, so the chance that the largest of M is z or more is 1 − (1 − e^−z)^M (Scargle 1982). That is for
 * a variance that is known. Here it is that of the n values themselves, of which no sine explains more than all, and the
 * chance at one frequency is (1 − 2z/(n − 1))^((n − 3)/2) instead of e^−z (Schwarzenberg-Czerny 1998; astropy does the
 * same): much less for few values, the same for many.
 *
 * Events without a value (bursts: when, not how large) have no variance to explain. Their periodogram is that of the
 * moments, R(f) = |Σ e^(2πi·f·t)|² / n (Schuster, Bartlett), which for random moments is exponential with mean 1, too:
 * {@link eventPower}.
 *
 * The grid: f = k / (3·T), T the time looked at, so three steps per independent frequency, from 1/T up to twice the mean
 * rate of the events. All of its frequencies are counted as M, more than are independent, so p is rather too large.
 *
 * Both walk along the grid by turning each sample's angle by a fixed step (two multiplications for each sine and cosine,
 * none of which is computed anew but every 64th, so that rounding cannot add up); `naive` computes each. Time does not
 * enter as seconds since 1970 but since the middle, where angles are small and exact.
 */
import type { EventTest } from './event-pattern.js';
import { figure } from './pattern.js';
import { peakOf } from './spectrum.js';
import { largestExponential } from './walker.js';

/** Steps of the grid per independent frequency. */
const OVERSAMPLING = 3;
/** Frequencies after which angles are computed anew. */
const RENEWAL = 64;
/** Events looked at: the grid grows with them, the work with their square. */
const MAX_EVENTS = 4096;

/** Frequencies first·step, (first + 1)·step, …, in 1/s. */
export interface FrequencyGrid {
  readonly step: number;
  readonly first: number;
  readonly count: number;
}

/** The grid for `events` events in `seconds`. */
export function gridFor(seconds: number, events: number): FrequencyGrid {
  const last = 2 * events * OVERSAMPLING;
  return { step: 1 / (OVERSAMPLING * seconds), first: OVERSAMPLING, count: last - OVERSAMPLING + 1 };
}

/**
 * Lomb-Scargle power of values at times, normalized by their variance. Zeros if they have none.
 *
 * @param naive computes every sine and cosine: slower, and what the tests compare with.
 */
export function lombScargle(
  times: readonly number[],
  values: readonly number[],
  grid: FrequencyGrid,
  naive = false,
): Float64Array {
  const power = new Float64Array(grid.count);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centred = values.map((value) => value - mean);
  const variance = centred.reduce((sum, value) => sum + value * value, 0) / (values.length - 1);
  // Values that differ by rounding only are equal.
  if (!(variance > 1e-18 * mean * mean)) return power;
  walk(times, grid, naive, (index, cosines, sines) => {
    let [yc, ys, cc, cs] = [0, 0, 0, 0];
    for (let i = 0; i < centred.length; i++) {
      const [y, c, s] = [centred[i]!, cosines[i]!, sines[i]!];
      yc += y * c;
      ys += y * s;
      cc += c * c;
      cs += c * s;
    }
    power[index] = explained(yc, ys, cc, cs, centred.length) / variance;
  });
  return power;
}

/**
 * What a sine explains, from sums over the samples: Scargle's formula after the turn by τ, which makes sine and cosine
 * orthogonal. All samples at one phase leave one of the two without weight; it then explains nothing.
 */
function explained(yc: number, ys: number, cc: number, cs: number, samples: number): number {
  const ss = samples - cc;
  // tan 2ωτ = Σ sin 2ωt / Σ cos 2ωt
  const turn = Math.atan2(2 * cs, cc - ss) / 2;
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const along = yc * c + ys * s;
  const across = ys * c - yc * s;
  const alongWeight = cc * c * c + 2 * cs * c * s + ss * s * s;
  const acrossWeight = samples - alongWeight;
  const least = 1e-12 * samples;
  return (
    ((alongWeight > least ? along ** 2 / alongWeight : 0) +
      (acrossWeight > least ? across ** 2 / acrossWeight : 0)) /
    2
  );
}

/** Schuster's power of bare moments. */
export function eventPower(times: readonly number[], grid: FrequencyGrid, naive = false): Float64Array {
  const power = new Float64Array(grid.count);
  walk(times, grid, naive, (index, cosines, sines) => {
    let [real, imaginary] = [0, 0];
    for (let i = 0; i < times.length; i++) {
      real += cosines[i]!;
      imaginary += sines[i]!;
    }
    power[index] = (real * real + imaginary * imaginary) / times.length;
  });
  return power;
}

/** Calls back for each frequency with the cosine and sine of each sample's angle. */
function walk(
  times: readonly number[],
  { step, first, count }: FrequencyGrid,
  naive: boolean,
  each: (index: number, cosines: Float64Array, sines: Float64Array) => void,
): void {
  const n = times.length;
  const middle = n === 0 ? 0 : (times[0]! + times[n - 1]!) / 2;
  const cosines = new Float64Array(n);
  const sines = new Float64Array(n);
  const stepCosines = Float64Array.from(times, (time) => Math.cos(2 * Math.PI * step * (time - middle)));
  const stepSines = Float64Array.from(times, (time) => Math.sin(2 * Math.PI * step * (time - middle)));
  for (let index = 0; index < count; index++) {
    const isNew = naive || index % RENEWAL === 0;
    for (let i = 0; i < n; i++) {
      if (isNew) {
        const angle = 2 * Math.PI * step * (first + index) * (times[i]! - middle);
        cosines[i] = Math.cos(angle);
        sines[i] = Math.sin(angle);
      } else {
        const [c, s] = [cosines[i]!, sines[i]!];
        cosines[i] = c * stepCosines[i]! - s * stepSines[i]!;
        sines[i] = s * stepCosines[i]! + c * stepSines[i]!;
      }
    }
    each(index, cosines, sines);
  }
}

/**
 * The chance that the largest of the powers of n values at `frequencies` independent frequencies is `power` or more, if
 * the values are white noise.
 */
export function lombScargleProbability(power: number, n: number, frequencies: number): number {
  const left = Math.max(0, 1 - (2 * power) / (n - 1));
  return -Math.expm1(frequencies * Math.log1p(-(left ** ((n - 3) / 2))));
}

export const lombScargleValues: EventTest = {
  id: 'lomb-scargle',
  title: 'Lomb-Scargle of bytes at starts',
  origin: 'Koumar and Čejka 2022; Scargle 1982',
  scale: 'probability',
  kinds: ['connections', 'records', 'bursts'],
  score(series, { from, to }) {
    const starts = series.starts.slice(-MAX_EVENTS);
    const values = series.bytes.slice(-MAX_EVENTS);
    const seconds = to - Math.max(from, starts.length < MAX_EVENTS ? from : (starts[0] ?? from));
    if (starts.length < 8) return 'fewer than 8 starts';
    if (!(seconds > 0)) return 'there is no time between first and last packet';
    const grid = gridFor(seconds, starts.length);
    const power = lombScargle(starts, values, grid);
    const { index, value } = peakOf(power);
    if (value === 0) return 'all are of the same size';
    return {
      score: lombScargleProbability(value, starts.length, grid.count),
      why: `power ${figure(value)} of at most ${figure((starts.length - 1) / 2)} at a period of ${figure(1 / (grid.step * (grid.first + index)))} s; ${grid.count} frequencies`,
    };
  },
};

export const lombScargleStarts: EventTest = {
  id: 'schuster',
  title: 'Periodogram of starts, unbinned',
  origin: 'Schuster 1898, Bartlett 1963; the Lomb-Scargle of bare moments',
  scale: 'probability',
  kinds: ['connections', 'records', 'bursts'],
  score(series, { from, to }) {
    const starts = series.starts.slice(-MAX_EVENTS);
    const begin = starts.length < MAX_EVENTS ? from : Math.max(from, starts[0]!);
    if (starts.length < 4) return 'fewer than 4 starts';
    if (!(to > begin)) return 'there is no time between first and last packet';
    const grid = gridFor(to - begin, starts.length);
    const power = eventPower(starts, grid);
    const { index, value } = peakOf(power);
    return {
      score: largestExponential(value, grid.count),
      why: `power ${figure(value)} of at most ${starts.length} at a period of ${figure(1 / (grid.step * (grid.first + index)))} s; ${grid.count} frequencies`,
    };
  },
};
