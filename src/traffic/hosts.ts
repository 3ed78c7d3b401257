/**
 * The hosts of a capture: for each IP address what it sent and received, in total and over time.
 *
 * The table is bounded. When it is full, the half with the fewest bytes makes way and is counted: a scan
 * of a million addresses costs no memory, and the hosts that matter are never among the smallest half.
 */
import { formatAddress } from '../capture/index.js';
import type { Address } from '../capture/index.js';
import { smallerHalf } from './evict.js';
import type { ByteSeries, SeriesPool } from './series.js';

export class Host {
  /** Frame bytes over time, by the seconds of the analysis. */
  readonly egress: ByteSeries;
  readonly ingress: ByteSeries;
  readonly #counts: Counts;
  /** @internal Where its counts start. */
  readonly slot: number;
  /** True once it had to make way: whoever still refers to it must ask the table again. */
  evicted = false;
  readonly #words: Address;
  #text: string | undefined;

  /** @internal Made by {@link HostTable.get}. */
  constructor(address: Address, pool: SeriesPool, counts: Counts) {
    this.#words = address;
    this.#counts = counts;
    this.slot = counts.take();
    this.egress = pool.create();
    this.ingress = pool.create();
  }

  get address(): string {
    return (this.#text ??= formatAddress(this.#words));
  }

  /** @internal What the table knows it by. */
  get key(): number | string {
    return keyOf(this.#words);
  }

  get sentPackets(): number {
    return this.#counts.values[this.slot]!;
  }

  get sentBytes(): number {
    return this.#counts.values[this.slot + 1]!;
  }

  get receivedPackets(): number {
    return this.#counts.values[this.slot + 2]!;
  }

  get receivedBytes(): number {
    return this.#counts.values[this.slot + 3]!;
  }

  get bytes(): number {
    return this.sentBytes + this.receivedBytes;
  }

  /** Counts what it sends at the time that the pool is set to: packets, and bytes in all. */
  send(packets: number, bytes: number): void {
    const { values } = this.#counts;
    values[this.slot]! += packets;
    values[this.slot + 1]! += bytes;
    this.egress.addNow(bytes);
  }

  receive(packets: number, bytes: number): void {
    const { values } = this.#counts;
    values[this.slot + 2]! += packets;
    values[this.slot + 3]! += bytes;
    this.ingress.addNow(bytes);
  }

  /** Counts what a record says it sent from one time to another, in seconds. */
  sendOver(start: number, end: number, packets: number, bytes: number): void {
    const { values } = this.#counts;
    values[this.slot]! += packets;
    values[this.slot + 1]! += bytes;
    this.egress.addOver(start, end, bytes);
  }

  receiveOver(start: number, end: number, packets: number, bytes: number): void {
    const { values } = this.#counts;
    values[this.slot + 2]! += packets;
    values[this.slot + 3]! += bytes;
    this.ingress.addOver(start, end, bytes);
  }
}

/** Packets and bytes sent, packets and bytes received, of all hosts: side by side in memory, as they are counted. */
class Counts {
  values = new Float64Array(4 * 1024);
  readonly #free: number[] = [];
  #end = 0;

  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const slot = this.#end;
    this.#end += 4;
    if (this.#end > this.values.length) {
      const grown = new Float64Array(2 * this.values.length);
      grown.set(this.values);
      this.values = grown;
    }
    return slot;
  }

  giveBack(slot: number): void {
    this.values.fill(0, slot, slot + 4);
    this.#free.push(slot);
  }
}

export class HostTable {
  /** Hosts that made way. */
  evicted = 0;
  readonly #pool: SeriesPool;
  readonly #max: number;
  readonly #counts = new Counts();
  readonly #hosts = new Map<number | string, Host>();

  constructor(pool: SeriesPool, max: number) {
    this.#pool = pool;
    this.#max = max;
  }

  get(address: Address): Host {
    const key = keyOf(address);
    let host = this.#hosts.get(key);
    if (host === undefined) {
      if (this.#hosts.size >= this.#max) this.#makeRoom();
      host = new Host(address, this.#pool, this.#counts);
      this.#hosts.set(key, host);
    }
    return host;
  }

  /** All hosts, those with the most bytes first. */
  list(): Host[] {
    return [...this.#hosts.values()].sort((a, b) => b.bytes - a.bytes || compare(a.address, b.address));
  }

  #makeRoom(): void {
    for (const host of smallerHalf([...this.#hosts.values()])) {
      host.evicted = true;
      this.#pool.release(host.egress);
      this.#pool.release(host.ingress);
      this.#hosts.delete(host.key);
      this.#counts.giveBack(host.slot);
      this.evicted += 1;
    }
  }
}

/** IPv4's word, or IPv6's four as text. */
function keyOf({ version, words }: Address): number | string {
  return version === 4 ? words[0] : `${words[0]},${words[1]},${words[2]},${words[3]}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
