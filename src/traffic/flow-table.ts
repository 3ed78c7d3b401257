/**
 * Finds the flow a packet belongs to.
 *
 * A hash table of its own, because it is asked once per packet: a Map would need a key made of thirty-odd
 * bytes of header, and making that key would cost more than all the rest of the analysis. The hash is the
 * same for both directions, and salted, so that no capture can be made to fall into one bucket.
 *
 * The table is bounded: when full, the half of the flows with the fewest bytes makes way and is counted.
 */
import type { Decoded } from '../capture/index.js';
import { smallerHalf } from './evict.js';
import type { Flow, FlowKey } from './flow.js';

/** Flows that made way, and what they had counted. */
export interface Evicted {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

export class FlowTable {
  readonly #max: number;
  readonly #salt = Math.floor(Math.random() * 2 ** 32);
  #buckets: (Flow | undefined)[] = emptyBuckets(1024);
  #size = 0;
  #evicted = { flows: 0, packets: 0, bytes: 0 };
  /** Whether the packet of the last {@link find} that succeeded goes the flow's forward way. */
  isForward = true;

  constructor(max: number) {
    this.#max = max;
  }

  get evicted(): Evicted {
    return this.#evicted;
  }

  /** The packet's flow; sets {@link isForward} when there is one. */
  find(packet: Decoded): Flow | undefined {
    let flow = this.#buckets[this.#bucketOf(packet)];
    for (; flow !== undefined; flow = flow.next) {
      const { key } = flow;
      if (key.protocol !== packet.protocol || key.version !== packet.version) continue;
      if (isForward(key, packet)) {
        this.isForward = true;
        return flow;
      }
      if (isBackward(key, packet)) {
        this.isForward = false;
        return flow;
      }
    }
    return undefined;
  }

  /** Adds the flow of a packet for which {@link find} found none. */
  insert(flow: Flow, packet: Decoded): void {
    if (this.#size >= this.#max) this.#makeRoom();
    if (this.#size >= this.#buckets.length) this.#rebuild(this.list(), 2 * this.#buckets.length);
    this.#chain(flow, this.#bucketOf(packet));
  }

  /** All flows, in no particular order. */
  list(): Flow[] {
    const flows: Flow[] = [];
    for (let flow of this.#buckets) for (; flow !== undefined; flow = flow.next) flows.push(flow);
    return flows;
  }

  #chain(flow: Flow, bucket: number): void {
    flow.next = this.#buckets[bucket];
    this.#buckets[bucket] = flow;
    this.#size += 1;
  }

  #makeRoom(): void {
    const flows = this.list();
    const leaving = new Set(smallerHalf(flows));
    for (const flow of leaving) {
      this.#evicted.flows += 1;
      this.#evicted.packets += flow.packets;
      this.#evicted.bytes += flow.bytes;
    }
    this.#rebuild(
      flows.filter((flow) => !leaving.has(flow)),
      this.#buckets.length,
    );
  }

  #rebuild(flows: readonly Flow[], buckets: number): void {
    this.#buckets = emptyBuckets(buckets);
    this.#size = 0;
    for (const flow of flows) this.#chain(flow, this.#bucketOfKey(flow.key));
  }

  #bucketOf(packet: Decoded): number {
    const source = this.#endpoint(
      packet.source0,
      packet.source1,
      packet.source2,
      packet.source3,
      packet.sourcePort,
    );
    const destination = this.#endpoint(
      packet.destination0,
      packet.destination1,
      packet.destination2,
      packet.destination3,
      packet.destinationPort,
    );
    return this.#combine(source, destination, packet.protocol);
  }

  #bucketOfKey(key: FlowKey): number {
    const source = this.#endpoint(...key.source, key.sourcePort);
    const destination = this.#endpoint(...key.destination, key.destinationPort);
    return this.#combine(source, destination, key.protocol);
  }

  /** Adding is what makes the hash the same for both directions. The length of the table is a power of 2. */
  #combine(source: number, destination: number, protocol: number): number {
    return mix((source + destination + protocol) | 0) & (this.#buckets.length - 1);
  }

  #endpoint(word0: number, word1: number, word2: number, word3: number, port: number): number {
    let hash = mix(this.#salt ^ word0);
    if ((word1 | word2 | word3) !== 0) hash = mix(mix(mix(hash ^ word1) ^ word2) ^ word3);
    return mix(hash ^ port);
  }
}

/** The finalizer of MurmurHash3 (32 bits): every bit of the input moves every bit of the output. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function emptyBuckets(length: number): (Flow | undefined)[] {
  return new Array<Flow | undefined>(length).fill(undefined);
}

function isForward(key: FlowKey, packet: Decoded): boolean {
  const { source, destination } = key;
  return (
    key.sourcePort === packet.sourcePort &&
    key.destinationPort === packet.destinationPort &&
    source[0] === packet.source0 &&
    destination[0] === packet.destination0 &&
    source[1] === packet.source1 &&
    source[2] === packet.source2 &&
    source[3] === packet.source3 &&
    destination[1] === packet.destination1 &&
    destination[2] === packet.destination2 &&
    destination[3] === packet.destination3
  );
}

function isBackward(key: FlowKey, packet: Decoded): boolean {
  const { source, destination } = key;
  return (
    key.sourcePort === packet.destinationPort &&
    key.destinationPort === packet.sourcePort &&
    source[0] === packet.destination0 &&
    destination[0] === packet.source0 &&
    source[1] === packet.destination1 &&
    source[2] === packet.destination2 &&
    source[3] === packet.destination3 &&
    destination[1] === packet.source1 &&
    destination[2] === packet.source2 &&
    destination[3] === packet.source3
  );
}
