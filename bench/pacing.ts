/**
 * How evenly packets leave: what the largest window and the variation between windows say of a limiter of rates.
 * Pure: instants and lengths in, figures out.
 */

export interface Emission {
  /** Seconds. */
  readonly time: number;
  /** Of the Ethernet frame. */
  readonly bytes: number;
}

export interface Pacing {
  /** Bits of all frames but the first over the time from the first to the last, over the set rate. */
  readonly accuracy: number;
  /** Largest window of so many seconds over what the set rate lets through in it. */
  readonly largest: Readonly<Record<'10 ms' | '100 ms', number>>;
  /** Standard deviation over mean of what successive windows of 10 ms let through. */
  readonly variation: number;
}

/** @param rate as set, bit/s */
export function pacingOf(emissions: readonly Emission[], rate: number): Pacing {
  const start = emissions[0]!.time;
  const seconds = emissions.at(-1)!.time - start;
  const bits = emissions.slice(1).reduce((sum, { bytes }) => sum + 8 * bytes, 0);
  const windows = new Float64Array(Math.floor(seconds / 0.01));
  for (const { time, bytes } of emissions) {
    const window = Math.floor((time - start) / 0.01);
    if (window < windows.length) windows[window]! += bytes;
  }
  const mean = windows.reduce((sum, one) => sum + one, 0) / windows.length;
  const variance = windows.reduce((sum, one) => sum + (one - mean) ** 2, 0) / windows.length;
  return {
    accuracy: bits / seconds / rate,
    largest: { '10 ms': largestWindow(emissions, rate, 0.01), '100 ms': largestWindow(emissions, rate, 0.1) },
    variation: Math.sqrt(variance) / mean,
  };
}

/** Whatever instant a window begins at. */
function largestWindow(emissions: readonly Emission[], rate: number, width: number): number {
  let most = 0;
  let inside = 0;
  let oldest = 0;
  for (const { time, bytes } of emissions) {
    inside += bytes;
    while (emissions[oldest]!.time <= time - width) inside -= emissions[oldest++]!.bytes;
    most = Math.max(most, inside);
  }
  return (8 * most) / (rate * width);
}
