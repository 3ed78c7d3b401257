/**
 * The access links of all nodes, as servers in virtual time. A server has no queue to look at: it only knows
 * when it will be free, and whoever comes takes the time from then on. That is first come, first served,
 * provided it is asked in order of time.
 */
import type { Topology } from '../scenario/topology.js';
import { ackBytes, SEGMENTS_PER_ACK, wireBytes, type PacketFraming } from '../transport/framing.js';

export interface LinkOptions {
  readonly topology: Topology;
  readonly tls: boolean;
  /** Full segments to one acknowledgement; default 2, Infinity leaves acknowledgements out. */
  readonly segmentsPerAck?: number;
}

export class Links {
  readonly #topology: Topology;
  readonly #framing: PacketFraming;
  readonly #segmentsPerAck: number;
  /** By rank: seconds at which the link will have passed on everything it took so far. */
  readonly #uplinkFree: Float64Array;
  readonly #downlinkFree: Float64Array;
  /** Bits on the wire of a slice and of its acknowledgements, by payload bytes; there are few sizes. */
  readonly #bits = new Map<number, { data: number; acks: number }>();

  constructor({ topology, tls, segmentsPerAck = SEGMENTS_PER_ACK }: LinkOptions) {
    this.#topology = topology;
    this.#framing = { tls, mtu: topology.mtu };
    this.#segmentsPerAck = segmentsPerAck;
    this.#uplinkFree = new Float64Array(topology.nodes.length);
    this.#downlinkFree = new Float64Array(topology.nodes.length);
  }

  /** Seconds from one rank's uplink to another's downlink. */
  delay(from: number, to: number): number {
    return this.#topology.paths[from]?.[to]?.delay ?? NaN;
  }

  /** Takes a slice of `bytes` of payload at `time`; when its first byte left, and its last. */
  transmit(rank: number, bytes: number, time: number): { start: number; end: number } {
    const start = Math.max(time, this.#uplinkFree[rank] ?? 0);
    const end = start + this.#bitsOf(bytes).data / (this.#topology.nodes[rank]?.uplink ?? NaN);
    this.#uplinkFree[rank] = end;
    return { start, end };
  }

  /**
   * Takes a slice whose first byte comes at `time` and its last at `lastByte`; when the last byte has
   * passed. The work is booked at once though the bytes trickle in, so a slice from another sender may wait
   * for it a little longer than it would. The acknowledgements are booked on the rank's uplink.
   */
  receive(rank: number, bytes: number, time: number, lastByte: number): number {
    const { uplink = NaN, downlink = NaN } = this.#topology.nodes[rank] ?? {};
    const { data, acks } = this.#bitsOf(bytes);
    const served = Math.max(time, this.#downlinkFree[rank] ?? 0) + data / downlink;
    this.#downlinkFree[rank] = served;
    if (acks > 0) this.#uplinkFree[rank] = Math.max(time, this.#uplinkFree[rank] ?? 0) + acks / uplink;
    return Math.max(lastByte, served);
  }

  #bitsOf(bytes: number): { data: number; acks: number } {
    let bits = this.#bits.get(bytes);
    if (!bits) {
      bits = {
        data: 8 * wireBytes(bytes, this.#framing),
        acks: 8 * ackBytes(bytes, this.#framing, this.#segmentsPerAck),
      };
      this.#bits.set(bytes, bits);
    }
    return bits;
  }
}
