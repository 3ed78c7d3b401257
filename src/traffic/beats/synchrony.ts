/**
 * Do several pairs of hosts burst at the same moments?
 *
 * Each pair has a train of burst starts. Time is cut into windows of a tenth of the period; where m trains start in one
 * window, that counts m². The sum is large when starts fall together. The null shifts each train by a random time, around a
 * circle as long as the capture, which keeps every train's own rhythm and loses what they had in common (circular-shift
 * surrogates; reference: Theiler et al. 1992 for the idea of surrogates). The p-value is exact, however regular the trains are;
 * two very regular ones meet by chance in a fifth of all shifts, so that it takes three or more to be sure.
 *
 * Trains of pairs and not of hosts, because two hosts that talk with each other share bytes and so always burst
 * together, while the bytes of two pairs are different bytes.
 */
import type { Random } from '../../random.js';
import { monteCarlo } from './null-model.js';

export interface Synchrony {
  /** Mean share of the trains that start in the window of a start. */
  readonly share: number;
  readonly pValue: number;
}

/** Windows per period. */
const WINDOWS = 10;

/**
 * @param trains starts in seconds, of each pair.
 * @param span seconds in which they lie: the circle.
 * @returns null for fewer than two trains.
 */
export function synchronyOf(
  trains: readonly (readonly number[])[],
  span: number,
  periodSeconds: number,
  random: Random,
): Synchrony | null {
  if (trains.length < 2 || !(span > 0) || !(periodSeconds > 0)) return null;
  const windows = Math.max(1, Math.round((span / periodSeconds) * WINDOWS));
  const first = Math.min(...trains.flat());
  const still = trains.map(() => 0);
  const observed = coincidence(trains, still, first, span, windows);
  const [pValue = 1] = monteCarlo(() => {
    const shifts = trains.map(() => random.uniform() * span);
    return [coincidence(trains, shifts, first, span, windows) >= observed];
  });
  const starts = trains.reduce((sum, train) => sum + train.length, 0);
  return { share: Math.min(1, observed / starts / trains.length), pValue };
}

/** Sum of m² over windows. Two sets of windows, half a window apart, and the better one: a moment on an edge is in one. */
function coincidence(
  trains: readonly (readonly number[])[],
  shifts: readonly number[],
  first: number,
  span: number,
  windows: number,
): number {
  let best = 0;
  for (const offset of [0, 0.5]) {
    const counts = new Float64Array(windows);
    trains.forEach((train, index) => {
      for (const start of train) {
        const turn = ((start - first + shifts[index]!) / span) % 1;
        counts[Math.floor(turn * windows + offset) % windows]! += 1;
      }
    });
    best = Math.max(
      best,
      counts.reduce((sum, count) => sum + count * count, 0),
    );
  }
  return best;
}
