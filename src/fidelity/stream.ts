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

/** Distance of the points at which a flow's totals are read, seconds. */
const GRID = 0.02;

/**
 * The median of the slopes between each point and the one half the time later (H. Theil, 1950, the incomplete method). A
 * lost segment holds up those behind it, which the reader then gets all at once; if that falls on the edge of the time
 * measured, a rate from edge to edge would be off by it.
 */
function rateBetween({ times, totals }: StreamArrivals, from: number, until: number): number {
  const points: number[] = [];
  let reading = 0;
  for (let at = from; at <= until; at += GRID) {
    while (reading < times.length && times[reading]! <= at) reading++;
    points.push(totals[reading - 1] ?? 0);
  }
  const half = Math.floor(points.length / 2);
  if (half === 0) return NaN;
  const slopes = points.slice(0, points.length - half).map((total, index) => points[index + half]! - total);
  slopes.sort((a, b) => a - b);
  return (8 * slopes[Math.floor(slopes.length / 2)]!) / (half * GRID);
}
