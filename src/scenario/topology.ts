/**
 * Who is where, and what lies between them: the scenario's nodes and regions unrolled into one entry per
 * rank and one directed path per ordered pair. This is what schedules, simulation and the WAN read; none
 * of them reads the scenario's `nodes` or `regions`.
 */
import type { QueueLimit } from './schema.js';

export type { QueueLimit };

/** One GPU node. `topology.nodes[r].rank === r`. */
export interface Node {
  readonly rank: number;
  readonly name: string;
  readonly region: string;
  /** bit/s, counted as `tc` counts: Ethernet frames without preamble and checksum. */
  readonly uplink: number;
  readonly downlink: number;
  /** Address on the shaped network, e.g. "10.77.0.1". */
  readonly address: string;
  /** Genre of text, with `data.shards: genres`. */
  readonly genre?: string;
}

/** The way from one node to another, without the two access links at its ends. */
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
  /** `paths[from][to]`; the diagonal is never used. */
  readonly paths: readonly (readonly Path[])[];
  readonly queue: QueueLimit;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
}
