/**
 * Index of the last of some stretches, in order of time, that starts at or before `time`; -1 when none does.
 *
 * @param startOf when a stretch starts, in the unit of `time`
 */
export function lastStartedBy<T>(
  stretches: readonly T[],
  startOf: (stretch: T) => number,
  time: number,
): number {
  let low = 0;
  let high = stretches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(stretches[middle]!) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
