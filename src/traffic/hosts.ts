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
  readonly address: string;
  /** Frame bytes over time, by the seconds of the analysis. */
  readonly egress: ByteSeries;
  readonly ingress: ByteSeries;
  sentPackets = 0;
  sentBytes = 0;
  receivedPackets = 0;
  receivedBytes = 0;
  /** True once it had to make way: whoever still refers to it must ask the table again. */
  evicted = false;

  constructor(address: string, pool: SeriesPool) {
    this.address = address;
    this.egress = pool.create();
    this.ingress = pool.create();
  }

  get bytes(): number {
    return this.sentBytes + this.receivedBytes;
  }

  send(seconds: number, bytes: number): void {
    this.sentPackets += 1;
    this.sentBytes += bytes;
    this.egress.add(seconds, bytes);
  }

  receive(seconds: number, bytes: number): void {
    this.receivedPackets += 1;
    this.receivedBytes += bytes;
    this.ingress.add(seconds, bytes);
  }
}

export class HostTable {
  /** Hosts that made way. */
  evicted = 0;
  readonly #pool: SeriesPool;
  readonly #max: number;
  readonly #hosts = new Map<string, Host>();

  constructor(pool: SeriesPool, max: number) {
    this.#pool = pool;
    this.#max = max;
  }

  get(address: Address): Host {
    const text = formatAddress(address);
    let host = this.#hosts.get(text);
    if (host === undefined) {
      if (this.#hosts.size >= this.#max) this.#makeRoom();
      host = new Host(text, this.#pool);
      this.#hosts.set(text, host);
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
      this.#hosts.delete(host.address);
      this.evicted += 1;
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
