/**
 * The run as Prometheus sees it: counters, gauges and histograms, fed by the same events as everything else.
 *
 * Prometheus comes by at times of its own choosing and asks for the state; it wants totals that only grow,
 * from which it makes rates itself. So nothing is averaged here. Names and units follow the rules at
 * prometheus.io/docs/practices/naming: base units, `_total` for counters. Every series exists from the
 * start, at zero, since a rate over a series that has just appeared misses its first step.
 *
 * Each instance has its own registry: two runs in one process do not share a counter.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TraceOperation } from '../src/run/files.js';
import type { Topology } from '../src/scenario/topology.js';
import type { NodeCounters } from '../src/wan/fabric.js';
import type { RunEvent } from './events.js';

/** Labels of the series that says which run this is. */
export interface RunInfo {
  readonly scenario: string;
  readonly protocol: string;
  readonly fabric: string;
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

export class Metrics {
  readonly #registry = new Registry();
  readonly #names: readonly string[];
  readonly #traffic: { readonly field: TrafficField; readonly counter: Counter<'node'> }[];
  /** Traffic counters as last read, by rank: Prometheus counters are told what was added. */
  readonly #counted: Record<TrafficField, number>[];
  readonly #queue = this.#gauge(
    'meshbeat_queue_bytes',
    'Bytes waiting in the uplink and the downlink queue.',
  );
  readonly #steps = this.#counter('meshbeat_inner_steps_total', 'Inner steps done.');
  readonly #loss = this.#gauge(
    'meshbeat_training_loss',
    'Training loss of the last inner step, nats per byte.',
  );
  readonly #outerSteps = this.#counter('meshbeat_outer_steps_total', 'Outer steps done.');
  readonly #overruns = this.#counter('meshbeat_step_overruns_total', 'Inner steps that missed their pace.');
  readonly #rounds = this.#histogram(
    'meshbeat_round_duration_seconds',
    'From the start of a node’s first operation in a round to the end of its last.',
    ROUND_BUCKETS,
  );
  readonly #bursts = this.#histogram(
    'meshbeat_burst_duration_seconds',
    'From the start of a node’s first send in a round to the end of its last send or receive.',
    ROUND_BUCKETS,
  );
  readonly #compute = this.#histogram(
    'meshbeat_step_compute_seconds',
    'Time the device worked for an inner step, without the wait for its pace.',
    COMPUTE_BUCKETS,
  );
  readonly #lag = this.#gauge(
    'meshbeat_event_loop_lag_seconds',
    'Longest hold-up of the node’s event loop in its last round.',
  );

  constructor(topology: Topology, run: RunInfo) {
    this.#names = topology.nodes.map(({ name }) => name);
    this.#traffic = TRAFFIC_FIELDS.map((field) => {
      const [name, help] = TRAFFIC[field];
      return { field, counter: this.#counter(name, help) };
    });
    this.#counted = this.#names.map(() => ({
      egressBytes: 0,
      ingressBytes: 0,
      egressPackets: 0,
      ingressPackets: 0,
      dropped: 0,
      lost: 0,
    }));
    const info = new Gauge({
      name: 'meshbeat_run_info',
      help: 'Which run this is; always 1.',
      labelNames: ['scenario', 'protocol', 'fabric'] as const,
      registers: [this.#registry],
    });
    info.set({ ...run }, 1);
    for (const node of this.#names) this.#startAtZero(node);
  }

  /** Content-Type of text(). */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All series, in the Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  apply(event: RunEvent): void {
    switch (event.type) {
      case 'step': {
        const node = this.#label(event.rank);
        this.#steps.inc(node);
        this.#loss.set(node, event.loss);
        this.#compute.observe(node, event.computeSeconds);
        if (event.overrunSeconds > 0) this.#overruns.inc(node);
        return;
      }
      case 'round': {
        const node = this.#label(event.rank);
        this.#lag.set(node, event.eventLoopLagSeconds);
        this.#outerSteps.inc(node, event.operations.filter(({ kind }) => kind === 'outer').length);
        const { roundSeconds, burstSeconds } = durationsOf(event.operations);
        if (roundSeconds !== undefined) this.#rounds.observe(node, roundSeconds);
        if (burstSeconds !== undefined) this.#bursts.observe(node, burstSeconds);
        return;
      }
      case 'sample':
        event.counters.forEach((counters, rank) => this.#sample(rank, counters));
        return;
      case 'run':
      case 'gate':
      case 'ended':
      case 'stage':
      case 'training':
        return;
    }
  }

  #sample(rank: number, counters: NodeCounters): void {
    const node = this.#label(rank);
    const counted = this.#counted[rank];
    if (counted === undefined) return;
    for (const { field, counter } of this.#traffic) {
      counter.inc(node, Math.max(0, counters[field] - counted[field]));
      counted[field] = Math.max(counters[field], counted[field]);
    }
    this.#queue.set(node, counters.queuedBytes);
  }

  /** Of the loss there is none yet: a gauge at zero would be a lie. */
  #startAtZero(node: string): void {
    const counters = [
      ...this.#traffic.map(({ counter }) => counter),
      this.#steps,
      this.#outerSteps,
      this.#overruns,
    ];
    for (const counter of counters) counter.inc({ node }, 0);
    for (const histogram of [this.#rounds, this.#bursts, this.#compute]) histogram.zero({ node });
    this.#queue.set({ node }, 0);
  }

  #label(rank: number): { readonly node: string } {
    const node = this.#names[rank];
    if (node === undefined) throw new RangeError(`rank ${rank} of ${this.#names.length}`);
    return { node };
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

/** How long a node's round and its burst took, seconds; undefined for one without operations or sends. */
function durationsOf(operations: readonly TraceOperation[]): {
  roundSeconds?: number;
  burstSeconds?: number;
} {
  const transfers = operations.filter(({ kind }) => kind === 'send' || kind === 'recv');
  const sends = transfers.filter(({ kind }) => kind === 'send');
  return {
    ...(operations.length === 0 ? {} : { roundSeconds: lastEnd(operations) - firstStart(operations) }),
    ...(sends.length === 0 ? {} : { burstSeconds: lastEnd(transfers) - firstStart(sends) }),
  };
}

function firstStart(operations: readonly TraceOperation[]): number {
  return operations.reduce((first, { start }) => Math.min(first, start), Infinity);
}

function lastEnd(operations: readonly TraceOperation[]): number {
  return operations.reduce((last, { end }) => Math.max(last, end), -Infinity);
}
