/**
 * The way that packets take from one host to another, through whatever tunnel there is: whose access links they pass,
 * and what all the paths between come to. Without a tunnel it is one path.
 *
 *     a ─► [relays] ─► b          a ─► [relays] ─► hub ─► [relays backwards] ─► b
 */
import { pathRate, type Path, type Topology } from './topology.js';

/** The hosts on the way, both ends among them, by position. */
export function stationsBetween({ tunnel }: Topology, from: number, to: number): number[] {
  if (tunnel === undefined) return [from, to];
  const { hub, relays } = tunnel;
  const back = relays.toReversed();
  if (hub === undefined) return [from, ...(from < to ? relays : back), to];
  if (from === hub) return [hub, ...back, to];
  if (to === hub) return [from, ...relays, hub];
  return [from, ...relays, hub, ...back, to];
}

/** From one host on the way to the next. */
export interface Hop {
  readonly from: number;
  readonly to: number;
  readonly path: Path;
}

/** A way as a whole. */
export interface Way {
  /** Seconds, one-way. */
  readonly delay: number;
  /** What the slowest of its access links and shared queues leaves, bit/s. */
  readonly rate: number;
  readonly hops: readonly Hop[];
}

export function wayBetween(topology: Topology, from: number, to: number): Way {
  const stations = stationsBetween(topology, from, to);
  const hops = stations.slice(1).map((station, index) => {
    const before = stations[index]!;
    return { from: before, to: station, path: topology.paths[before]![station]! };
  });
  return {
    delay: hops.reduce((sum, { path }) => sum + path.delay, 0),
    rate: Math.min(...hops.map((hop) => pathRate(topology, hop.from, hop.to))),
    hops,
  };
}

/** How often a packet between two hosts crosses the network outside. */
export const crossings = ({ tunnel }: Topology): number =>
  tunnel === undefined ? 1 : (tunnel.relays.length + 1) * (tunnel.hub === undefined ? 1 : 2);
