/**
 * Who leads: which of some hosts begins to send first in each burst.
 *
 * Only bursts in which all began are looked at, and only if one was first by a bin or more; the rest are ties. If
 * order were chance, each of k would be first in 1 of k bursts; `pValue` is the chance that any one would be first
 * as often as the leader was (binomial, times k for having picked the best).
 */
import { atLeast, median } from '../statistics.js';

export interface Lead {
  readonly address: string;
  /** Median time from its start to the next host's, seconds. */
  readonly lagSeconds: number;
  /** Share of the bursts without a tie in which it was first. */
  readonly consistency: number;
  /** Bursts without a tie. */
  readonly bursts: number;
  readonly pValue: number;
}

/**
 * @param onsets by address: when it began in each burst, NaN where it did not.
 * @returns null when there are fewer than two hosts, or only ties.
 */
export function leadOf(onsets: ReadonlyMap<string, Float64Array>, binSeconds: number): Lead | null {
  const hosts = [...onsets.keys()];
  const lags = new Map<string, number[]>(hosts.map((host) => [host, []]));
  const bursts = onsets.get(hosts[0] ?? '')?.length ?? 0;
  let decided = 0;
  for (let burst = 0; burst < bursts; burst++) {
    const order = hosts.map((host) => ({ host, at: onsets.get(host)![burst]! })).sort((a, b) => a.at - b.at);
    const [first, second] = order;
    if (first === undefined || second === undefined || order.some(({ at }) => Number.isNaN(at))) continue;
    if (second.at - first.at < 0.5 * binSeconds) continue;
    decided += 1;
    lags.get(first.host)!.push(second.at - first.at);
  }
  const [leader] = [...lags].sort((a, b) => b[1].length - a[1].length);
  if (decided === 0 || leader === undefined) return null;
  const [address, own] = leader;
  return {
    address,
    lagSeconds: median(own),
    consistency: own.length / decided,
    bursts: decided,
    pValue: Math.min(1, hosts.length * atLeast(own.length, decided, 1 / hosts.length)),
  };
}
