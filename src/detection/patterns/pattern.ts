/**
 * What a pattern is: a rule that an ISP's tools already have, held against traffic.
 *
 * Think of a row of old locks, each tried with the same key. A pattern is shown one {@link Sight} of the traffic, in the
 * form that such tools get to see (flow starts, flow records, bytes per second of a host), and answers what it found:
 * of whom, how strongly, from where on its own tool would raise an alarm, and why. It is pure, but for the one that
 * asks another program. None of them knows of training, and that is the point: what fires here was found by detection
 * that exists.
 */

/**
 * What events of a pair are counted:
 *
 * - `connections`: what Zeek logs and RITA reads; however long they last, they start once.
 * - `records`: what a router exports: long flows cut at the active timeout.
 * - `bursts`: what neither tells: stretches in which one host sends the other much, whatever flow they are in.
 * - `day`: the bursts again, repeated until 24 hours are full; see day.ts.
 */
export type EventKind = 'connections' | 'records' | 'bursts' | 'day';

/** What happened between two hosts, in one direction: starts in order, and what belongs to each. */
export interface EventSeries {
  /** Who opened the connection, or sent the burst. */
  readonly source: string;
  readonly destination: string;
  /** Seconds since 1970-01-01 UTC, ascending. */
  readonly starts: readonly number[];
  /** Bytes that the source sent in each, headers of IP included; multiplied where packets were sampled. */
  readonly bytes: readonly number[];
  /** Time that they lasted, in all, seconds. */
  readonly openSeconds: number;
}

/** One host, second by second: the load that volume thresholds look at. Multiplied where packets were sampled. */
export interface HostLoad {
  readonly address: string;
  /** Width of a bin in seconds; 1 unless the time is too long for the memory allowed. */
  readonly binSeconds: number;
  readonly packetsIn: Float64Array;
  readonly packetsOut: Float64Array;
  readonly bytesIn: Float64Array;
  readonly bytesOut: Float64Array;
  /** Flow records of it that were open in each bin: at least as many as had a packet there. */
  readonly flows: Float64Array;
}

/** Traffic as the patterns are shown it. */
export interface Sight {
  /** First and last moment, seconds since 1970-01-01 UTC. */
  readonly from: number;
  readonly to: number;
  /** One of so many packets was seen. */
  readonly samplingRate: number;
  readonly events: Readonly<Record<EventKind, readonly EventSeries[]>>;
  readonly hosts: readonly HostLoad[];
  /** Who opened connections to whom: each pair once. */
  readonly edges: readonly (readonly [source: string, destination: string])[];
  /** A capture of exactly these packets that another program can read; or why there is none. */
  readonly packets: { readonly file: string } | { readonly missing: string };
}

/** What a pattern makes of one pair, one host or the whole. */
export interface Finding {
  /** "a → b", "a", or "all hosts". */
  readonly subject: string;
  readonly score: number;
  readonly fires: boolean;
  /** In words, with numbers. */
  readonly why: string;
}

export interface Examination {
  /** The strongest first. */
  readonly findings: readonly Finding[];
  /** Where the tool's alarm begins, in words: "score ≥ 0.5". */
  readonly threshold: string;
  /** Why there is nothing, or less than there could be. */
  readonly note?: string;
}

export interface Pattern {
  /** Kebab case, unique. */
  readonly id: string;
  /** What people call it. */
  readonly title: string;
  readonly on: EventKind | 'hosts' | 'graph' | 'packets';
  /** Where the rule comes from. */
  readonly origin: string;
  /** Throws nothing for what the traffic holds. */
  examine(sight: Sight): Examination | Promise<Examination>;
}

/** How an interval, a size or a small probability is written in `why`. */
export function figure(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return String(+value.toPrecision(3));
}
