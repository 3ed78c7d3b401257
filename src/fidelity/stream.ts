/** What the arrival of TCP flows says of their rate: pure arithmetic on instants and totals. */
import type { StreamArrivals } from './instrument-protocol.js';

/** Bytes of TCP payload and of Ethernet frame of a full segment with timestamps (RFC 7323), as `tc` counts. */
export const segmentOf = (mtu: number): { payload: number; frame: number } => ({
  payload: mtu - 20 - 32,
  frame: mtu + 14,
});

/**
 * Payload rates of flows over the time in which all of them ran, the first `warmUp` seconds of each left out; bit/s.
 * NaN for a flow of which too little came.
 */
export function ratesTogether(flows: readonly StreamArrivals[], warmUp: number): number[] {
  const from = Math.max(...flows.map(({ times }) => (times[0] ?? NaN) + warmUp));
  const until = Math.min(...flows.map(({ times }) => times.at(-1) ?? NaN));
  return flows.map((flow) => rateBetween(flow, from, until));
}

/** Between the first readings at or after the two instants, so that a reader's pause does not count. */
function rateBetween({ times, totals }: StreamArrivals, from: number, until: number): number {
  const first = times.findIndex((time) => time >= from);
  const last = times.findLastIndex((time) => time <= until);
  if (first < 0 || last <= first) return NaN;
  return (8 * (totals[last]! - totals[first]!)) / (times[last]! - times[first]!);
}
