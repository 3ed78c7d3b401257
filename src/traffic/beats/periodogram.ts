/**
 * How well each period explains when bursts start: the periodogram of moments, R(f) = |Σ exp(2πi·f·t)|² ÷ n
 * (Schuster 1898; Bartlett 1963, "The spectral analysis of point processes"). It needs no bins. n starts that keep time
 * exactly have R = n at their beat; random ones have R near 1.
 *
 * The frequencies looked at go from two beats in all the time, in steps of a third of an independent frequency,
 * up to 1.5 times the mean rate of the starts: with a third of all beats missed the true one is still among them, and its
 * double, which explains regular starts just as well, is not.
 */
import { withoutBeat } from './null-model.js';
import type { Stretch } from './null-model.js';
import type { Random } from '../../random.js';

export interface Periodogram {
  /** Hz, ascending. */
  readonly frequencies: Float64Array;
  readonly power: Float64Array;
  /** Index of the highest power; -1 when there are too few starts. */
  readonly peak: number;
}

const STEPS_PER_FREQUENCY = 3;
const RATE_FACTOR = 1.5;
/** Fewer starts have no rhythm to speak of: two intervals are always somehow alike. */
export const LEAST_STARTS = 4;

export function periodogramOf(starts: readonly number[]): Periodogram {
  const first = starts[0] ?? 0;
  const span = (starts.at(-1) ?? 0) - first;
  if (starts.length < LEAST_STARTS || !(span > 0)) {
    return { frequencies: new Float64Array(0), power: new Float64Array(0), peak: -1 };
  }
  const step = 1 / (STEPS_PER_FREQUENCY * span);
  const lowest = 2 * STEPS_PER_FREQUENCY;
  const highest = Math.floor(RATE_FACTOR * (starts.length - 1) * STEPS_PER_FREQUENCY);
  const count = Math.max(1, highest - lowest + 1);
  const real = new Float64Array(count);
  const imaginary = new Float64Array(count);
  for (const start of starts) {
    // Along the frequencies the angle grows by a fixed step: turn instead of computing each sine.
    const turn = 2 * Math.PI * step * (start - first);
    const [turnCosine, turnSine] = [Math.cos(turn), Math.sin(turn)];
    let [cosine, sine] = [Math.cos(lowest * turn), Math.sin(lowest * turn)];
    for (let index = 0; index < count; index++) {
      real[index]! += cosine;
      imaginary[index]! += sine;
      const next = cosine * turnCosine - sine * turnSine;
      sine = sine * turnCosine + cosine * turnSine;
      cosine = next;
    }
  }
  const power = real.map((value, index) => (value * value + imaginary[index]! ** 2) / starts.length);
  const frequencies = Float64Array.from({ length: count }, (_, index) => (lowest + index) * step);
  let peak = 0;
  for (let index = 1; index < count; index++) if (power[index]! > power[peak]!) peak = index;
  return { frequencies, power, peak };
}

/** The highest power that each of some simulations without a beat had: for a significance line. */
export function peaksWithoutBeat(
  bursts: readonly Stretch[],
  dead: number,
  random: Random,
  simulations: number,
): number[] {
  return Array.from({ length: simulations }, () => highestPower(withoutBeat(bursts, dead, random)));
}

/** R at its peak; 0 when there are too few starts. */
export function highestPower(bursts: readonly Stretch[]): number {
  const { power, peak } = periodogramOf(bursts.map(({ start }) => start));
  return power[peak] ?? 0;
}
