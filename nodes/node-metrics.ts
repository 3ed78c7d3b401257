/**
 * The Prometheus endpoint of a node that has a process, and so a container, to itself.
 *
 * It answers from the first moment, when there is no run yet: Prometheus should see a node that waits for its
 * orchestrator as up, with its memory and its event loop, and not as missing. When the node is given its part,
 * the series of the run join in, all of them labelled with run and node. A later run starts them afresh.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { NodeSeries } from '../src/metrics/node-series.js';
import type { Topology } from '../src/scenario/topology.js';
import type { Lateness, NodeCounters } from '../src/wan/fabric.js';
import type { NodeEvent } from './watcher.js';

/** The node's part in a run. */
export interface JoinedRun {
  /** Name of the run's directory. */
  readonly run: string;
  readonly topology: Topology;
  readonly rank: number;
}

export class NodeMetrics {
  /** Of the process: what there is before, between and after runs. */
  readonly #process = new Registry();
  readonly #joined = new Gauge({
    name: 'meshbeat_node_joined',
    help: 'Whether the node has its part in a run.',
    registers: [this.#process],
  });
  #part: { readonly registry: Registry; readonly series: NodeSeries; readonly rank: number } | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.#process });
  }

  /** The node has its part: begins the series of the run. */
  join({ run, topology, rank }: JoinedRun): void {
    const node = topology.nodes[rank];
    if (node === undefined) throw new RangeError(`rank ${rank} of ${topology.nodes.length}`);
    const registry = new Registry();
    this.#part = { registry, series: new NodeSeries(registry, topology, [rank]), rank };
    for (const each of [this.#process, registry]) each.setDefaultLabels({ run, node: node.name });
    this.#joined.set(1);
  }

  /** Takes an event of the node itself in; there are none before it has joined. */
  apply(event: NodeEvent): void {
    if (event.type === 'step') this.#part?.series.step(event.rank, event);
    else this.#part?.series.round(event.rank, event);
  }

  /** The node's meters were read: totals since they began to count. */
  meter(counters: NodeCounters, lateness: Lateness): void {
    if (this.#part === undefined) return;
    this.#part.series.counters(this.#part.rank, counters);
    this.#part.series.lateness(lateness);
  }

  /** Content-Type of text(). */
  get contentType(): string {
    return this.#process.contentType;
  }

  /** All series, in the Prometheus text format. */
  async text(): Promise<string> {
    const ofProcess = await this.#process.metrics();
    return this.#part === undefined ? ofProcess : ofProcess + (await this.#part.registry.metrics());
  }
}
