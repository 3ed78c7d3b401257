/**
 * The axis of time: which stretch is in view, in seconds since training began, and where the schedule's beat
 * would have rounds end in it.
 */

const LEAST_SECONDS = 25;
const SHORT_SECONDS = 60;
const LONG_SECONDS = 120;
/** Beats that shall be in view. */
const BEATS = 12;

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** How much is in view at most: a dozen periods, but at least one minute and at most two. */
export function windowSeconds(expectedPeriodSeconds: number | null): number {
  return Math.min(LONG_SECONDS, Math.max(SHORT_SECONDS, BEATS * (expectedPeriodSeconds ?? 0)));
}

/** The view grows with the run until the window is full; from then on it scrolls. */
export function viewOf(first: number, newest: number, window: number): Span {
  const from = Math.max(first, newest - window);
  return { from, to: Math.max(newest, from + LEAST_SECONDS) };
}

/**
 * Where rounds should end within a view: one expected period apart, reckoned from the newest round that has
 * ended, or from the start of training as long as none has.
 */
export function expectedEnds({ from, to }: Span, period: number | null, newestEnd: number | null): number[] {
  if (period === null || !(period > 0) || (to - from) / period > 200) return [];
  const anchor = newestEnd ?? 0;
  const ends: number[] = [];
  for (let beat = Math.ceil((from - anchor) / period); anchor + beat * period <= to; beat++) {
    const end = anchor + beat * period;
    // Before the first period is over no round can end.
    if (end > period / 2) ends.push(end);
  }
  return ends;
}
