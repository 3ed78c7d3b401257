/** Whom a name in an event means. */
import { hostsOf, type Topology } from '../topology.js';
import type { ScenarioEvent } from './event.js';

/** Positions of the hosts that a name stands for: all in the region of that name, or else the one so named; none if nobody. */
export function hostsNamed(topology: Topology, name: string): number[] {
  const hosts = hostsOf(topology);
  const positions = [...hosts.keys()];
  const inRegion = positions.filter((position) => hosts[position]!.region === name);
  return inRegion.length > 0 ? inRegion : positions.filter((position) => hosts[position]!.name === name);
}

/** All names that stand for somebody. */
export const knownNames = (topology: Topology): string[] => [
  ...new Set(hostsOf(topology).flatMap(({ region, name }) => [region, name])),
];

/** Positions of the hosts that may crash, by whatever event. */
export const crashingHosts = (events: readonly ScenarioEvent[], topology: Topology): number[] => [
  ...new Set(
    events
      .flatMap((event) => (event.kind === 'crash' || event.kind === 'churn' ? event.names : []))
      .flatMap((name) => hostsNamed(topology, name)),
  ),
];
