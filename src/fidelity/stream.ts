/** What the arrival of TCP flows says of their rate: pure arithmetic on instants and totals. */
import type { StreamArrivals } from './instrument-protocol.js';

/** Bytes of TCP payload and of Ethernet frame of a full segment with timestamps (RFC 7323), as `tc` counts. */
export const segmentOf = (mtu: number): { payload: number; frame: number } => ({
  payload: mtu - 20 - 32,
  frame: mtu + 14,
});

/** Payload rates of flows that ran together, bit/s; NaN where too little came. */
export interface FlowRates {
  readonly each: readonly number[];
  /** Of all of them, which is not the sum of medians. */
  readonly together: number;
}

/** Distance of the points at which a flow's totals are read, seconds. */
const GRID = 0.02;

/** Over the time in which all of the flows ran, the first `warmUp` seconds of each left out. */
export function ratesTogether(flows: readonly StreamArrivals[], warmUp: number): FlowRates {
  const from = Math.max(...flows.map(({ times }) => (times[0] ?? NaN) + warmUp));
  const until = Math.min(...flows.map(({ times }) => times.at(-1) ?? NaN));
  const points = flows.map((flow) => totalsOn(flow, from, until));
  const sums = (points[0] ?? []).map((_, at) => points.reduce((sum, one) => sum + one[at]!, 0));
  return { each: points.map(medianRate), together: medianRate(sums) };
}

/** Bytes that had come at each point of the grid. */
function totalsOn({ times, totals }: StreamArrivals, from: number, until: number): number[] {
  const points: number[] = [];
  let reading = 0;
  for (let at = from; at <= until; at += GRID) {
    while (reading < times.length && times[reading]! <= at) reading++;
    points.push(totals[reading - 1] ?? 0);
  }
  return points;
}

/**
 * The median of the slopes between each point and the one half the time later (H. Theil, 1950, the incomplete method). A
 * lost segment holds up those behind it, which the reader then gets all at once; if that falls on the edge of the time
 * measured, a rate from edge to edge would be off by it.
 */
function medianRate(points: readonly number[]): number {
  const half = Math.floor(points.length / 2);
  if (half === 0) return NaN;
  const slopes = points.slice(0, points.length - half).map((total, index) => points[index + half]! - total);
  slopes.sort((a, b) => a - b);
  return (8 * slopes[Math.floor(slopes.length / 2)]!) / (half * GRID);
}
