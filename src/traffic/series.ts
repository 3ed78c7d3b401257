/**
 * Byte counts over time, for many hosts at once, in bounded memory.
 *
 * A series is a row of equal bins, of which only those near traffic exist: bins live in chunks of 16, and
 * a chunk is made when its first byte arrives. So an idle hour costs nothing, and packets may come in any
 * order of time. All series draw their chunks from one pool of fixed size. When it is used up, the bins of
 * every series are made twice as wide, which frees about half: a long capture is seen a little coarser
 * instead of filling the memory. The width in force is always `pool.binSeconds`, and reports tell it.
 */
const CHUNK_BINS = 16;
const FIRST_SLOTS = 4096;
const NONE = -1;
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
  readonly #series = new Set<ByteSeries>();
  #ids = 0;
  /** Chunks ever handed out; those above have never been used. */
  #touched = 0;
  #free: number[] = [];
  #bins = new Float64Array(FIRST_SLOTS * CHUNK_BINS);
  /** Of each slot: see {@link CHUNK} and those below. */
  #slots = new Float64Array(FIRST_SLOTS * SLOT_WORDS);
  #buckets = new Int32Array(FIRST_SLOTS).fill(NONE);

  constructor({ binSeconds = 0.01, maxBins = 2 ** 24 }: SeriesPoolOptions = {}) {
    this.binSeconds = binSeconds;
    this.#maxChunks = Math.max(1, Math.floor(maxBins / CHUNK_BINS));
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

  create(): ByteSeries {
    const series = new ByteSeries(this, this.#ids++);
    this.#series.add(series);
    // However wide its bins, a series that crosses second 0 takes two chunks.
    this.#maxChunks = Math.max(this.#maxChunks, 8 * this.#series.size);
    return series;
  }

  /** Gives the series' chunks back; it must not be used any more. */
  release(series: ByteSeries): void {
    this.#dropChunks(series);
    this.#series.delete(series);
  }

  /** @internal All bins of all series, 16 to a slot; another array when the pool has grown. */
  get bins(): Float64Array {
    return this.#bins;
  }

  /** @internal Slot of a chunk of a series, or -1. */
  find(owner: number, chunk: number): number {
    let slot = this.#buckets[this.#bucket(owner, chunk)]!;
    const slots = this.#slots;
    while (
      slot >= 0 &&
      (slots[slot * SLOT_WORDS + OWNER] !== owner || slots[slot * SLOT_WORDS + CHUNK] !== chunk)
    )
      slot = slots[slot * SLOT_WORDS + NEXT_OF_BUCKET]!;
    return slot;
  }

  /**
   * @internal A zeroed chunk for a series, which then is the first in its list; -1 when the pool is used up.
   *
   * @param head the first in the list until now, or -1.
   */
  take(owner: number, chunk: number, head: number): number {
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#touched >= this.#maxChunks) return NONE;
      slot = this.#touched++;
      if (slot >= this.#buckets.length) this.#grow();
    }
    const at = slot * SLOT_WORDS;
    this.#slots[at + CHUNK] = chunk;
    this.#slots[at + OWNER] = owner;
    this.#slots[at + NEXT_OF_SERIES] = head;
    this.#chain(slot);
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
    const bins = this.#bins;
    for (let slot = series.head; slot >= 0; slot = this.#slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      const start = slot * CHUNK_BINS;
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
    const bins = this.#bins;
    const slots = this.#slots;
    for (let slot = series.head; slot >= 0; slot = slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      const from = slots[slot * SLOT_WORDS + CHUNK]! * CHUNK_BINS - first;
      const start = slot * CHUNK_BINS;
      for (let bin = 0; bin < CHUNK_BINS; bin++) {
        const bytes = bins[start + bin]!;
        if (bytes === 0) continue;
        const index = Math.floor((from + bin) / factor);
        if (index >= 0 && index < sums.length) sums[index]! += bytes;
      }
    }
  }

  #halve(series: ByteSeries): void {
    const before: (readonly [number, Float64Array])[] = [];
    for (let slot = series.head; slot >= 0; slot = this.#slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      const values = this.#bins.slice(slot * CHUNK_BINS, (slot + 1) * CHUNK_BINS);
      before.push([this.#slots[slot * SLOT_WORDS + CHUNK]!, values]);
    }
    this.#dropChunks(series);
    for (const [chunk, values] of before) {
      const target = Math.floor(chunk / 2);
      let slot = this.find(series.id, target);
      // Those just given back guarantee that there is one to take.
      if (slot < 0) slot = series.head = this.take(series.id, target, series.head);
      const half = slot * CHUNK_BINS + (chunk - 2 * target) * (CHUNK_BINS / 2);
      for (let bin = 0; bin < CHUNK_BINS; bin++) this.#bins[half + (bin >> 1)]! += values[bin]!;
    }
  }

  #dropChunks(series: ByteSeries): void {
    const slots = this.#slots;
    for (let slot = series.head; slot >= 0; slot = slots[slot * SLOT_WORDS + NEXT_OF_SERIES]!) {
      const at = slot * SLOT_WORDS;
      const bucket = this.#bucket(slots[at + OWNER]!, slots[at + CHUNK]!);
      let before = NONE;
      for (let one = this.#buckets[bucket]!; one !== slot; one = slots[one * SLOT_WORDS + NEXT_OF_BUCKET]!)
        before = one;
      const next = slots[at + NEXT_OF_BUCKET]!;
      if (before < 0) this.#buckets[bucket] = next;
      else slots[before * SLOT_WORDS + NEXT_OF_BUCKET] = next;
      this.#bins.fill(0, slot * CHUNK_BINS, (slot + 1) * CHUNK_BINS);
      this.#free.push(slot);
    }
    series.forget();
  }

  /** Puts a slot into its hash bucket. */
  #chain(slot: number): void {
    const at = slot * SLOT_WORDS;
    const bucket = this.#bucket(this.#slots[at + OWNER]!, this.#slots[at + CHUNK]!);
    this.#slots[at + NEXT_OF_BUCKET] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
  }

  #bucket(owner: number, chunk: number): number {
    const hash = Math.imul(owner, 0x9e3779b1) ^ Math.imul(chunk | 0, 0x85ebca6b);
    return (hash ^ (hash >>> 15)) & (this.#buckets.length - 1);
  }

  #grow(): void {
    const before = this.#buckets.length;
    const count = 4 * before;
    const bins = new Float64Array(count * CHUNK_BINS);
    bins.set(this.#bins);
    this.#bins = bins;
    const slots = new Float64Array(count * SLOT_WORDS);
    slots.set(this.#slots);
    this.#slots = slots;
    this.#buckets = new Int32Array(count).fill(NONE);
    // No slot is free when a new one was needed.
    for (let slot = 0; slot < before; slot++) this.#chain(slot);
  }
}

/** One row of bins. Bin `i` covers the seconds from `i * pool.binSeconds` on; `i` may be negative. */
export class ByteSeries {
  /** @internal Slot of the chunk made last, or -1. */
  head = NONE;
  readonly #pool: SeriesPool;
  /** The chunk last written to: its first bin, and where in the pool's array that bin lies. */
  #first = 0;
  /** Negative when there is none. */
  #start = NONE;

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
    if (index >= 0 && index < CHUNK_BINS && start >= 0) pool.bins[start + index]! += bytes;
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
    for (let bin = first; bin <= last;) {
      // Makes its chunk the one last written to; for that, bins may have to become wider.
      this.add((bin + 0.5) * width, 0);
      if (pool.binSeconds !== width) {
        const from = bin === first ? start : bin * width;
        return this.addOver(from, end, rate * (end - from));
      }
      const { bins } = pool;
      const stop = Math.min(last, this.#first + CHUNK_BINS - 1);
      for (; bin <= stop; bin++) {
        const share = Math.min(end, (bin + 1) * width) - Math.max(start, bin * width);
        bins[this.#start + bin - this.#first]! += rate * share;
      }
    }
  }

  #addElsewhere(bytes: number): void {
    const pool = this.#pool;
    const chunk = Math.floor(pool.bin / CHUNK_BINS);
    let slot = pool.find(this.id, chunk);
    if (slot < 0) {
      slot = pool.take(this.id, chunk, this.head);
      if (slot < 0) {
        pool.coarsen();
        return this.addNow(bytes);
      }
      this.head = slot;
    }
    this.#first = chunk * CHUNK_BINS;
    this.#start = slot * CHUNK_BINS;
    pool.bins[this.#start + pool.bin - this.#first]! += bytes;
  }

  /** @internal Its chunks were given back or are others now. */
  forget(): void {
    this.head = NONE;
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

/** A stretch of time cut into equal bins, dense: what analysis works on. */
export interface Grid {
  /** Time of the start of the first bin, in seconds. */
  readonly startSeconds: number;
  readonly binSeconds: number;
  readonly length: number;
}

/**
 * The finest grid over all bins of the given series with at most `maxLength` bins, or undefined when
 * they are empty.
 */
export function gridOver(
  series: readonly ByteSeries[],
  pool: SeriesPool,
  maxLength: number,
): Grid | undefined {
  let first = Infinity;
  let last = -Infinity;
  for (const one of series) {
    const range = one.range();
    if (range === undefined) continue;
    first = Math.min(first, range.first);
    last = Math.max(last, range.last);
  }
  if (first > last) return undefined;
  // One bin to spare: over spans of aeons the division rounds.
  const factor = Math.ceil((last - first + 1) / (maxLength - 1));
  return {
    startSeconds: first * pool.binSeconds,
    binSeconds: factor * pool.binSeconds,
    length: Math.floor((last - first) / factor) + 1,
  };
}

/** The sum of the series on a grid, as bytes per bin. Bins of the series outside the grid are left out. */
export function onGrid(series: readonly ByteSeries[], pool: SeriesPool, grid: Grid): Float64Array {
  const sum = new Float64Array(grid.length);
  const first = Math.round(grid.startSeconds / pool.binSeconds);
  for (const one of series) pool.addTo(sum, one, first, grid.binSeconds / pool.binSeconds);
  return sum;
}

/** Calls back with the grid's bin for each bin of the series that holds bytes and lies on the grid. */
export function forEachOnGrid(
  series: ByteSeries,
  pool: SeriesPool,
  grid: Grid,
  each: (bin: number, bytes: number) => void,
): void {
  const first = Math.round(grid.startSeconds / pool.binSeconds);
  const factor = grid.binSeconds / pool.binSeconds;
  series.forEach((bin, bytes) => {
    const index = Math.floor((bin - first) / factor);
    if (index >= 0 && index < grid.length) each(index, bytes);
  });
}
