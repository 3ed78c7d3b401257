/**
 * Byte counts over time, for many hosts at once, in bounded memory.
 *
 * A series is a row of equal bins, of which only those near traffic exist: bins live in chunks of 16, and
 * a chunk is made when its first byte arrives. So an idle hour costs nothing, and packets may come in any
 * order of time. All series draw their chunks from one pool of fixed size. When it is used up, the bins of
 * every series are made twice as wide, which frees about half: a long capture is seen a little coarser
 * instead of filling the memory. The width in force is always `pool.binSeconds`, and reports tell it.
 *
 * Most captures are in order of time, and there a series only ever asks for a chunk later than all it has. So the hash
 * table that finds earlier ones is not made before somebody asks for one that is not among a series' last few.
 */
import { BLOCK_SHIFT, BLOCK_SLOTS, ByteSeries, CHUNK_BINS, NONE, shareOf, startOf } from './byte-series.js';

export type { ByteSeries } from './byte-series.js';

const FIRST_SLOTS = 4096;
/** So many of a series' last chunks are looked through before the hash table is. */
const NEAR = 4;
/** What is known of a slot: the number of its chunk, whose it is, the next in its hash bucket and in its series. */
const SLOT_WORDS = 4;
const CHUNK = 0;
const OWNER = 1;
const NEXT_OF_BUCKET = 2;
const NEXT_OF_SERIES = 3;

export interface SeriesPoolOptions {
  /** Width of a bin, in seconds, to begin with. Default 0.01. */
  readonly binSeconds?: number;
  /** Bins that may exist at once over all series (8 bytes each). Default 2^24, which is 128 MiB. */
  readonly maxBins?: number;
}

export class SeriesPool {
  binSeconds: number;
  /** The bin of the time last set: what {@link ByteSeries.addNow} counts in. */
  bin = 0;
  /** That time; in an array, for a number in a field may be made anew each time it changes. */
  readonly #now = new Float64Array(1);
  #maxChunks: number;
  /** What {@link sharesOf} returned last, and for which start, end and width of bins. */
  readonly #shares = new Float64Array(1024);
  readonly #sharesOf = new Float64Array(3);
  readonly #series: ByteSeries[] = [];
  #ids = 0;
  /** Chunks ever handed out; those above have never been used. */
  #touched = 0;
  #free: number[] = [];
  readonly #blocks: Float64Array[] = [];
  /** Of each slot: see {@link CHUNK} and those below. */
  #slots = new Float64Array(0);
  /** Heads of the hash table's lists, as many as there are slots; none until it is needed. */
  #buckets = new Int32Array(0);
  /** Of the hash; nobody knows it, so no capture can be made to fall into one bucket. */
  readonly #salt = Math.floor(Math.random() * 2 ** 32) | 1;

  constructor({ binSeconds = 0.01, maxBins = 2 ** 24 }: SeriesPoolOptions = {}) {
    this.binSeconds = binSeconds;
    this.#maxChunks = Math.max(1, Math.floor(maxBins / CHUNK_BINS));
    this.#grow(FIRST_SLOTS);
  }

  /** Bins that exist now. */
  get usedBins(): number {
    return (this.#touched - this.#free.length) * CHUNK_BINS;
  }

  /** Sets the time, in seconds, at which series count what comes. */
  at(seconds: number): void {
    this.#now[0] = seconds;
    const bin = Math.floor(seconds / this.binSeconds);
    // So that the engine sees whole numbers of 32 bits where they are.
    if (bin === (bin | 0)) this.bin = bin | 0;
    else this.bin = bin;
  }

  /**
   * @internal The seconds of each bin from the first to the last that lie between two times; undefined if there are too
   * many. They are kept, for up to eight series count bytes over the same time: those of a flow record.
   */
  sharesOf(start: number, end: number, first: number, last: number): Float64Array | undefined {
    const shares = this.#shares;
    if (last - first >= shares.length) return undefined;
    const of = this.#sharesOf;
    const width = this.binSeconds;
    if (of[0] === start && of[1] === end && of[2] === width) return shares;
    for (let bin = first; bin <= last; bin++) shares[bin - first] = shareOf(bin, width, start, end);
    of[0] = start;
    of[1] = end;
    of[2] = width;
    return shares;
  }

  create(): ByteSeries {
    const series = new ByteSeries(this, this.#ids++);
    series.place = this.#series.push(series) - 1;
    // However wide its bins, a series that crosses second 0 takes two chunks.
    this.#maxChunks = Math.max(this.#maxChunks, 8 * this.#series.length);
    return series;
  }

  /** Gives the series' chunks back; it must not be used any more. */
  release(series: ByteSeries): void {
    this.#dropChunks(series);
    const last = this.#series.pop()!;
    if (last === series) return;
    this.#series[series.place] = last;
    last.place = series.place;
  }

  /** @internal The block in which a slot's bins are, from {@link startOf} on. */
  blockOf(slot: number): Float64Array {
    return this.#blocks[slot >> BLOCK_SHIFT]!;
  }

  /** @internal Slot of a chunk of a series, or -1. */
  find(series: ByteSeries, chunk: number): number {
    if (chunk > series.latest) return NONE;
    const slots = this.#slots;
    let slot = series.head;
    // Each is a wait for memory, and looking it up is hardly more.
    const near = this.#buckets.length === 0 ? NEAR : 1;
    for (let seen = 0; seen < near && slot >= 0; seen++) {
      if (slots[slot * SLOT_WORDS + CHUNK] === chunk) return slot;
      slot = slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!;
    }
    return slot < 0 ? NONE : this.#lookUp(series.id, chunk);
  }

  /** @internal A zeroed chunk for a series, which then is the first in its list; -1 when the pool is used up. */
  take(series: ByteSeries, chunk: number): number {
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#touched >= this.#maxChunks) return NONE;
      slot = this.#touched++;
      if (slot * SLOT_WORDS >= this.#slots.length) this.#grow(4 * slot);
      if (slot % BLOCK_SLOTS === 0) this.#blocks.push(new Float64Array(BLOCK_SLOTS * CHUNK_BINS));
    }
    const at = slot * SLOT_WORDS;
    this.#slots[at + CHUNK] = chunk;
    this.#slots[at + OWNER] = series.id;
    this.#slots[at + NEXT_OF_SERIES] = series.head;
    if (this.#buckets.length > 0) this.#chain(slot);
    series.head = slot;
    if (chunk > series.latest) series.latest = chunk;
    return slot;
  }

  /** @internal Doubles the width of all bins until at least a quarter of the pool is free. */
  coarsen(): void {
    do {
      this.binSeconds *= 2;
      for (const series of this.#series) this.#halve(series);
      // Slots that were never used are free, too: whoever coarsens a pool that is not used up must get to an end.
    } while (this.#maxChunks - this.#touched + this.#free.length < this.#maxChunks / 4);
    this.at(this.#now[0]!);
  }

  /** @internal Calls back for each bin of a series that holds bytes. */
  forEach(series: ByteSeries, each: (bin: number, bytes: number) => void): void {
    for (let slot = series.head; slot >= 0; slot = this.#slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      const bins = this.blockOf(slot);
      const start = startOf(slot);
      const first = this.#slots[slot * SLOT_WORDS + CHUNK]! * CHUNK_BINS;
      for (let bin = 0; bin < CHUNK_BINS; bin++) {
        const bytes = bins[start + bin]!;
        if (bytes > 0) each(first + bin, bytes);
      }
    }
  }

  /**
   * @internal Adds a series to sums of `factor` bins each, the first of which starts at bin `first`. Bins elsewhere are
   * left out.
   */
  addTo(sums: Float64Array, series: ByteSeries, first: number, factor: number): void {
    const slots = this.#slots;
    for (let slot = series.head; slot >= 0; slot = slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      const from = slots[slot * SLOT_WORDS + CHUNK]! * CHUNK_BINS - first;
      const bins = this.blockOf(slot);
      const start = startOf(slot);
      const index = Math.floor(from / factor);
      if (index === Math.floor((from + CHUNK_BINS - 1) / factor)) {
        // Most chunks lie in one sum; adding zeros costs less than asking for them.
        if (index < 0 || index >= sums.length) continue;
        let sum = sums[index]!;
        for (let bin = start; bin < start + CHUNK_BINS; bin++) sum += bins[bin]!;
        sums[index] = sum;
        continue;
      }
      for (let bin = 0; bin < CHUNK_BINS; bin++) {
        const index = Math.floor((from + bin) / factor);
        if (index >= 0 && index < sums.length) sums[index]! += bins[start + bin]!;
      }
    }
  }

  #halve(series: ByteSeries): void {
    const before: (readonly [number, Float64Array])[] = [];
    for (let slot = series.head; slot >= 0; slot = this.#slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      const start = startOf(slot);
      const values = this.blockOf(slot).slice(start, start + CHUNK_BINS);
      before.push([this.#slots[slot * SLOT_WORDS + CHUNK]!, values]);
    }
    this.#dropChunks(series);
    for (const [chunk, values] of before) {
      const target = Math.floor(chunk / 2);
      let slot = this.find(series, target);
      // Those just given back guarantee that there is one to take.
      if (slot < 0) slot = this.take(series, target);
      const bins = this.blockOf(slot);
      const half = startOf(slot) + (chunk - 2 * target) * (CHUNK_BINS / 2);
      for (let bin = 0; bin < CHUNK_BINS; bin++) bins[half + (bin >> 1)]! += values[bin]!;
    }
  }

  #dropChunks(series: ByteSeries): void {
    const slots = this.#slots;
    for (let slot = series.head; slot >= 0; slot = slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      if (this.#buckets.length > 0) this.#unchain(slot);
      const start = startOf(slot);
      this.blockOf(slot).fill(0, start, start + CHUNK_BINS);
      this.#free.push(slot);
    }
    series.forget();
  }

  /** By the hash table, which is made if there is none. */
  #lookUp(owner: number, chunk: number): number {
    if (this.#buckets.length === 0) this.#hash();
    const slots = this.#slots;
    let slot = this.#buckets[this.#bucket(owner, chunk)]!;
    while (
      slot >= 0 &&
      (slots[slot * SLOT_WORDS + OWNER] !== owner || slots[slot * SLOT_WORDS + CHUNK] !== chunk)
    )
      slot = slots[slot * SLOT_WORDS + NEXT_OF_BUCKET]!;
    return slot;
  }

  /** Makes the hash table of the slots in use. */
  #hash(): void {
    this.#buckets = new Int32Array(this.#slots.length / SLOT_WORDS).fill(NONE);
    for (const { head } of this.#series)
      for (let slot = head; slot >= 0; slot = this.#slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!)
        this.#chain(slot);
  }

  /** Puts a slot into its hash bucket. */
  #chain(slot: number): void {
    const at = slot * SLOT_WORDS;
    const bucket = this.#bucket(this.#slots[at + OWNER]!, this.#slots[at + CHUNK]!);
    this.#slots[at + NEXT_OF_BUCKET] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
  }

  /** Takes it out again. */
  #unchain(slot: number): void {
    const slots = this.#slots;
    const at = slot * SLOT_WORDS;
    const bucket = this.#bucket(slots[at + OWNER]!, slots[at + CHUNK]!);
    let before = NONE;
    for (let one = this.#buckets[bucket]!; one !== slot; one = slots[one * SLOT_WORDS + NEXT_OF_BUCKET]!)
      before = one;
    const next = slots[at + NEXT_OF_BUCKET]!;
    if (before < 0) this.#buckets[bucket] = next;
    else slots[before * SLOT_WORDS + NEXT_OF_BUCKET] = next;
  }

  #bucket(owner: number, chunk: number): number {
    const hash = Math.imul(owner, this.#salt);
    // Chunks that follow each other have buckets that do: a record's are then near each other in memory.
    return ((hash ^ (hash >>> 15)) + (chunk | 0)) & (this.#buckets.length - 1);
  }

  /** Room for so many slots. */
  #grow(count: number): void {
    const slots = new Float64Array(count * SLOT_WORDS);
    slots.set(this.#slots);
    this.#slots = slots;
    if (this.#buckets.length > 0) this.#hash();
  }
}
