/**
 * Byte series of conversations, for those who ask for them: of pairs of hosts, and of single flows.
 *
 * A talk is a series each way. They are kept for a bounded number only: when there are more, the half with the fewest
 * bytes makes way. A pair that comes back then starts anew, like a host; a flow stays without, since half a series of
 * a flow would mislead.
 */
import { smallerHalf } from './evict.js';
import type { ByteSeries, SeriesPool } from './series.js';

export class Talk {
  readonly forward: ByteSeries;
  readonly backward: ByteSeries;
  bytes = 0;
  /** True once it had to make way. */
  evicted = false;

  /**
   * @param source, destination addresses as text; `forward` goes from source to destination.
   * @param row of a flow: its row in the flow table.
   */
  constructor(
    readonly source: string,
    readonly destination: string,
    readonly row: number,
    pool: SeriesPool,
  ) {
    this.forward = pool.create();
    this.backward = pool.create();
  }

  /** Counts bytes at the time that the pool is set to. */
  add(isForward: boolean, bytes: number): void {
    this.bytes += bytes;
    (isForward ? this.forward : this.backward).addNow(bytes);
  }

  /** Counts bytes spread evenly from one time to another, in seconds. */
  addOver(isForward: boolean, start: number, end: number, bytes: number): void {
    this.bytes += bytes;
    (isForward ? this.forward : this.backward).addOver(start, end, bytes);
  }
}

export class TalkTable {
  /** Talks that made way. */
  evicted = 0;
  readonly #pool: SeriesPool;
  readonly #max: number;
  readonly #talks = new Map<string | number, Talk>();

  constructor(pool: SeriesPool, max: number) {
    this.#pool = pool;
    this.#max = Math.max(1, max);
  }

  /** The talk between two hosts, whichever comes first; made when there is none. */
  pair(one: string, other: string): Talk {
    const key = one < other ? `${one} ${other}` : `${other} ${one}`;
    return this.#talks.get(key) ?? this.#add(key, one, other, -1);
  }

  /** A new flow's talk. */
  flow(row: number, source: string, destination: string): Talk {
    return this.#add(row, source, destination, row);
  }

  /** All talks, those with the most bytes first. */
  list(): Talk[] {
    return [...this.#talks.values()].sort((a, b) => b.bytes - a.bytes);
  }

  /** Drops the talk of a flow. */
  forget(talk: Talk): void {
    if (!talk.evicted) this.#drop(talk.row, talk);
  }

  #add(key: string | number, source: string, destination: string, row: number): Talk {
    if (this.#talks.size >= this.#max) {
      const leaving = new Set(smallerHalf([...this.#talks.values()]));
      for (const [place, talk] of this.#talks) if (leaving.has(talk)) this.#drop(place, talk);
      this.evicted += leaving.size;
    }
    const talk = new Talk(source, destination, row, this.#pool);
    this.#talks.set(key, talk);
    return talk;
  }

  #drop(key: string | number, talk: Talk): void {
    talk.evicted = true;
    this.#pool.release(talk.forward);
    this.#pool.release(talk.backward);
    this.#talks.delete(key);
  }
}
