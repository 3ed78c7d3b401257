/**
 * Who is where, and what lies between them: the scenario's nodes and regions unrolled into one entry per
 * rank and one directed path per ordered pair. This is what schedules, simulation and the WAN read; none
 * of them reads the scenario's `nodes` or `regions`. A protocol may bring a host that is no node, such as an
 * object store; it comes after the nodes, so that the number of a node is its rank throughout.
 */
import type { QueueLimit } from './schema.js';

export type { QueueLimit };

/** Somebody on the shaped network, behind an access link of its own. */
export interface Host {
  readonly name: string;
  readonly region: string;
  /** bit/s, counted as `tc` counts: Ethernet frames without preamble and checksum. */
  readonly uplink: number;
  readonly downlink: number;
  /** Address on the shaped network, e.g. "10.77.0.1". */
  readonly address: string;
}

/** One GPU node. `topology.nodes[r].rank === r`. */
export interface Node extends Host {
  readonly rank: number;
  /** Genre of text, with `data.shards: genres`. */
  readonly genre?: string;
}

/** The way from one host to another, without the two access links at its ends. */
export interface Path {
  /** One-way delay, seconds. */
  readonly delay: number;
  /** Half-width of the delay's uniform variation, seconds. */
  readonly jitter: number;
  /** Probability that a packet is lost. */
  readonly loss: number;
}

export interface Topology {
  readonly nodes: readonly Node[];
  /** Those who are there and train nothing: an object store. */
  readonly hosts?: readonly Host[];
  /** `paths[from][to]`, by position among all hosts, see hostsOf(); the diagonal is never used. */
  readonly paths: readonly (readonly Path[])[];
  readonly queue: QueueLimit;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
}

/** Everybody on the network: the nodes, whose positions are their ranks, and after them the other hosts. */
export const hostsOf = ({ nodes, hosts = [] }: Topology): readonly Host[] => [...nodes, ...hosts];

/** The same network with every host in the place of a node: who only moves packets treats all alike. */
export function asNetwork(topology: Topology): Topology {
  const { paths, queue, mtu } = topology;
  return { paths, queue, mtu, nodes: hostsOf(topology).map((host, rank) => ({ ...host, rank })) };
}
