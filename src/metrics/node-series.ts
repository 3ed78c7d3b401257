/**
 * What Prometheus is told of nodes: counters, gauges and histograms, one label `node` on each.
 *
 * Two kinds of process tell it. Where all nodes live in one process, that one speaks for all of them; in a
 * container each node speaks for itself. Both use this class, and a dashboard sees no difference.
 *
 * Prometheus comes by at times of its own choosing and asks for the state; it wants totals that only grow,
 * from which it makes rates itself. So nothing is averaged here. Names and units follow the rules at
 * prometheus.io/docs/practices/naming: base units, `_total` for counters. Every series exists from the
 * start, at zero, since a rate over a series that has just appeared misses its first step.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { TraceOperation } from '../run/files.js';
import { hostsOf, type Node, type Topology } from '../scenario/topology.js';
import type { Lateness, NodeCounters } from '../wan/fabric.js';

/** An inner step that a node has done. */
export interface Step {
  /** Training loss, nats per byte, if the node has one. */
  readonly loss?: number;
  readonly computeSeconds: number;
  readonly overrunSeconds: number;
}

/** A round that a node has done. */
export interface Round {
  readonly eventLoopLagSeconds: number;
  readonly operations: readonly Pick<TraceOperation, 'kind' | 'start' | 'end'>[];
}

/** Rounds and bursts: from an all-reduce between neighbours to one over a slow link, seconds. */
const ROUND_BUCKETS = [0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 600];
/** The device's part of one inner step, seconds. */
const COMPUTE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600];

/** The counters of the fabric that only grow, and what they are called outside. */
const TRAFFIC = {
  egressBytes: ['meshbeat_egress_bytes_total', 'Bytes the node sent onto the shaped network.'],
  ingressBytes: ['meshbeat_ingress_bytes_total', 'Bytes the node received from the shaped network.'],
  egressPackets: ['meshbeat_egress_packets_total', 'Packets the node sent onto the shaped network.'],
  ingressPackets: ['meshbeat_ingress_packets_total', 'Packets the node received from the shaped network.'],
  dropped: ['meshbeat_dropped_packets_total', 'Packets that found the uplink or the downlink queue full.'],
  lost: ['meshbeat_lost_packets_total', 'Packets lost on a path, as configured.'],
} as const satisfies Partial<Record<keyof NodeCounters, readonly [name: string, help: string]>>;

type TrafficField = keyof typeof TRAFFIC;
const TRAFFIC_FIELDS = Object.keys(TRAFFIC) as TrafficField[];

export class NodeSeries {
  readonly #registry: Registry;
  readonly #topology: Topology;
  readonly #traffic: Record<TrafficField, Increasing<'node'>>;
  readonly #paths: Increasing<'node' | 'peer'>;
  readonly #queue: Gauge<'node'>;
  readonly #steps: Counter<'node'>;
  readonly #loss: Gauge<'node'>;
  readonly #outerSteps: Counter<'node'>;
  readonly #overruns: Counter<'node'>;
  readonly #rounds: Histogram<'node'>;
  readonly #bursts: Histogram<'node'>;
  readonly #compute: Histogram<'node'>;
  readonly #lag: Gauge<'node'>;
  readonly #lateness: Gauge<'statistic'>;

  /**
   * @param ranks whom this process speaks for; all by default.
   */
  constructor(
    registry: Registry,
    topology: Topology,
    ranks: readonly number[] = topology.nodes.map(({ rank }) => rank),
  ) {
    this.#registry = registry;
    this.#topology = topology;
    const traffic = TRAFFIC_FIELDS.map((field) => {
      const [name, help] = TRAFFIC[field];
      return [field, new Increasing(this.#counter(name, help))] as const;
    });
    this.#traffic = Object.fromEntries(traffic) as Record<TrafficField, Increasing<'node'>>;
    this.#paths = new Increasing(
      new Counter({
        name: 'meshbeat_path_bytes_total',
        help: 'Of the bytes the node sent, those to one peer.',
        labelNames: ['node', 'peer'],
        registers: [registry],
      }),
    );
    this.#queue = this.#gauge('meshbeat_queue_bytes', 'Bytes waiting in the uplink and the downlink queue.');
    this.#steps = this.#counter('meshbeat_inner_steps_total', 'Inner steps done.');
    this.#loss = this.#gauge(
      'meshbeat_training_loss',
      'Training loss of the last inner step, nats per byte.',
    );
    this.#outerSteps = this.#counter('meshbeat_outer_steps_total', 'Outer steps done.');
    this.#overruns = this.#counter('meshbeat_step_overruns_total', 'Inner steps that missed their pace.');
    this.#rounds = this.#histogram(
      'meshbeat_round_duration_seconds',
      'From the start of a node’s first operation in a round to the end of its last.',
      ROUND_BUCKETS,
    );
    this.#bursts = this.#histogram(
      'meshbeat_burst_duration_seconds',
      'From the start of a node’s first send in a round to the end of its last send or receive.',
      ROUND_BUCKETS,
    );
    this.#compute = this.#histogram(
      'meshbeat_step_compute_seconds',
      'Time the device worked for an inner step, without the wait for its pace.',
      COMPUTE_BUCKETS,
    );
    this.#lag = this.#gauge(
      'meshbeat_event_loop_lag_seconds',
      'Longest hold-up of the node’s event loop in its last round.',
    );
    // No label `quantile`: that one belongs to summaries, and Prometheus 3 rewrites its values.
    this.#lateness = new Gauge({
      name: 'meshbeat_lateness_seconds',
      help: 'How late shaped packets left, since the start, over all nodes this process speaks for.',
      labelNames: ['statistic'],
      registers: [registry],
    });
    for (const rank of ranks) this.#startAtZero(this.#node(rank));
    this.#describe(ranks.map((rank) => this.#node(rank)));
  }

  step(rank: number, { loss, computeSeconds, overrunSeconds }: Step): void {
    const label = this.#label(rank);
    this.#steps.inc(label);
    if (loss !== undefined) this.#loss.set(label, loss);
    this.#compute.observe(label, computeSeconds);
    if (overrunSeconds > 0) this.#overruns.inc(label);
  }

  round(rank: number, { eventLoopLagSeconds, operations }: Round): void {
    const label = this.#label(rank);
    this.#lag.set(label, eventLoopLagSeconds);
    this.#outerSteps.inc(label, operations.filter(({ kind }) => kind === 'outer').length);
    const { roundSeconds, burstSeconds } = durationsOf(operations);
    if (roundSeconds !== undefined) this.#rounds.observe(label, roundSeconds);
    if (burstSeconds !== undefined) this.#bursts.observe(label, burstSeconds);
  }

  /** Takes a reading of a node's meters in: totals since they began to count. */
  counters(rank: number, counters: NodeCounters): void {
    const label = this.#label(rank);
    for (const field of TRAFFIC_FIELDS) this.#traffic[field].read(label, counters[field]);
    this.#queue.set(label, counters.queuedBytes);
    hostsOf(this.#topology).forEach(({ name: peer }, position) => {
      if (position !== rank) this.#paths.read({ ...label, peer }, counters.egressBytesTo[position] ?? 0);
    });
  }

  /** Sets nothing where none was measured: a gauge at zero would be a lie. */
  lateness({ count, p50, p99, max }: Lateness): void {
    if (count === 0) return;
    for (const [statistic, seconds] of Object.entries({ p50, p99, max }))
      this.#lateness.set({ statistic }, seconds);
  }

  /** Of the loss there is none yet: a gauge at zero would be a lie. */
  #startAtZero({ name: node, rank }: Node): void {
    for (const field of TRAFFIC_FIELDS) this.#traffic[field].read({ node }, 0);
    for (const counter of [this.#steps, this.#outerSteps, this.#overruns]) counter.inc({ node }, 0);
    for (const histogram of [this.#rounds, this.#bursts, this.#compute]) histogram.zero({ node });
    this.#queue.set({ node }, 0);
    hostsOf(this.#topology).forEach(({ name: peer }, position) => {
      if (position !== rank) this.#paths.read({ node, peer }, 0);
    });
  }

  /** What is configured and never changes: dashboards hold the rest against it. */
  #describe(nodes: readonly Node[]): void {
    const info = new Gauge({
      name: 'meshbeat_node_info',
      help: 'Who and where the node is; always 1.',
      labelNames: ['node', 'rank', 'region', 'address'],
      registers: [this.#registry],
    });
    const uplink = this.#gauge(
      'meshbeat_uplink_bytes_per_second',
      'Rate of the node’s uplink, as configured.',
    );
    const downlink = this.#gauge(
      'meshbeat_downlink_bytes_per_second',
      'Rate of the node’s downlink, as configured.',
    );
    const delay = new Gauge({
      name: 'meshbeat_path_delay_seconds',
      help: 'One-way delay from the node to a peer, as configured, without the queues.',
      labelNames: ['node', 'peer'],
      registers: [this.#registry],
    });
    for (const { name: node, rank, region, address, ...link } of nodes) {
      info.set({ node, rank: String(rank), region, address }, 1);
      uplink.set({ node }, link.uplink / 8);
      downlink.set({ node }, link.downlink / 8);
      hostsOf(this.#topology).forEach(({ name: peer }, position) => {
        const path = this.#topology.paths[rank]?.[position];
        if (position !== rank && path !== undefined) delay.set({ node, peer }, path.delay);
      });
    }
  }

  #node(rank: number): Node {
    const node = this.#topology.nodes[rank];
    if (node === undefined) throw new RangeError(`rank ${rank} of ${this.#topology.nodes.length}`);
    return node;
  }

  #label(rank: number): { readonly node: string } {
    return { node: this.#node(rank).name };
  }

  #counter(name: string, help: string): Counter<'node'> {
    return new Counter({ name, help, labelNames: ['node'], registers: [this.#registry] });
  }

  #gauge(name: string, help: string): Gauge<'node'> {
    return new Gauge({ name, help, labelNames: ['node'], registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram<'node'> {
    return new Histogram({ name, help, labelNames: ['node'], buckets, registers: [this.#registry] });
  }
}

/** A counter that is told totals, where prom-client's are told what was added. It never goes down. */
class Increasing<Label extends string> {
  readonly #counter: Counter<Label>;
  readonly #totals = new Map<string, number>();

  constructor(counter: Counter<Label>) {
    this.#counter = counter;
  }

  read(labels: Readonly<Record<Label, string>>, total: number): void {
    const key = JSON.stringify(labels);
    const before = this.#totals.get(key) ?? 0;
    this.#counter.inc(labels, Math.max(0, total - before));
    this.#totals.set(key, Math.max(total, before));
  }
}

/** How long a node's round and its burst took, seconds; undefined for one without operations or sends. */
function durationsOf(operations: Round['operations']): { roundSeconds?: number; burstSeconds?: number } {
  const sends = operations.filter(({ kind }) => kind === 'send' || kind === 'put');
  const transfers = [...sends, ...operations.filter(({ kind }) => kind === 'recv' || kind === 'get')];
  return {
    ...(operations.length === 0 ? {} : { roundSeconds: lastEnd(operations) - firstStart(operations) }),
    ...(sends.length === 0 ? {} : { burstSeconds: lastEnd(transfers) - firstStart(sends) }),
  };
}

function firstStart(operations: Round['operations']): number {
  return operations.reduce((first, { start }) => Math.min(first, start), Infinity);
}

function lastEnd(operations: Round['operations']): number {
  return operations.reduce((last, { end }) => Math.max(last, end), -Infinity);
}
