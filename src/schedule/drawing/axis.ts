/** Where an axis of time has its ticks: round numbers, no closer than the eye can take. */

export interface Tick {
  /** Seconds. */
  readonly at: number;
  readonly label: string;
}

/**
 * Ticks within `from` to `from + seconds`, 1, 2 or 5 times a power of ten apart.
 *
 * @param least Least distance of two ticks, seconds.
 */
export function ticks(from: number, seconds: number, least: number): Tick[] {
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor((from + seconds) / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const at = (first + i) * step;
    return { at, label: step < 0.1 ? `${+(at * 1000).toPrecision(6)} ms` : `${+at.toPrecision(6)} s` };
  });
}
