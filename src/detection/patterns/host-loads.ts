/** What each host sends and receives, second by second, in bounded memory: what volume thresholds look at. */
import { gridOver, onGrid } from '../../traffic/grid.js';
import { SeriesPool } from '../../traffic/series.js';
import type { ByteSeries } from '../../traffic/series.js';
import { BoundedTable } from './bounded-table.js';
import type { Entry } from './bounded-table.js';
import type { HostLoad } from './pattern.js';

const MAX_HOSTS = 4096;
const MAX_BINS = 2 ** 17;
/** Seconds over which a record is spread: two days. What claims to be longer is left out of loads. */
const MAX_SPREAD = 2 * 86_400;

export interface Host extends Entry {
  readonly packetsIn: ByteSeries;
  readonly packetsOut: ByteSeries;
  readonly bytesIn: ByteSeries;
  readonly bytesOut: ByteSeries;
  readonly flows: ByteSeries;
}

/** Times are seconds since an origin that the caller chooses. */
export class HostLoads {
  readonly #pool = new SeriesPool({ binSeconds: 1, maxBins: 2 ** 22 });
  readonly #hosts = new BoundedTable<Host>(
    MAX_HOSTS,
    (key) => this.#make(key),
    ({ packetsIn, packetsOut, bytesIn, bytesOut, flows }) => {
      for (const series of [packetsIn, packetsOut, bytesIn, bytesOut, flows]) this.#pool.release(series);
    },
  );

  get evicted(): number {
    return this.#hosts.evicted;
  }

  /** Valid until it is `evicted`. */
  get(address: string): Host {
    return this.#hosts.get(address);
  }

  /** Counts packets of one moment. */
  add(from: Host, to: Host, seconds: number, packets: number, bytes: number): void {
    from.packetsOut.add(seconds, packets);
    from.bytesOut.add(seconds, bytes);
    from.bytes += bytes;
    to.packetsIn.add(seconds, packets);
    to.bytesIn.add(seconds, bytes);
    to.bytes += bytes;
  }

  /** Calls back once for each second from `begin` to `end`, with the share that each is of them. */
  spread(begin: number, end: number, each: (seconds: number, share: number) => void): void {
    const width = this.#pool.binSeconds;
    const bins = Math.floor(end / width) - Math.floor(begin / width) + 1;
    if (bins > MAX_SPREAD) return;
    const steps = Math.max(1, bins);
    for (let step = 0; step < steps; step++) each(Math.min(end, begin + step * width), 1 / steps);
  }

  /** Those with the most bytes first. */
  list(): HostLoad[] {
    return this.#hosts.list().flatMap((host) => {
      const all = [host.packetsIn, host.packetsOut, host.bytesIn, host.bytesOut, host.flows];
      const grid = gridOver(all, this.#pool, MAX_BINS);
      if (grid === undefined) return [];
      const dense = (series: ByteSeries) => onGrid([series], this.#pool, grid);
      return {
        address: host.key,
        binSeconds: grid.binSeconds,
        packetsIn: dense(host.packetsIn),
        packetsOut: dense(host.packetsOut),
        bytesIn: dense(host.bytesIn),
        bytesOut: dense(host.bytesOut),
        flows: dense(host.flows),
      };
    });
  }

  #make(key: string): Host {
    const create = () => this.#pool.create();
    const [packetsIn, packetsOut, bytesIn, bytesOut] = [create(), create(), create(), create()];
    return { key, bytes: 0, evicted: false, packetsIn, packetsOut, bytesIn, bytesOut, flows: create() };
  }
}
