/**
 * Fisher's g-test: is the largest ordinate of a periodogram too large a share of them all?
 *
 * g = max I / Σ I over n ordinates. If the series is white noise, each share is a piece of a stick that was broken at
 * n − 1 random points, and the chance of a piece of length g or more is
 *
 *     p = Σ (−1)^(j−1) · C(n, j) · (1 − j·g)^(n−1),   j = 1 … ⌊1/g⌋       (Fisher, 1929)
 *
 * Its terms alternate and may be astronomically larger than their sum. So they are summed as doubles only while that is
 * safe, and in exact integer arithmetic otherwise; the answer is right to nine digits for any n.
 *
 * msticpy's PeriodogramPollingDetector, which is in use at Microsoft Sentinel, stops one term short (`range(1, upper)`):
 * {@link fisherAsMsticpy}. The last term is tiny wherever p is, so no verdict depends on it. It looks at one
 * binary number per minute: whether there was a connection; that is `fisher-minute`. A period of less than two minutes is
 * beyond that, so `fisher-scaled` cuts the time of the capture into 1024 bins, however long it is.
 */
import type { EventTest } from './event-pattern.js';
import { figure } from './pattern.js';
import { binaryPeriodogram, occupiedBins, peakOf } from './spectrum.js';

/** Bits behind the binary point that are kept for the result. */
const RESULT_BITS = 128;
const MINUTE = 60;
/** Bins of the scaled form; the minutes of a day are 1440. */
export const SCALED_BINS = 1024;
/** Fewer minutes tell nothing; more than four days are cut to the last four. */
const MIN_MINUTES = 16;
const MAX_MINUTES = 4 * 1440;

/** The chance of a share of `g` or more among `n` ordinates of white noise. */
export function fisherProbability(g: number, n: number): number {
  return clamp(alternatingSum(g, n, Math.floor(1 / g)));
}

/** The same as msticpy computes it: without the last term. */
export function fisherAsMsticpy(g: number, n: number): number {
  return clamp(alternatingSum(g, n, Math.floor(1 / g) - 1));
}

function clamp(probability: number): number {
  return Math.min(1, Math.max(0, probability));
}

function alternatingSum(g: number, n: number, terms: number): number {
  if (!(g > 0) || n < 1) return 1;
  let sum = 0;
  let largest = 0;
  let logBinomial = 0;
  for (let j = 1; j <= Math.min(terms, n); j++) {
    logBinomial += Math.log((n - j + 1) / j);
    const rest = 1 - j * g;
    if (rest <= 0) break;
    const term = Math.exp(logBinomial + (n - 1) * Math.log1p(-j * g));
    sum += j % 2 === 1 ? term : -term;
    largest = Math.max(largest, term);
    // Terms fall off so fast once they fall that the next would change nothing.
    if (term < 1e-18 * Math.abs(sum)) break;
  }
  return largest <= 1e4 * Math.abs(sum) ? sum : exactSum(g, n, terms);
}

/** In fixed point, with as many bits as the largest term can have before the point: C(n, j) is below 2^n. */
function exactSum(g: number, n: number, terms: number): number {
  const bits = BigInt(n + RESULT_BITS);
  const one = 1n << bits;
  // A double is a whole number of 2^-1074ths; 2^-(n+128) is fine enough for what is at least 1/n.
  const scaled = BigInt(Math.round(g * 2 ** 62)) << (bits - 62n);
  let sum = 0n;
  let binomial = 1n;
  for (let j = 1; j <= Math.min(terms, n); j++) {
    binomial = (binomial * BigInt(n - j + 1)) / BigInt(j);
    const rest = one - BigInt(j) * scaled;
    if (rest <= 0n) break;
    const term = binomial * powerOf(rest, n - 1, bits);
    sum += j % 2 === 1 ? term : -term;
  }
  return Number(sum >> (bits - 64n)) / 2 ** 64;
}

function powerOf(base: bigint, exponent: number, bits: bigint): bigint {
  let result = 1n << bits;
  for (let rest = exponent, square = base; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = (result * square) >> bits;
    square = (square * square) >> bits;
  }
  return result;
}

/** g, p and the period of the peak, of events in bins. Undefined if all bins or none are alike. */
export function fisherOfEvents(
  starts: readonly number[],
  from: number,
  to: number,
  bins: number,
): { g: number; p: number; periodSeconds: number; occupied: number } | undefined {
  const occupied = occupiedBins(starts, from, to, bins);
  if (occupied.length < 2 || occupied.length > bins - 2) return undefined;
  const power = binaryPeriodogram(occupied, bins);
  const { index, value } = peakOf(power);
  const g = value / power.reduce((sum, one) => sum + one, 0);
  return {
    g,
    p: fisherProbability(g, power.length),
    periodSeconds: (to - from) / (index + 1),
    occupied: occupied.length,
  };
}

export const fisherMinute: EventTest = {
  id: 'fisher-minute',
  title: 'Fisher’s g, bins of a minute',
  origin: 'Fisher 1929; msticpy PeriodogramPollingDetector',
  scale: 'probability',
  kinds: ['connections', 'records', 'bursts'],
  score({ starts }, { from, to }) {
    const minutes = Math.min(MAX_MINUTES, Math.floor((to - from) / MINUTE));
    if (minutes < MIN_MINUTES) return `${minutes} whole minutes are too few, it needs ${MIN_MINUTES}`;
    const begin = to - minutes * MINUTE;
    const found = fisherOfEvents(starts, begin, to, minutes);
    if (found === undefined) return 'all minutes are alike';
    return { score: found.p, why: whyOf(found, minutes, 'minutes') };
  },
};

export const fisherScaled: EventTest = {
  id: 'fisher-scaled',
  title: 'Fisher’s g, 1024 bins',
  origin: 'Fisher 1929; as msticpy, with bins that fit the capture',
  scale: 'probability',
  kinds: ['connections', 'records', 'bursts'],
  score({ starts }, { from, to }) {
    if (!(to > from)) return 'there is no time between first and last packet';
    if (starts.length < 4) return 'fewer than 4 starts';
    const found = fisherOfEvents(starts, from, to, SCALED_BINS);
    if (found === undefined) return 'all bins are alike';
    const width = figure((1000 * (to - from)) / SCALED_BINS);
    return { score: found.p, why: whyOf(found, SCALED_BINS, `bins of ${width} ms`) };
  },
};

function whyOf(
  { g, periodSeconds, occupied }: { g: number; periodSeconds: number; occupied: number },
  bins: number,
  what: string,
): string {
  return `g ${figure(g)} at a period of ${figure(periodSeconds)} s; starts in ${occupied} of ${bins} ${what}`;
}
