/**
 * Byte counts over time, for many hosts at once, in bounded memory.
 *
 * A series is a row of equal bins, of which only those near traffic exist: bins live in chunks of 64, and
 * a chunk is made when its first byte arrives. So an idle hour costs nothing, and packets may come in any
 * order of time. All series draw their chunks from one pool of fixed size. When it is used up, the bins of
 * every series are made twice as wide, which frees about half: a long capture is seen a little coarser
 * instead of filling the memory. The width in force is always `pool.binSeconds`, and reports tell it.
 */
const CHUNK_BINS = 64;

export interface SeriesPoolOptions {
  /** Width of a bin, in seconds, to begin with. Default 0.01. */
  readonly binSeconds?: number;
  /** Bins that may exist at once over all series (8 bytes each). Default 2^24, which is 128 MiB. */
  readonly maxBins?: number;
}

export class SeriesPool {
  binSeconds: number;
  #maxChunks: number;
  readonly #series = new Set<ByteSeries>();
  #bins: Float64Array = new Float64Array(64 * CHUNK_BINS);
  #free: number[] = [];
  /** Chunks ever handed out; those above have never been used. */
  #touched = 0;

  constructor({ binSeconds = 0.01, maxBins = 2 ** 24 }: SeriesPoolOptions = {}) {
    this.binSeconds = binSeconds;
    this.#maxChunks = Math.max(1, Math.floor(maxBins / CHUNK_BINS));
  }

  /** Bins that exist now. */
  get usedBins(): number {
    return (this.#touched - this.#free.length) * CHUNK_BINS;
  }

  create(): ByteSeries {
    const series = new ByteSeries(this);
    this.#series.add(series);
    // However wide its bins, a series that crosses second 0 takes two chunks.
    this.#maxChunks = Math.max(this.#maxChunks, 8 * this.#series.size);
    return series;
  }

  /** Gives the series' chunks back; it must not be used any more. */
  release(series: ByteSeries): void {
    for (const [, slot] of series.chunks()) this.#giveBack(slot);
    series.replace([]);
    this.#series.delete(series);
  }

  /** @internal All bins of all series, 64 to a slot; another array when the pool has grown. */
  get bins(): Float64Array {
    return this.#bins;
  }

  /** @internal A zeroed chunk, or undefined when the pool is used up. */
  take(): number | undefined {
    const reused = this.#free.pop();
    if (reused !== undefined) return reused;
    if (this.#touched >= this.#maxChunks) return undefined;
    const slot = this.#touched++;
    if (this.#touched * CHUNK_BINS > this.#bins.length) {
      const grown = new Float64Array(Math.min(2 * this.#bins.length, this.#maxChunks * CHUNK_BINS));
      grown.set(this.#bins);
      this.#bins = grown;
    }
    return slot;
  }

  /** @internal Doubles the width of all bins until at least a quarter of the pool is free. */
  coarsen(): void {
    do {
      this.binSeconds *= 2;
      for (const series of this.#series) this.#halve(series);
      // Slots that were never used are free, too: whoever coarsens a pool that is not used up must get to an end.
    } while (this.#maxChunks - this.#touched + this.#free.length < this.#maxChunks / 4);
  }

  #halve(series: ByteSeries): void {
    const merged = new Map<number, number>();
    const values = new Float64Array(CHUNK_BINS);
    for (const [chunk, slot] of series.chunks()) {
      const start = slot * CHUNK_BINS;
      values.set(this.#bins.subarray(start, start + CHUNK_BINS));
      this.#giveBack(slot);
      const target = Math.floor(chunk / 2);
      // The slot just given back guarantees that there is one to take.
      const into = merged.get(target) ?? this.take()!;
      merged.set(target, into);
      const half = into * CHUNK_BINS + (chunk - 2 * target) * (CHUNK_BINS / 2);
      for (let bin = 0; bin < CHUNK_BINS; bin++) this.#bins[half + (bin >> 1)]! += values[bin]!;
    }
    series.replace([...merged]);
  }

  #giveBack(slot: number): void {
    this.#bins.fill(0, slot * CHUNK_BINS, (slot + 1) * CHUNK_BINS);
    this.#free.push(slot);
  }
}

/** One row of bins. Bin `i` covers the seconds from `i * pool.binSeconds` on; `i` may be negative. */
export class ByteSeries {
  readonly #pool: SeriesPool;
  /** The chunk last written to: its first bin, and where in the pool's array that bin lies. */
  #first = NaN;
  #start = 0;
  /** Number of a chunk -> its slot in the pool; none for a series of one chunk, as most of a crowd are. */
  #more: Map<number, number> | undefined;

  /** @internal Made by {@link SeriesPool.create}. */
  constructor(pool: SeriesPool) {
    this.#pool = pool;
  }

  /** Counts bytes at a time in seconds. */
  add(seconds: number, bytes: number): void {
    this.addAt(Math.floor(seconds / this.#pool.binSeconds), bytes);
  }

  /** Counts bytes in a bin of the width that the pool's bins have now. */
  addAt(bin: number, bytes: number): void {
    const index = bin - this.#first;
    if (index >= 0 && index < CHUNK_BINS) this.#pool.bins[this.#start + index]! += bytes;
    else this.#addElsewhere(bin, bytes);
  }

  #addElsewhere(bin: number, bytes: number): void {
    const chunk = Math.floor(bin / CHUNK_BINS);
    let slot = this.#more?.get(chunk);
    if (slot === undefined) {
      slot = this.#pool.take();
      if (slot === undefined) {
        const before = this.#pool.binSeconds;
        this.#pool.coarsen();
        return this.addAt(Math.floor((bin * before) / this.#pool.binSeconds), bytes);
      }
      if (this.#more !== undefined || !Number.isNaN(this.#first))
        (this.#more ??= new Map(this.chunks())).set(chunk, slot);
    }
    this.#first = chunk * CHUNK_BINS;
    this.#start = slot * CHUNK_BINS;
    this.#pool.bins[this.#start + bin - this.#first]! += bytes;
  }

  /** @internal Number of each chunk, and its slot in the pool. */
  chunks(): readonly (readonly [number, number])[] {
    if (this.#more !== undefined) return [...this.#more];
    return Number.isNaN(this.#first) ? [] : [[this.#first / CHUNK_BINS, this.#start / CHUNK_BINS]];
  }

  /** @internal */
  replace(chunks: readonly (readonly [number, number])[]): void {
    this.#more = chunks.length > 0 ? new Map(chunks) : undefined;
    this.#first = NaN;
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
    const { bins } = this.#pool;
    for (const [chunk, slot] of this.chunks()) {
      for (let bin = 0; bin < CHUNK_BINS; bin++) {
        const bytes = bins[slot * CHUNK_BINS + bin]!;
        if (bytes > 0) each(chunk * CHUNK_BINS + bin, bytes);
      }
    }
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
  for (const one of series) {
    forEachOnGrid(one, pool, grid, (bin, bytes) => {
      sum[bin]! += bytes;
    });
  }
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
