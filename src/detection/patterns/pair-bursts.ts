/** Bytes from each host to each, over time, in bounded memory, and the bursts in them. */
import { detectBursts } from '../../traffic/bursts.js';
import { gridOver, onGrid } from '../../traffic/grid.js';
import { SeriesPool } from '../../traffic/series.js';
import type { ByteSeries } from '../../traffic/series.js';
import { BoundedTable } from './bounded-table.js';
import type { Entry } from './bounded-table.js';
import type { Host, HostLoads } from './host-loads.js';
import type { EventSeries } from './pattern.js';

const MAX_PAIRS = 4096;
/** Pairs in which bursts are looked for; those with the most bytes. */
const MAX_BURST_PAIRS = 512;
const MAX_GRID_BINS = 2 ** 20;
/** Bins over which a record is spread; what goes on for longer has a steady rate, and so no burst. */
const MAX_SPREAD = 86_400;

/** What one host sent another. */
export interface Pair extends Entry {
  readonly series: ByteSeries;
  /** As seen, not multiplied by the sampling rate. */
  packets: number;
  from: Host;
  to: Host;
}

/** Times are seconds since an origin that the caller chooses. */
export class PairBursts {
  readonly #hosts: HostLoads;
  readonly #pool: SeriesPool;
  readonly #pairs = new BoundedTable<Pair>(
    MAX_PAIRS,
    (key) => this.#make(key),
    ({ series }) => this.#pool.release(series),
  );

  /** @param binSeconds 0.01 for packets, whose moments are known; 1 for records, which tell less anyway. */
  constructor(hosts: HostLoads, binSeconds: number) {
    this.#hosts = hosts;
    this.#pool = new SeriesPool({ binSeconds, maxBins: 2 ** 23 });
  }

  get evicted(): number {
    return this.#pairs.evicted;
  }

  /** @param key "source destination". The pair is to be used at once. */
  get(key: string): Pair {
    const pair = this.#pairs.get(key);
    if (pair.from.evicted) pair.from = this.#hosts.get(pair.from.key);
    if (pair.to.evicted) pair.to = this.#hosts.get(pair.to.key);
    return pair;
  }

  /** Lays bytes evenly over the time of a record, for that is all that a record says. */
  spread(pair: Pair, begin: number, end: number, bytes: number): void {
    pair.bytes += bytes;
    const bins = Math.floor((end - begin) / this.#pool.binSeconds) + 1;
    if (bins > MAX_SPREAD) return;
    for (let bin = 0; bin < bins; bin++) {
      pair.series.add(begin + ((end - begin) * (bin + 0.5)) / bins, bytes / bins);
    }
  }

  /**
   * The bursts of each pair that has any.
   *
   * @param origin second since 1970-01-01 UTC that times count from.
   */
  find(origin: number): { bursts: EventSeries[]; samplesPerBurst: number | null } {
    const bursts: EventSeries[] = [];
    let samples = 0;
    let count = 0;
    for (const pair of this.#pairs.list().slice(0, MAX_BURST_PAIRS)) {
      const grid = gridOver([pair.series], this.#pool, MAX_GRID_BINS);
      if (grid === undefined) continue;
      const found = detectBursts(onGrid([pair.series], this.#pool, grid), grid.binSeconds).bursts;
      if (found.length === 0) continue;
      const [source = '', destination = ''] = pair.key.split(' ');
      bursts.push({
        source,
        destination,
        starts: found.map(({ start }) => origin + grid.startSeconds + start * grid.binSeconds),
        bytes: found.map(({ bytes }) => bytes),
        openSeconds: found.reduce((sum, { start, end }) => sum + (end - start) * grid.binSeconds, 0),
      });
      if (pair.packets === 0) continue;
      samples += found.reduce((sum, { bytes }) => sum + (bytes * pair.packets) / pair.bytes, 0);
      count += found.length;
    }
    return { bursts, samplesPerBurst: count === 0 ? null : samples / count };
  }

  #make(key: string): Pair {
    const [source = '', destination = ''] = key.split(' ');
    const series = this.#pool.create();
    const from = this.#hosts.get(source);
    return { key, bytes: 0, evicted: false, series, packets: 0, from, to: this.#hosts.get(destination) };
  }
}
