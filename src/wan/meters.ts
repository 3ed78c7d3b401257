/**
 * The meters of a fabric: counters per node and a histogram of lateness, in shared memory.
 *
 * The thread that moves packets writes, any other thread reads at any time without asking. There is one
 * writer, so plain stores do; a reader may see one counter a packet ahead of another, never a torn value.
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

/** Buckets per doubling, from 1 µs up to 2^(BUCKETS / PER_OCTAVE) µs, about 16 s. */
const PER_OCTAVE = 8;
const BUCKETS = 24 * PER_OCTAVE;
const HISTOGRAM_CELLS = BUCKETS + 2; // and the count, and the maximum

export class Meters {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Float64Array;
  readonly #histogram: Float64Array;
  readonly #nodes: number;

  /** New meters for `nodes` nodes, or a second view of existing ones (pass their `memory`). */
  constructor(nodes: number, memory?: SharedArrayBuffer) {
    this.#nodes = nodes;
    this.memory = memory ?? new SharedArrayBuffer(8 * (nodes * FIELDS.length + HISTOGRAM_CELLS));
    this.#cells = new Float64Array(this.memory, 0, nodes * FIELDS.length);
    this.#histogram = new Float64Array(this.memory, 8 * this.#cells.length, HISTOGRAM_CELLS);
  }

  add(rank: number, field: keyof NodeCounters, amount: number): void {
    this.#cells[rank * FIELDS.length + FIELDS.indexOf(field)]! += amount;
  }

  set(rank: number, field: keyof NodeCounters, value: number): void {
    this.#cells[rank * FIELDS.length + FIELDS.indexOf(field)] = value;
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
    return Array.from({ length: this.#nodes }, (_, rank) => {
      const values = FIELDS.map((field, index) => [field, this.#cells[rank * FIELDS.length + index] ?? 0]);
      return Object.fromEntries(values) as Record<(typeof FIELDS)[number], number>;
    });
  }

  /** Percentiles are upper bounds of their bucket: at most 9 % too high, never too low. */
  lateness(): Lateness {
    const count = this.#histogram[BUCKETS] ?? 0;
    const max = this.#histogram[BUCKETS + 1] ?? 0;
    const quantile = (share: number): number => {
      let seen = 0;
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        seen += this.#histogram[bucket] ?? 0;
        if (seen >= share * count) return Math.min(max, 2 ** ((bucket + 1) / PER_OCTAVE) * 1e-6);
      }
      return max;
    };
    return { count, p50: count === 0 ? 0 : quantile(0.5), p99: count === 0 ? 0 : quantile(0.99), max };
  }
}
