/**
 * How long a silence must be to end a burst.
 *
 * Within a burst traffic stalls: for a round trip, for a retransmission timeout, while a slow link catches
 * up. Between bursts it pauses: the mesh computes. No fixed time tells the two apart for every mesh, but in
 * one mesh they form two groups of lengths, and the hold lies in the gap between the groups. Where there
 * are no two groups, a fixed default does.
 */

export interface HoldOptions {
  /** Hold when the silences do not fall into two groups, seconds. Default 0.3: longer than a round trip. */
  readonly defaultHoldSeconds: number;
  /** Silences longer than this are never taken for stalls, seconds. Default 2. */
  readonly longestStallSeconds: number;
}

/** Two groups are two when the shortest pause is this much longer than the longest stall. */
const CLEAR_RATIO = 1.5;

/**
 * Chooses the hold from the lengths of all silences between moments of traffic.
 *
 * The split is the one of greatest variance between groups of the logarithms (Otsu's method), among those
 * whose stalls are short enough to be stalls and that leave at least two pauses.
 *
 * @param silences in seconds.
 * @returns the hold in seconds: silences of up to this are part of a burst.
 */
export function chooseHold(silences: readonly number[], options: HoldOptions): number {
  const { defaultHoldSeconds, longestStallSeconds } = options;
  const sorted = [...silences].sort((a, b) => a - b);
  const shortest = sorted[0];
  if (shortest === undefined) return defaultHoldSeconds;
  const logs = sorted.map(Math.log);
  const total = sum(logs);
  let best = { variance: 0, hold: 0 };
  let below = 0;
  for (let count = 1; count <= sorted.length - 2; count++) {
    below += logs[count - 1]!;
    const stall = sorted[count - 1]!;
    const pause = sorted[count]!;
    if (stall > longestStallSeconds || pause < CLEAR_RATIO * stall) continue;
    const above = sorted.length - count;
    const distance = (total - below) / above - below / count;
    const variance = count * above * distance * distance;
    if (variance > best.variance) best = { variance, hold: Math.sqrt(stall * pause) };
  }
  if (best.variance > 0) return best.hold;
  // All silences alike are all pauses: a beat faster than the default hold is then still seen as one.
  const alike = sorted.at(-1)! < 2 * shortest;
  return alike ? Math.min(defaultHoldSeconds, shortest / 2) : defaultHoldSeconds;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
