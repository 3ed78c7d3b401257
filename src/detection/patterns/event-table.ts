/** Starts of connections or records, pair by pair: collected in any order, handed out in order of time. */
import { BoundedTable } from './bounded-table.js';
import type { Entry } from './bounded-table.js';
import type { EventSeries } from './pattern.js';

const MAX_PAIRS = 65_536;
/** As many as make a strobe of RITA; more of one pair are not kept. */
const MAX_STARTS = 86_400;

interface Events extends Entry {
  readonly starts: number[];
  readonly sizes: number[];
  openSeconds: number;
}

export class EventTable {
  readonly #pairs = new BoundedTable<Events>(MAX_PAIRS, (key) => ({
    key,
    bytes: 0,
    evicted: false,
    starts: [],
    sizes: [],
    openSeconds: 0,
  }));

  get evicted(): number {
    return this.#pairs.evicted;
  }

  /** @param bytes that the source sent. Times in seconds since 1970-01-01 UTC. */
  add(source: string, destination: string, start: number, end: number, bytes: number): void {
    const events = this.#pairs.get(`${source} ${destination}`);
    events.bytes += bytes;
    events.openSeconds += end - start;
    if (events.starts.length >= MAX_STARTS) return;
    events.starts.push(start);
    events.sizes.push(bytes);
  }

  /** Each pair once, those with the most bytes first. */
  list(): EventSeries[] {
    return this.#pairs.list().map(({ key, starts, sizes, openSeconds }) => {
      const [source = '', destination = ''] = key.split(' ');
      const order = starts.map((_, index) => index).sort((a, b) => starts[a]! - starts[b]!);
      return {
        source,
        destination,
        starts: order.map((index) => starts[index]!),
        bytes: order.map((index) => sizes[index]!),
        openSeconds,
      };
    });
  }
}
