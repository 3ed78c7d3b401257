/**
 * Periodograms of events: how much of each frequency is in a row of moments.
 *
 * Two forms. In bins: time is cut into N equal bins, each of which holds an event or does not, and the ordinates are
 * those of the discrete Fourier transform, I(k) = |Σ exp(−2πi·k·b/N)|² / N over the occupied bins b, for k = 1 to below
 * N/2; the mean needs not be removed, since only k = 0 would see it. Angles are looked up in a table of the N possible
 * ones, so that they are exact for any N.
 *
 * Unbinned: see lomb-scargle.ts.
 */

/** Which bins of `count` equal ones from `from` to `to` hold an event: ascending, each once. */
export function occupiedBins(starts: readonly number[], from: number, to: number, count: number): number[] {
  const width = (to - from) / count;
  const bins = new Set<number>();
  for (const start of starts) {
    if (start >= from && start <= to) bins.add(Math.min(count - 1, Math.floor((start - from) / width)));
  }
  return [...bins].sort((a, b) => a - b);
}

/** Ordinates I(1) … of a binary series, up to below the Nyquist frequency, which is of another distribution. */
export function binaryPeriodogram(occupied: readonly number[], count: number): Float64Array {
  const cosine = new Float64Array(count);
  const sine = new Float64Array(count);
  for (let step = 0; step < count; step++) {
    cosine[step] = Math.cos((2 * Math.PI * step) / count);
    sine[step] = Math.sin((2 * Math.PI * step) / count);
  }
  const power = new Float64Array(Math.floor((count - 1) / 2));
  for (let k = 1; k <= power.length; k++) {
    let real = 0;
    let imaginary = 0;
    for (const bin of occupied) {
      const step = (k * bin) % count;
      real += cosine[step]!;
      imaginary += sine[step]!;
    }
    power[k - 1] = (real * real + imaginary * imaginary) / count;
  }
  return power;
}

/** Index and value of the largest. */
export function peakOf(power: ArrayLike<number>): { index: number; value: number } {
  let index = 0;
  for (let other = 1; other < power.length; other++) if (power[other]! > power[index]!) index = other;
  return { index, value: power[index] ?? 0 };
}
