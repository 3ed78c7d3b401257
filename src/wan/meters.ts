/**
 * The meters of a fabric: counters per node and pair, and a histogram of lateness, in shared memory.
 *
 * The thread that moves packets writes, any other thread reads at any time without asking. There is one
 * writer, so plain stores do; a reader may see one counter a packet ahead of another, never a torn value.
 * What one machine's meters say can be carried to another's as a reading of one node.
 */
import type { Lateness, NodeCounters } from './fabric.js';

const FIELDS = [
  'egressPackets',
  'egressBytes',
  'ingressPackets',
  'ingressBytes',
  'dropped',
  'lost',
  'queuedBytes',
] as const satisfies readonly (keyof NodeCounters)[];

type Field = (typeof FIELDS)[number];

/** Place of each field: looked up for every packet. */
const PLACE = Object.fromEntries(FIELDS.map((field, place) => [field, place])) as Readonly<
  Record<Field, number>
>;

/** Buckets per doubling, from 1 µs up to 2^(BUCKETS / PER_OCTAVE) µs, about 16 s. */
const PER_OCTAVE = 8;
const BUCKETS = 24 * PER_OCTAVE;
const HISTOGRAM_CELLS = BUCKETS + 2; // and the count, and the maximum

export class Meters {
  readonly memory: SharedArrayBuffer;
  /** Fields by rank. */
  readonly #cells: Float64Array;
  /** Bytes by sending and receiving rank. */
  readonly #pairs: Float64Array;
  readonly #histogram: Float64Array;
  readonly #nodes: number;

  /** New meters for `nodes` nodes, or a second view of existing ones (pass their `memory`). */
  constructor(nodes: number, memory?: SharedArrayBuffer) {
    this.#nodes = nodes;
    const cells = nodes * FIELDS.length;
    const pairs = nodes * nodes;
    this.memory = memory ?? new SharedArrayBuffer(8 * (cells + pairs + HISTOGRAM_CELLS));
    this.#cells = new Float64Array(this.memory, 0, cells);
    this.#pairs = new Float64Array(this.memory, 8 * cells, pairs);
    this.#histogram = new Float64Array(this.memory, 8 * (cells + pairs), HISTOGRAM_CELLS);
  }

  add(rank: number, field: Field, amount: number): void {
    this.#cells[rank * FIELDS.length + PLACE[field]]! += amount;
  }

  set(rank: number, field: Field, value: number): void {
    this.#cells[rank * FIELDS.length + PLACE[field]] = value;
  }

  /** Counts a packet (or what stands for one) that left a node's uplink for another node. */
  sent(from: number, to: number, bytes: number): void {
    this.add(from, 'egressPackets', 1);
    this.add(from, 'egressBytes', bytes);
    this.#pairs[from * this.#nodes + to]! += bytes;
  }

  /** Counts one that left a node's downlink. */
  received(rank: number, bytes: number): void {
    this.add(rank, 'ingressPackets', 1);
    this.add(rank, 'ingressBytes', bytes);
  }

  /** Notes how late one packet left, in seconds. */
  late(seconds: number): void {
    const microseconds = seconds * 1e6;
    const bucket =
      microseconds <= 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log2(microseconds) * PER_OCTAVE));
    this.#histogram[bucket]! += 1;
    this.#histogram[BUCKETS]! += 1;
    if (seconds > this.#histogram[BUCKETS + 1]!) this.#histogram[BUCKETS + 1] = seconds;
  }

  counters(): NodeCounters[] {
    return Array.from({ length: this.#nodes }, (_, rank) => this.countersOf(rank));
  }

  countersOf(rank: number): NodeCounters {
    const values = FIELDS.map((field, index) => [field, this.#cells[rank * FIELDS.length + index] ?? 0]);
    return {
      ...(Object.fromEntries(values) as Record<Field, number>),
      egressBytesTo: [...this.#pairs.subarray(rank * this.#nodes, (rank + 1) * this.#nodes)],
    };
  }

  /** Takes over what another machine's meters said of a node. */
  load(rank: number, counters: NodeCounters): void {
    for (const field of FIELDS) this.set(rank, field, counters[field]);
    this.#pairs.set(counters.egressBytesTo.slice(0, this.#nodes), rank * this.#nodes);
  }

  /** The histogram of lateness, as {@link latenessOf} reads it: a copy. */
  latenessHistogram(): Float64Array {
    return this.#histogram.slice();
  }

  lateness(): Lateness {
    return latenessOf([this.#histogram]);
  }
}

/**
 * Lateness over all packets of one or several histograms.
 * Percentiles are upper bounds of their bucket: at most 9 % too high, never too low.
 */
export function latenessOf(histograms: readonly ArrayLike<number>[]): Lateness {
  const cell = (index: number): number =>
    histograms.reduce((sum, histogram) => sum + (histogram[index] ?? 0), 0);
  const count = cell(BUCKETS);
  const max = histograms.reduce((most, histogram) => Math.max(most, histogram[BUCKETS + 1] ?? 0), 0);
  const quantile = (share: number): number => {
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += cell(bucket);
      if (seen >= share * count) return Math.min(max, 2 ** ((bucket + 1) / PER_OCTAVE) * 1e-6);
    }
    return max;
  };
  return { count, p50: count === 0 ? 0 : quantile(0.5), p99: count === 0 ? 0 : quantile(0.99), max };
}
