/**
 * The orchestrator as Prometheus sees it: the run and, where all nodes live in this process, the nodes too.
 *
 * Before there is a run, and a board to read it off, the endpoint answers all the same: with the process'
 * memory and event loop, and with who has joined so far. As soon as the run has a name, every series carries
 * it as label `run`, so that runs that Prometheus has seen one after the other stay apart.
 *
 * Each instance has its own registry: two runs in one process do not share a counter.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { NodeSeries } from '../src/metrics/node-series.js';
import type { Topology } from '../src/scenario/topology.js';
import type { Board } from './board.js';
import type { RunEvent } from '../src/run/events.js';
import { RunSeries, type Attendance, type RunInfo } from './run-series.js';

/** Of an orchestrator whose nodes have endpoints of their own: the run's series only. */
export class RunMetrics {
  protected readonly registry = new Registry();
  readonly #series: RunSeries;
  #board: Pick<Board, 'snapshot'> | undefined;

  constructor(run: RunInfo) {
    this.#series = new RunSeries(this.registry, run);
    collectDefaultMetrics({ register: this.registry });
    this.attendance({ joined: 0, expected: 0 });
  }

  /** Says who has come. */
  attendance(attendance: Attendance): void {
    this.#series.attendance(attendance);
  }

  /** There is a board that shows how the run stands: it is read whenever Prometheus comes. */
  watch(board: Pick<Board, 'snapshot'>): void {
    this.#board = board;
  }

  /** Takes an event in, in the order in which they happen. */
  apply(event: RunEvent): void {
    if (event.type === 'run') this.registry.setDefaultLabels({ run: event.id });
  }

  /** Content-Type of text(). */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** All series, in the Prometheus text format. */
  text(): Promise<string> {
    if (this.#board !== undefined) this.#series.read(this.#board.snapshot());
    return this.registry.metrics();
  }
}

/** Of an orchestrator that hosts all nodes of the mesh: the series of the run and those of every node. */
export class Metrics extends RunMetrics {
  readonly #nodes: NodeSeries;
  readonly #count: number;

  constructor(topology: Topology, run: RunInfo) {
    super(run);
    this.#nodes = new NodeSeries(this.registry, topology);
    this.#count = topology.nodes.length;
    this.attendance({ joined: 0, expected: this.#count });
  }

  override apply(event: RunEvent): void {
    super.apply(event);
    if (event.type === 'training') this.attendance({ joined: this.#count, expected: this.#count });
    else if (event.type === 'step') this.#nodes.step(event.rank, event);
    else if (event.type === 'round') this.#nodes.round(event.rank, event);
    else if (event.type === 'sample') {
      const ofNodes = event.counters.slice(0, this.#count);
      ofNodes.forEach((counters, rank) => this.#nodes.counters(rank, counters));
      this.#nodes.lateness(event.lateness);
    }
  }
}
