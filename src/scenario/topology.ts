/**
 * Who is where, and what lies between them: the scenario's nodes and regions unrolled into one entry per
 * rank and one directed path per ordered pair. This is what schedules, simulation and the WAN read; none
 * of them reads the scenario's `nodes` or `regions`. A protocol may bring a host that is no node, such as an
 * object store, and so may a scenario, whose `exec` puts a program where a trainer would be; they come after the
 * nodes, so that the number of a node is its rank throughout.
 */
import type { RateTrace } from './rate-trace.js';
import type { CongestionControl, QueueLimit, TunnelKind } from './schema.js';
import type { Weather } from './weather.js';

export type { QueueLimit, TunnelKind };

/** Somebody on the shaped network, behind an access link of its own. */
export interface Host {
  readonly name: string;
  readonly region: string;
  /** bit/s, counted as `tc` counts: Ethernet frames without preamble and checksum. With a trace, its mean. */
  readonly uplink: number;
  readonly downlink: number;
  /** Where the rate varies by a trace. */
  readonly uplinkTrace?: RateTrace;
  readonly downlinkTrace?: RateTrace;
  /** Congestion control of its TCP; default: the network's. */
  readonly congestion?: CongestionControl;
  /** Address on the shaped network, e.g. "10.77.0.1". */
  readonly address: string;
  /** What runs there instead of a trainer; absent of nodes, an object store and hosts of a tunnel. */
  readonly program?: Program;
}

/** A program of the scenario, with its placeholders still in it: see programs.ts. */
export interface Program {
  /** The program and its arguments. */
  readonly exec: readonly string[];
  /** What its traffic is, for the trace. */
  readonly kind: string;
  /** Besides the variables that every program has. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether it may end by itself with an error. */
  readonly mayFail: boolean;
  /** Its place among those of the same entry of the scenario's list, counting from 0. */
  readonly index: number;
}

/** One GPU node. `topology.nodes[r].rank === r`. */
export interface Node extends Host {
  readonly rank: number;
  /** Genre of text, with `data.shards: genres`. */
  readonly genre?: string;
}

/** The way from one host to another, without the two access links at its ends. */
export interface Path extends Weather {
  /** One-way delay, seconds. */
  readonly delay: number;
  /** The shared queues that it leads through, in this order: indices of `Topology.bottlenecks`. None if absent. */
  readonly bottlenecks?: readonly number[];
}

/** A queue of a rate that several paths share, for one direction. */
export interface Bottleneck {
  /** Name in the scenario, and the direction, e.g. "atlantic us-east->eu-west". */
  readonly name: string;
  /** bit/s. */
  readonly rate: number;
  readonly queue: QueueLimit;
}

/** The VPN of the mesh: who is in it for its sake, by position among all hosts. */
export interface TunnelLayout {
  readonly kind: TunnelKind;
  /** The VPN server that all traffic goes through; absent: a tunnel between each two hosts. */
  readonly hub?: number;
  /** Who passes the packets of every tunnel on, in the order seen from its lower end, of a hub: from the node. */
  readonly relays: readonly number[];
  /** UDP port of hosts; relays have a port for each tunnel, from this one on. */
  readonly port: number;
  /** Seconds of silence after which an end sends an empty packet. */
  readonly keepalive: number;
}

export interface Topology {
  readonly nodes: readonly Node[];
  /** Those who are there and train nothing: an object store, then programs, then what a tunnel needs. */
  readonly hosts?: readonly Host[];
  /** `paths[from][to]`, by position among all hosts, see hostsOf(); the diagonal is never used. */
  readonly paths: readonly (readonly Path[])[];
  /** The shared queues in the core of the network; none if absent. */
  readonly bottlenecks?: readonly Bottleneck[];
  readonly queue: QueueLimit;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** Absent: the mesh talks in the open. */
  readonly tunnel?: TunnelLayout;
}

/** Everybody on the network: the nodes, whose positions are their ranks, and after them the other hosts. */
export const hostsOf = ({ nodes, hosts = [] }: Topology): readonly Host[] => [...nodes, ...hosts];

/** Position among all hosts of the object store; undefined where there is none. */
export function storePosition({ nodes, hosts = [], tunnel }: Topology): number | undefined {
  const isOfTunnel = (position: number) => position === tunnel?.hub || tunnel?.relays.includes(position);
  const index = hosts.findIndex(
    ({ program }, at) => program === undefined && isOfTunnel(nodes.length + at) !== true,
  );
  return index < 0 ? undefined : nodes.length + index;
}

/** The same network with every host in the place of a node: who only moves packets treats all alike. */
export function asNetwork(topology: Topology): Topology {
  const { nodes: _, hosts: __, ...rest } = topology;
  return { ...rest, nodes: hostsOf(topology).map((host, rank) => ({ ...host, rank })) };
}

/**
 * The rate that a path can have at most, bit/s: that of the sender's uplink, the narrowest shared queue on the way, or
 * the receiver's downlink; where a link has a trace, its mean.
 */
export function pathRate(topology: Topology, from: number, to: number): number {
  const hosts = hostsOf(topology);
  const shared = topology.paths[from]?.[to]?.bottlenecks ?? [];
  return Math.min(
    hosts[from]?.uplink ?? NaN,
    ...shared.map((index) => topology.bottlenecks?.[index]?.rate ?? NaN),
    hosts[to]?.downlink ?? NaN,
  );
}
