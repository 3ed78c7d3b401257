/**
 * Reads the meters regularly: for whoever watches, and once a second for metrics.jsonl.
 *
 * It is told of training steps as events, like any other watcher, and adds to each line how far the node is.
 */
import type { RunEvent, RunListener } from '../../run/events.js';
import { epochSeconds } from '../../clock.js';
import type { MetricsLine } from '../../run/files.js';
import { JsonLines } from '../../run/json-lines.js';
import type { Topology } from '../../scenario/index.js';
import type { Fabric } from '../../wan/fabric.js';

/** Seconds between two readings; every fourth becomes lines in the file. */
const SAMPLE_SECONDS = 0.25;
const SAMPLES_PER_LINE = 4;

export interface SamplerOptions {
  readonly fabric: Fabric;
  /** Whose nodes are read; their positions are those of the fabric's meters. */
  readonly topology: Topology;
  /** metrics.jsonl */
  readonly file: string;
  /** Zero of the file's times, seconds since 1970. */
  readonly origin: number;
  readonly emit: RunListener;
  /** The file can't be written. */
  readonly onFailure: (error: unknown) => void;
}

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #lines: JsonLines;
  readonly #progress: { steps: number; loss: number | null }[];
  readonly #timer: NodeJS.Timeout;
  #samples = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#lines = new JsonLines(options.file);
    this.#progress = options.topology.nodes.map(() => ({ steps: 0, loss: null }));
    this.#timer = setInterval(() => this.#guarded(), SAMPLE_SECONDS * 1000);
  }

  apply(event: RunEvent): void {
    if (event.type !== 'step') return;
    const progress = this.#progress[event.rank]!;
    progress.steps++;
    progress.loss = event.loss ?? null;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#lines.close();
  }

  #guarded(): void {
    try {
      this.#sample();
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  #sample(): void {
    const { fabric, topology, origin, emit } = this.#options;
    const now = epochSeconds();
    const counters = fabric.counters();
    emit({ type: 'sample', time: now, counters, lateness: fabric.lateness() });
    if (this.#samples++ % SAMPLES_PER_LINE !== 0) return;
    for (const { rank, name } of topology.nodes) {
      const { dropped, lost, egressBytesTo: _, ...rest } = counters[rank]!;
      const line: MetricsLine = {
        time: now - origin,
        node: name,
        rank,
        ...rest,
        droppedPackets: dropped,
        lostPackets: lost,
        ...this.#progress[rank]!,
      };
      this.#lines.write(line);
    }
    this.#lines.flush();
  }
}
