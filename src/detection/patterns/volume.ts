/**
 * Volume thresholds, as FastNetMon has them: does a host send or receive more packets or bits per second than it should?
 *
 * Every second the speed of each host is worked out and averaged: average = new + e^(−1/T)·(average − new), with
 * `average_calculation_time` T = 5 s, so that one busy second is not enough. A host whose average exceeds a threshold, in
 * or out, is blocked. Thresholds of flows per second count the flows of which there was a packet in that second; here,
 * those whose record was open then, which is no less.
 *
 * Two settings: those in the fastnetmon.conf that Debian ships (20,000 packets/s, 1,000 Mbit/s; 3,500 flows/s, off), and
 * the low ones that guides begin with (1,000 packets/s, 50 Mbit/s, 3,500 flows/s).
 */
import { rateText } from '../../cli/text.js';
import { figure } from './pattern.js';
import type { Finding, HostLoad, Pattern } from './pattern.js';

export interface VolumeLimits {
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
  /** Infinity where flows are not looked at. */
  readonly flowsPerSecond: number;
}

const AVERAGING_SECONDS = 5;

/** The highest average of a series of sums per bin, per second. */
export function highestAverage(sums: ArrayLike<number>, binSeconds: number): number {
  const keep = Math.exp(-binSeconds / AVERAGING_SECONDS);
  let average = 0;
  let highest = 0;
  for (let bin = 0; bin < sums.length; bin++) {
    const speed = sums[bin]! / binSeconds;
    average = speed + keep * (average - speed);
    if (average > highest) highest = average;
  }
  return highest;
}

function findingOf(host: HostLoad, limits: VolumeLimits): Finding {
  const peak = (...series: Float64Array[]) =>
    Math.max(...series.map((sums) => highestAverage(sums, host.binSeconds)));
  const packets = peak(host.packetsIn, host.packetsOut);
  const bits = 8 * peak(host.bytesIn, host.bytesOut);
  // Flows that are open in a bin, not started in it: a level and no sum.
  const flows = highestAverage(host.flows, 1);
  const shares = [
    packets / limits.packetsPerSecond,
    bits / limits.bitsPerSecond,
    flows / limits.flowsPerSecond,
  ];
  const score = Math.max(...shares);
  return {
    subject: host.address,
    score,
    fires: score > 1,
    why: `at most ${figure(packets)} packets/s, ${rateText(bits)} and ${figure(flows)} flows, averaged over ${AVERAGING_SECONDS} s`,
  };
}

function volumePattern(id: string, title: string, origin: string, limits: VolumeLimits): Pattern {
  const { packetsPerSecond, bitsPerSecond, flowsPerSecond } = limits;
  const flows = Number.isFinite(flowsPerSecond) ? ` or ${flowsPerSecond} flows/s` : '';
  return {
    id,
    title,
    on: 'hosts',
    origin,
    examine: ({ hosts }) => ({
      findings: hosts.map((host) => findingOf(host, limits)).sort((a, b) => b.score - a.score),
      threshold: `> 1 (${packetsPerSecond} packets/s, ${rateText(bitsPerSecond)}${flows})`,
      ...(hosts.length === 0 ? { note: 'there are none' } : {}),
    }),
  };
}

export const fastnetmon = volumePattern(
  'fastnetmon',
  'FastNetMon, as shipped',
  'fastnetmon.conf of FastNetMon 1.2.4',
  { packetsPerSecond: 20_000, bitsPerSecond: 1e9, flowsPerSecond: Infinity },
);

export const lowVolume = volumePattern(
  'volume-low',
  'FastNetMon, thresholds of the guides',
  '1,000 packets/s, 50 Mbit/s, 3,500 flows/s',
  { packetsPerSecond: 1000, bitsPerSecond: 50e6, flowsPerSecond: 3500 },
);
