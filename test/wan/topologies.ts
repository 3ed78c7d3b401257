/** Small topologies for tests of fabrics. */
import type { Path, Topology } from '../../src/scenario/topology.js';
import { SLOWNESS } from './slowness.js';
import { CALM, type Jitter, type Loss } from '../../src/scenario/weather.js';

export const MTU = 1500;
/** Limit of every queue. */
export const QUEUE_SECONDS = 0.2 * SLOWNESS;

/** Rates in bit/s. */
export interface Access {
  readonly uplink: number;
  readonly downlink: number;
}

/** One node for each pair of rates, named node-RANK. */
export function topologyOf(
  accesses: readonly Access[],
  pathOf: (from: number, to: number) => Path,
): Topology {
  return {
    nodes: accesses.map((access, rank) => ({
      rank,
      name: `node-${rank}`,
      region: `region-${rank}`,
      address: `10.77.0.${rank + 1}`,
      ...access,
    })),
    paths: accesses.map((_, from) => accesses.map((_, to) => pathOf(from, to))),
    queue: { seconds: QUEUE_SECONDS },
    mtu: MTU,
  };
}

/** A path that only delays. */
export const clean = (delay: number): Path => ({ delay, ...CALM });

/** Uniform variation of a delay, by half its width in seconds. */
export const varying = (halfWidth: number): Jitter => ({ kind: 'uniform', halfWidth });

/** Independent loss. */
export const losing = (probability: number): Loss => ({ kind: 'bernoulli', probability });

/** Nodes of equal rates, with the same path between any two. */
export function uniformTopology(size: number, access: Access, path: Path): Topology {
  return topologyOf(Array<Access>(size).fill(access), () => path);
}
