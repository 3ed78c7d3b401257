/**
 * Which paths to measure, and which of them at the same time. Pure: used by the gate's probes and by `meshbeat verify`.
 */

import { hostsOf, type Topology } from '../scenario/topology.js';

/** A directed path between two hosts, by their positions. */
export interface PathEnds {
  readonly from: number;
  readonly to: number;
}

/**
 * Those of the paths whose rate is always the same, so that a short measurement can tell whether it is right: paths of
 * links without a trace.
 */
export function steadyPaths<P extends PathEnds>(paths: readonly P[], topology: Topology): P[] {
  const hosts = hostsOf(topology);
  return paths.filter(
    ({ from, to }) => hosts[from]?.uplinkTrace === undefined && hosts[to]?.downlinkTrace === undefined,
  );
}

/** Up to this many nodes every pair is measured: 66 of them. */
export const ALL_PAIRS_UP_TO = 12;

/**
 * Groups of paths that can be measured at the same time, each of at most `atOnce`: no two of a group share an uplink,
 * a downlink or a queue in the core, or each would get half of it.
 */
export function disjointPaths<P extends PathEnds>(
  paths: readonly P[],
  atOnce: number,
  topology: Pick<Topology, 'paths'>,
): P[][] {
  const sharedOf = ({ from, to }: P) => topology.paths[from]?.[to]?.bottlenecks ?? [];
  const groups: P[][] = [];
  for (const path of paths) {
    const shared = sharedOf(path);
    const goesWith = (other: P) =>
      other.from !== path.from &&
      other.to !== path.to &&
      !sharedOf(other).some((queue) => shared.includes(queue));
    const group = groups.find((one) => one.length < atOnce && one.every(goesWith));
    if (group) group.push(path);
    else groups.push([path]);
  }
  return groups;
}

/**
 * By rank: the peers whose round trip it measures; each unordered pair at most once. With many nodes: the
 * pairs 1, 2, 4, 8, … ranks apart, so that every node is in some and the count grows as N log N.
 */
export function roundTripPairs(worldSize: number): number[][] {
  const distances: number[] = [];
  const step = worldSize <= ALL_PAIRS_UP_TO ? (d: number): number => d + 1 : (d: number): number => d * 2;
  for (let distance = 1; 2 * distance <= worldSize; distance = step(distance)) distances.push(distance);
  return Array.from({ length: worldSize }, (_, rank) =>
    distances
      // Half way round the ring a pair would be met from both ends.
      .filter((distance) => 2 * distance < worldSize || rank < worldSize / 2)
      .map((distance) => (rank + distance) % worldSize),
  );
}
