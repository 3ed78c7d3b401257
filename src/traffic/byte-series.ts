/**
 * One series of bytes over time: which of its pool's chunks it writes to, and how.
 *
 * It remembers the chunk it last wrote to, for what comes next mostly belongs there, too: then counting is one addition.
 * Where chunks come from, and how others than the last are found, is the pool's matter: see series.ts.
 */
import type { SeriesPool } from './series.js';

export const CHUNK_BINS = 16;
const CHUNK_SHIFT = 4;
/** No slot. */
export const NONE = -1;
/** Before all chunks but those of absurd times, and still a number that the engine keeps without an object. */
const EARLIEST = -(2 ** 31);
/** Bins lie in blocks of so many slots, 512 KiB each, which are never moved: only what is used takes memory. */
export const BLOCK_SLOTS = 2 ** 12;
export const BLOCK_SHIFT = 12;

/** Seconds of a bin that lie between two times. */
export function shareOf(bin: number, width: number, start: number, end: number): number {
  return Math.min(end, (bin + 1) * width) - Math.max(start, bin * width);
}

/** Where in its block a slot's bins start. */
export function startOf(slot: number): number {
  return (slot & (BLOCK_SLOTS - 1)) * CHUNK_BINS;
}

const nothing = new Float64Array(0);

/** One row of bins. Bin `i` covers the seconds from `i * pool.binSeconds` on; `i` may be negative. */
export class ByteSeries {
  /** @internal Slot of the chunk made last, or -1. */
  head = NONE;
  /** @internal The highest number of its chunks, or less than that. */
  latest = EARLIEST;
  /** @internal Where it is in the pool's list. */
  place = 0;
  readonly #pool: SeriesPool;
  /** The chunk last written to: its first bin, where in its block that one lies, and the block. */
  #first = 0;
  /** Negative when there is none. */
  #start = NONE;
  #bins: Float64Array = nothing;

  /** @internal Made by {@link SeriesPool.create}. */
  constructor(
    pool: SeriesPool,
    readonly id: number,
  ) {
    this.#pool = pool;
  }

  /** Counts bytes at a time in seconds. */
  add(seconds: number, bytes: number): void {
    this.#pool.at(seconds);
    this.addNow(bytes);
  }

  /** Counts bytes at the time that the pool was set to. */
  addNow(bytes: number): void {
    const pool = this.#pool;
    const index = pool.bin - this.#first;
    const start = this.#start;
    if (index >= 0 && index < CHUNK_BINS && start >= 0) this.#bins[start + index]! += bytes;
    else this.#addElsewhere(bytes);
  }

  /** Counts bytes spread evenly from one time to another, both in seconds. */
  addOver(start: number, end: number, bytes: number): void {
    const pool = this.#pool;
    const width = pool.binSeconds;
    const rate = bytes / (end - start);
    if (!(end > start) || !Number.isFinite(rate)) return this.add(start, bytes);
    const first = Math.floor(start / width);
    const last = Math.floor(end / width);
    const shares = pool.sharesOf(start, end, first, last);
    for (let bin = first; bin <= last;) {
      if (this.#start < 0 || bin < this.#first || bin >= this.#first + CHUNK_BINS) {
        if (!this.#turnTo(bin)) {
          const from = bin === first ? start : bin * width;
          pool.coarsen();
          return this.addOver(from, end, rate * (end - from));
        }
      }
      const bins = this.#bins;
      const count = Math.min(last, this.#first + CHUNK_BINS - 1) - bin + 1;
      // Whole numbers of 32 bits, which the engine can't know.
      const at = (this.#start + bin - this.#first) | 0;
      const share = (bin - first) | 0;
      if (shares === undefined)
        for (let of = 0; of < count; of++) bins[at + of]! += rate * shareOf(bin + of, width, start, end);
      else for (let of = 0; of < count; of++) bins[at + of]! += rate * shares[share + of]!;
      bin += count;
    }
  }

  #addElsewhere(bytes: number): void {
    const { bin } = this.#pool;
    if (this.#turnTo(bin)) {
      this.#bins[this.#start + bin - this.#first]! += bytes;
      return;
    }
    this.#pool.coarsen();
    this.addNow(bytes);
  }

  /** Makes a bin's chunk the one last written to; false if there is no room for it, and bins must become wider. */
  #turnTo(bin: number): boolean {
    const pool = this.#pool;
    const chunk = bin === (bin | 0) ? bin >> CHUNK_SHIFT : Math.floor(bin / CHUNK_BINS);
    let slot = pool.find(this, chunk);
    if (slot < 0) slot = pool.take(this, chunk);
    if (slot < 0) return false;
    this.#first = chunk * CHUNK_BINS;
    this.#start = startOf(slot);
    this.#bins = pool.blockOf(slot);
    return true;
  }

  /** @internal Its chunks were given back or are others now. */
  forget(): void {
    this.head = NONE;
    this.latest = EARLIEST;
    this.#start = NONE;
  }

  /** First and last bin that may hold something, or undefined for an empty series. */
  range(): { first: number; last: number } | undefined {
    let first = Infinity;
    let last = -Infinity;
    this.forEach((bin) => {
      first = Math.min(first, bin);
      last = Math.max(last, bin);
    });
    return first > last ? undefined : { first, last };
  }

  /** Calls back for each bin that holds bytes, in no particular order. */
  forEach(each: (bin: number, bytes: number) => void): void {
    this.#pool.forEach(this, each);
  }
}
