/**
 * A change of the network at an instant: what events come to when they are unrolled, and what whoever moves
 * packets applies. Plain data, so that it travels to other threads and machines. Hosts are positions among all,
 * see hostsOf(); of a node that is its rank.
 */
import type { Path, Topology } from '../topology.js';
import type { LinkProperty } from './event.js';

/** Two hosts, the lower position first. What is said of it holds in both directions. */
export type HostPair = readonly [number, number];

export interface Change {
  /** Seconds after time zero. */
  readonly at: number;
  /** down and up are those of a flap, crash and return those of hosts. */
  readonly kind: 'partition' | 'heal' | 'down' | 'up' | 'set' | 'crash' | 'return';
  /** Position of the event in the scenario's list. */
  readonly event: number;
  /** Pairs between which nothing passes from now on, and could until now. */
  readonly cut: readonly HostPair[];
  /** Pairs that can reach each other again. */
  readonly joined: readonly HostPair[];
  /** New rates of access links, bit/s. */
  readonly links: readonly {
    readonly host: number;
    readonly property: LinkProperty;
    readonly rate: number;
  }[];
  /** New paths, from one host to another. */
  readonly paths: readonly { readonly from: number; readonly to: number; readonly path: Path }[];
  /** Who goes down, or comes back. */
  readonly hosts: readonly number[];
}

/** All changes of a run, in the order in which they come. */
export type Timeline = readonly Change[];

/** The network with the rates and paths that it has after a change; who is cut off from whom is not in a topology. */
export function changedNetwork(network: Topology, { links, paths }: Change): Topology {
  const nodes = network.nodes.map((node) => {
    const own = links.filter(({ host }) => host === node.rank);
    return own.reduce((changed, { property, rate }) => ({ ...changed, [property]: rate }), node);
  });
  const rows = network.paths.map((row) => [...row]);
  for (const { from, to, path } of paths) rows[from]![to] = path;
  return { ...network, nodes, paths: rows };
}
