/**
 * Where the mesh is silent for long enough that a burst is over: the detector's own question (src/traffic/hold.ts
 * has its rule), asked of a simulated timeline, in which every silence is known exactly.
 */
import { burstDefaults } from '../traffic/bursts.js';
import { chooseHold } from '../traffic/hold.js';
import type { Emission } from './emissions.js';

/**
 * When the mesh begins to send again after each pause, seconds, ascending; the first burst is not among them. A
 * silence is a pause if it is longer than the hold that the detector would choose of all silences long enough
 * for it to see.
 */
export function endsOfPauses(emissions: readonly Emission[]): Float64Array {
  const sends = emissions.filter(({ data }) => data);
  const starts = Float64Array.from(sends, ({ start }) => start).sort();
  const ends = Float64Array.from(sends, ({ end }) => end).sort();
  // Nobody sends between an end and a start exactly if as many sends have ended as have started.
  const silence = (index: number) => (starts[index] ?? NaN) - (ends[index - 1] ?? NaN);
  const silences: number[] = [];
  for (let index = 1; index < starts.length; index++) {
    if (silence(index) >= burstDefaults.smoothingSeconds) silences.push(silence(index));
  }
  const hold = Math.max(chooseHold(silences, burstDefaults), burstDefaults.smoothingSeconds / 2);
  return starts.filter((_, index) => index > 0 && silence(index) > hold);
}
