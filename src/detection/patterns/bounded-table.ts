/**
 * A table that forgets the least: when it is full, the half with the fewest bytes makes way and is counted.
 *
 * Every per-pair and per-host memory here is one of these, so a scan of a million addresses costs no memory and cannot
 * push out those that transfer something.
 */
import { smallerHalf } from '../../traffic/evict.js';

export interface Entry {
  readonly key: string;
  bytes: number;
  /** True once it had to make way: whoever still refers to it must ask the table again. */
  evicted: boolean;
}

export class BoundedTable<T extends Entry> {
  /** Entries that made way. */
  evicted = 0;
  readonly #entries = new Map<string, T>();
  readonly #max: number;
  readonly #make: (key: string) => T;
  readonly #release: (entry: T) => void;

  constructor(max: number, make: (key: string) => T, release: (entry: T) => void = () => undefined) {
    this.#max = max;
    this.#make = make;
    this.#release = release;
  }

  get(key: string): T {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#max) this.#makeRoom();
    const entry = this.#make(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** All entries, those with the most bytes first. */
  list(): T[] {
    return [...this.#entries.values()].sort((a, b) => b.bytes - a.bytes || (a.key < b.key ? -1 : 1));
  }

  #makeRoom(): void {
    for (const entry of smallerHalf([...this.#entries.values()])) {
      entry.evicted = true;
      this.#release(entry);
      this.#entries.delete(entry.key);
      this.evicted += 1;
    }
  }
}
