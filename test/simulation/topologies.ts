/** Small topologies for tests of the simulator and of what is drawn from it. */
import type { Topology } from '../../src/scenario/topology.js';
import { CALM } from '../../src/scenario/weather.js';

export interface Access {
  /** bit/s. */
  readonly uplink: number;
  readonly downlink: number;
}

/** Nodes n0, n1, … with the given access links, and `delay(from, to)` seconds between them. */
export function topologyWith(
  access: readonly Access[],
  delay: (from: number, to: number) => number,
): Topology {
  return {
    nodes: access.map(({ uplink, downlink }, rank) => ({
      rank,
      name: `n${rank}`,
      region: 'here',
      uplink,
      downlink,
      address: `10.77.0.${rank + 1}`,
    })),
    paths: access.map((_, from) => access.map((__, to) => ({ delay: delay(from, to), ...CALM }))),
    queue: { seconds: 0.2 },
    mtu: 1500,
  };
}

/** All nodes alike. */
export function evenTopology(worldSize: number, access: Access, delay: number): Topology {
  return topologyWith(
    Array.from({ length: worldSize }, () => access),
    () => delay,
  );
}
