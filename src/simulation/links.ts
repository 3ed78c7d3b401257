/**
 * The access links of all hosts, as servers in virtual time. A server has no queue to look at: it only knows
 * when it will be free, and whoever comes takes the time from then on. That is first come, first served,
 * provided it is asked in order of time.
 */
import { hostsOf, type Host, type Topology } from '../scenario/topology.js';
import { stationsBetween, wayBetween } from '../scenario/way.js';
import {
  ackFrameBytes,
  frameBytes,
  packetFramingOf,
  SEGMENTS_PER_ACK,
  tcpPayloadBytes,
  type PacketFraming,
} from '../transport/framing.js';

export interface LinkOptions {
  readonly topology: Topology;
  readonly tls: boolean;
  /** Full segments to one acknowledgement; default 2, Infinity leaves acknowledgements out. */
  readonly segmentsPerAck?: number;
}

/** What a transfer puts on links: bits with its data, and bits with the acknowledgements that come back. */
export interface Load {
  readonly data: number;
  readonly acks: number;
}

/** A transfer on its way from one host's uplink, which it left between `start` and `end`, to another's downlink. */
export interface Carriage extends Span {
  readonly from: number;
  readonly to: number;
  readonly load: Load;
}

/** When the first byte of a transfer is somewhere, and when the last; seconds. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Has something done at a later time. */
export type Later = (time: number, act: () => void) => void;

/** Positions are those of hostsOf(); a node's is its rank. */
export class Links {
  readonly #topology: Topology;
  readonly #hosts: readonly Host[];
  readonly #framing: PacketFraming;
  readonly #segmentsPerAck: number;
  /** Seconds at which the link will have passed on everything it took so far. */
  readonly #uplinkFree: Float64Array;
  readonly #downlinkFree: Float64Array;
  /** Likewise of the queues that paths share. */
  readonly #sharedFree: Float64Array;
  /** Loads of slices by payload bytes; there are few sizes. */
  readonly #slices = new Map<number, Load>();

  constructor({ topology, tls, segmentsPerAck = SEGMENTS_PER_ACK }: LinkOptions) {
    this.#topology = topology;
    this.#hosts = hostsOf(topology);
    this.#framing = packetFramingOf(topology, tls);
    this.#segmentsPerAck = segmentsPerAck;
    this.#uplinkFree = new Float64Array(this.#hosts.length);
    this.#downlinkFree = new Float64Array(this.#hosts.length);
    this.#sharedFree = new Float64Array(topology.bottlenecks?.length ?? 0);
  }

  /** Seconds from one host's uplink to another's downlink. */
  delay(from: number, to: number): number {
    return wayBetween(this.#topology, from, to).delay;
  }

  /** What a slice of `bytes` of payload comes to. */
  slice(bytes: number): Load {
    let load = this.#slices.get(bytes);
    if (!load) {
      load = this.payload(tcpPayloadBytes(bytes, this.#framing));
      this.#slices.set(bytes, load);
    }
    return load;
  }

  /** What so many bytes of TCP come to. */
  payload(tcpPayload: number): Load {
    return {
      data: 8 * frameBytes(tcpPayload, this.#framing),
      acks: 8 * ackFrameBytes(tcpPayload, this.#framing, this.#segmentsPerAck),
    };
  }

  /** Takes a transfer at `time`; when its first byte left, and its last. */
  transmit(from: number, { data }: Load, time: number): Span {
    const start = Math.max(time, this.#uplinkFree[from] ?? 0);
    const end = start + data / (this.#hosts[from]?.uplink ?? NaN);
    this.#uplinkFree[from] = end;
    return { start, end };
  }

  /**
   * Takes a transfer that has left its uplink to the downlink at its end, by way of a tunnel's hosts if there are any:
   * each takes it in and sends it on. `arrived` is told when its first byte and its last will be there.
   */
  carry(
    { from, to, load, start, end }: Carriage,
    at: Later,
    arrived: (first: number, last: number) => void,
  ): void {
    const stations = stationsBetween(this.#topology, from, to);
    const hop = (position: number, leaves: number, left: number): void => {
      const station = stations[position]!;
      const before = stations[position - 1]!;
      const { delay = NaN } = this.#topology.paths[before]?.[station] ?? {};
      const crossed = this.#cross(before, station, load, { start: leaves, end: left });
      const [first, last] = [crossed.start + delay, crossed.end + delay];
      if (position === stations.length - 1) arrived(first, last);
      else
        at(first, () => {
          const through = this.#pass(station, load, first, last);
          hop(position + 1, through.start, through.end);
        });
    };
    hop(1, start, end);
  }

  /**
   * When the first and the last byte of a transfer, which left an uplink at `start` and `end`, have passed the queues
   * that its path shares with others. Who comes first is served first and as a whole, where the network shares a queue
   * between flows packet by packet: all are through at the same time, but one of several may be through too early.
   * Acknowledgements are not booked there.
   */
  #cross(from: number, to: number, { data }: Load, left: Span): Span {
    let passed = left;
    for (const queue of this.#topology.paths[from]?.[to]?.bottlenecks ?? []) {
      const rate = this.#topology.bottlenecks?.[queue]?.rate ?? NaN;
      const begin = Math.max(passed.start, this.#sharedFree[queue] ?? 0);
      this.#sharedFree[queue] = begin + data / rate;
      passed = { start: begin, end: Math.max(passed.end, begin + data / rate) };
    }
    return passed;
  }

  /** Takes a transfer through a host in between. Asked when its first byte is there, so that all come in their order. */
  #pass(station: number, { data }: Load, first: number, last: number): Span {
    const { uplink = NaN, downlink = NaN } = this.#hosts[station] ?? {};
    const served = Math.max(first, this.#downlinkFree[station] ?? 0) + data / downlink;
    this.#downlinkFree[station] = served;
    const start = Math.max(first, this.#uplinkFree[station] ?? 0);
    const sent = start + data / uplink;
    this.#uplinkFree[station] = sent;
    return { start, end: Math.max(last, served, sent) };
  }

  /**
   * Takes a transfer whose first byte comes at `time` and its last at `lastByte`; when the last byte has
   * passed. The work is booked at once though the bytes trickle in, so a transfer from another sender may wait
   * for it a little longer than it would. The acknowledgements are booked on the receiver's uplink.
   */
  receive(to: number, { data, acks }: Load, time: number, lastByte: number): number {
    const { uplink = NaN, downlink = NaN } = this.#hosts[to] ?? {};
    const served = Math.max(time, this.#downlinkFree[to] ?? 0) + data / downlink;
    this.#downlinkFree[to] = served;
    if (acks > 0) this.#uplinkFree[to] = Math.max(time, this.#uplinkFree[to] ?? 0) + acks / uplink;
    return Math.max(lastByte, served);
  }
}
