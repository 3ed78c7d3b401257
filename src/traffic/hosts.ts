/**
 * The hosts of a capture: for each IP address what it sent and received, in total and over time.
 *
 * The table is bounded. When it is full, the half with the fewest bytes makes way and is counted: a scan
 * of a million addresses costs no memory, and the hosts that matter are never among the smallest half. Once that
 * has happened, newcomers are let in by chance, the more likely the more bytes they bring: who brings as many as the
 * largest of those who had to go, at once. Else a crowd larger than the table would be let in and thrown out by turns,
 * which costs time and finds nobody. Who is not let in is {@link HostTable.nobody}.
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

  /** @internal Made by {@link HostTable.add}. */
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
  values = new Float64Array(0);
  readonly #free: number[] = [];
  #end = 0;

  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const slot = this.#end;
    this.#end += 4;
    if (this.#end > this.values.length) {
      const grown = new Float64Array(Math.max(4096, 2 * this.values.length));
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

/** Making room is paid for when this many times the table's size have been looked for in vain. */
const CALM = 32;

export class HostTable {
  /** Hosts that made way. */
  evicted = 0;
  /** Stands for all who were not let in; as evicted, so that one asks again with the next packet. */
  readonly nobody: Host;
  /** Who brings as many bytes is let in at once. */
  #floor = 0;
  /** Look-ups since somebody last had to make way that found nobody. */
  #missed = 0;
  /** Of the chance by which newcomers are let in: a 32-bit xorshift, so that the same packets make the same table. */
  #chance = 0x9e3779b9;
  readonly #pool: SeriesPool;
  readonly #max: number;
  readonly #counts = new Counts();
  readonly #hosts = new Map<number | string, Host>();

  constructor(pool: SeriesPool, max: number) {
    this.#pool = pool;
    this.#max = max;
    this.nobody = new Host({ version: 4, words: [0, 0, 0, 0] }, pool, this.#counts);
    this.nobody.evicted = true;
  }

  /**
   * The host with a key (see {@link keyOf}); {@link nobody}, if it is not let in; undefined, if it is to be {@link add}ed.
   *
   * @param bytes what it sends or receives now.
   */
  find(key: number | string, bytes: number): Host | undefined {
    const host = this.#hosts.get(key);
    if (host !== undefined) return host;
    this.#missed += 1;
    return this.#floor > 0 && this.#draw() * this.#floor > bytes ? this.nobody : undefined;
  }

  /** A new host. */
  add(address: Address): Host {
    if (this.#hosts.size >= this.#max) this.#makeRoom();
    const host = new Host(address, this.#pool, this.#counts);
    this.#hosts.set(host.key, host);
    return host;
  }

  /** All hosts, those with the most bytes first. */
  list(): Host[] {
    return [...this.#hosts.values()].sort((a, b) => b.bytes - a.bytes || compare(a.address, b.address));
  }

  /** In [0, 1). */
  #draw(): number {
    let chance = this.#chance;
    chance ^= chance << 13;
    chance ^= chance >>> 17;
    chance ^= chance << 5;
    this.#chance = chance;
    return (chance >>> 0) / 2 ** 32;
  }

  #makeRoom(): void {
    // Where it comes to this often, the door closes a little further.
    this.#floor *= this.#missed < CALM * this.#max ? 2 : 0.5;
    this.#missed = 0;
    for (const host of smallerHalf([...this.#hosts.values()])) {
      if (host.bytes > this.#floor) this.#floor = host.bytes;
      host.evicted = true;
      this.#pool.release(host.egress);
      this.#pool.release(host.ingress);
      this.#hosts.delete(host.key);
      this.#counts.giveBack(host.slot);
      this.evicted += 1;
    }
  }
}

/** IPv4's word, signed, for the engine keeps such numbers without an object; or IPv6's four as text. */
export function keyOf({ version, words }: Address): number | string {
  return version === 4 ? words[0] | 0 : `${words[0]},${words[1]},${words[2]},${words[3]}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
