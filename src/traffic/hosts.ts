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
  sentPackets = 0;
  sentBytes = 0;
  receivedPackets = 0;
  receivedBytes = 0;
  /** True once it had to make way: whoever still refers to it must ask the table again. */
  evicted = false;
  readonly #words: Address;
  #text: string | undefined;

  constructor(address: Address, pool: SeriesPool) {
    this.#words = address;
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

  get bytes(): number {
    return this.sentBytes + this.receivedBytes;
  }

  /** Counts what it sent at a bin of the pool's: packets, and bytes in all. */
  send(bin: number, packets: number, bytes: number): void {
    this.sentPackets += packets;
    this.sentBytes += bytes;
    this.egress.addAt(bin, bytes);
  }

  receive(bin: number, packets: number, bytes: number): void {
    this.receivedPackets += packets;
    this.receivedBytes += bytes;
    this.ingress.addAt(bin, bytes);
  }
}

export class HostTable {
  /** Hosts that made way. */
  evicted = 0;
  readonly #pool: SeriesPool;
  readonly #max: number;
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
      host = new Host(address, this.#pool);
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
