/**
 * From a byte counter that is read now and then to rates: the rate since the last reading, and a history of
 * rates in bins of equal length, which is what a sparkline draws.
 *
 * Readings come when they come, bins lie on a fixed grid of time: bytes are taken as evenly spread between
 * two readings, and each bin gets its share. So a history scrolls, and never changes, as time goes on.
 */

/** Seconds of one bin of a history: short enough that a burst of a second has a shape. */
export const HISTORY_BIN_SECONDS = 0.5;
/** Bins kept: the last 30 s. */
export const HISTORY_BINS = 60;

export class RateMeter {
  #last: { readonly time: number; readonly bytes: number } | undefined;
  #rate = 0;
  /** Bytes by number of the bin on the grid; the newest is still being filled. */
  readonly #bins: { readonly bin: number; bytes: number }[] = [];

  /**
   * Takes a reading in; one that is not newer than the last is left out.
   *
   * @param time seconds, of any clock that goes forward.
   * @param bytes the counter.
   */
  read(time: number, bytes: number): void {
    const last = this.#last;
    if (last !== undefined && time <= last.time) return;
    this.#last = { time, bytes };
    if (last === undefined) return;
    this.#rate = (8 * (bytes - last.bytes)) / (time - last.time);
    this.#spread(last.time, time, bytes - last.bytes);
  }

  /** Between the last two readings, bit/s; 0 before there are two. */
  get rate(): number {
    return this.#rate;
  }

  /** Mean rate of each complete bin, bit/s, oldest first; at most {@link HISTORY_BINS}. */
  history(): number[] {
    return this.#bins.slice(0, -1).map(({ bytes }) => (8 * bytes) / HISTORY_BIN_SECONDS);
  }

  #spread(from: number, to: number, bytes: number): void {
    const newest = Math.floor(to / HISTORY_BIN_SECONDS);
    const oldest = Math.max(Math.floor(from / HISTORY_BIN_SECONDS), newest - HISTORY_BINS);
    for (let bin = oldest; bin <= newest; bin++) {
      const start = Math.max(from, bin * HISTORY_BIN_SECONDS);
      const end = Math.min(to, (bin + 1) * HISTORY_BIN_SECONDS);
      this.#add(bin, (bytes * (end - start)) / (to - from));
    }
    this.#bins.splice(0, Math.max(0, this.#bins.length - HISTORY_BINS - 1));
  }

  #add(bin: number, bytes: number): void {
    const newest = this.#bins.at(-1);
    if (newest?.bin === bin) newest.bytes += bytes;
    else this.#bins.push({ bin, bytes });
  }
}
