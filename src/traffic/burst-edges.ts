/**
 * Where exactly a burst starts and ends.
 *
 * Smoothing finds a burst but blurs its edges by the width of its window. So each edge is sought again in
 * the raw bins, first as a change point (CUSUM: the bin where the running sum of rate minus threshold is
 * least). A start is then followed further back along whatever leads up to it, for TCP's slow start is far
 * below any threshold and yet begins with the burst's first packet. How little counts as lead-up depends
 * on what is usual between bursts: with noise there, less is believed.
 */

/** Bins from `start` up to but not including `end`. */
export interface BinRange {
  readonly start: number;
  readonly end: number;
}

/** Rates in bytes per bin. */
export interface Levels {
  readonly floor: number;
  readonly peak: number;
  readonly upper: number;
  readonly lower: number;
}

export interface EdgeOptions {
  /** The smoothed rate of a bin is the mean over this many bins before to this many after. */
  readonly half: number;
  /** Silences of up to this many bins do not interrupt a lead-up. */
  readonly lead: number;
  /** A lead-up is at least this share of the way from floor to peak. */
  readonly onset: number;
}

export class EdgeFinder {
  readonly #bytes: Float64Array;
  readonly #smooth: Float64Array;
  readonly #levels: Levels;
  readonly #options: EdgeOptions;

  /** @param bytes, smooth the raw and the smoothed series, bytes per bin. */
  constructor(bytes: Float64Array, smooth: Float64Array, levels: Levels, options: EdgeOptions) {
    this.#bytes = bytes;
    this.#smooth = smooth;
    this.#levels = levels;
    this.#options = options;
  }

  /** Moves the edges of `ranges`, which are in order and apart, from where the smoothed rate crosses. */
  refine(ranges: readonly BinRange[]): BinRange[] {
    const reach = 2 * this.#options.half + 1;
    const onset = this.#onsetLevel(ranges);
    let earliest = 0;
    return ranges.map((range, index) => {
      const next = ranges[index + 1]?.start ?? this.#bytes.length;
      const change = this.#changePoint(Math.max(earliest, range.start - reach), range.start + reach);
      const start = this.#leadUp(change, earliest, onset);
      const last = this.#changePoint(Math.min(next, range.end + reach) - 1, range.end - reach);
      const end = Math.max(start, last) + 1;
      earliest = end;
      return { start, end };
    });
  }

  /**
   * Walking from `from` towards `to` in either direction: the first bin above the lower threshold, in the
   * sense that the running sum of (rate - threshold) is least before it.
   */
  #changePoint(from: number, to: number): number {
    const step = Math.sign(to - from);
    let sum = 0;
    let least = 0;
    let change = from;
    for (let bin = from; step * (to - bin) > 0 && bin >= 0 && bin < this.#bytes.length; bin += step) {
      sum += this.#bytes[bin]! - this.#levels.lower;
      if (sum <= least) {
        least = sum;
        change = bin + step;
      }
    }
    return Math.min(Math.max(change, 0), this.#bytes.length - 1);
  }

  /** The smoothed rate above which traffic belongs to a lead-up. */
  #onsetLevel(ranges: readonly BinRange[]): number {
    const { floor, peak, lower } = this.#levels;
    const { lead, onset } = this.#options;
    const quiet = new Float64Array(this.#smooth.length);
    let loud = 0;
    let count = 0;
    let from = 0;
    for (const { start, end } of [...ranges, { start: quiet.length + lead, end: 0 }]) {
      for (let bin = from; bin < start - lead; bin++) {
        if (this.#smooth[bin]! > 0) quiet[loud++] = this.#smooth[bin]!;
        count += 1;
      }
      from = end + lead;
    }
    // The silent bins, which most are, come before all others.
    const sorted = quiet.subarray(0, loud).sort();
    const usual = sorted[Math.floor(0.95 * (count - 1)) - (count - loud)] ?? floor;
    return Math.min(lower, Math.max(floor + onset * (peak - floor), 2 * usual));
  }

  /** Walks back from a change point over traffic above `onset`, not beyond `earliest`. */
  #leadUp(change: number, earliest: number, onset: number): number {
    const { half, lead } = this.#options;
    let active = change;
    for (let bin = change - 1; bin >= earliest && active - bin <= lead; bin--) {
      if (this.#smooth[bin]! >= onset) active = bin;
    }
    // The window of the earliest active bin reaches from here to the traffic that made it active.
    for (let bin = Math.max(earliest, active - half); bin < change; bin++) {
      if (this.#bytes[bin]! >= onset) return bin;
    }
    return change;
  }
}
