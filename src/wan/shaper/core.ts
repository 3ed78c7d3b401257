/**
 * The core of the network, between the bridge and whoever receives: the shared queues that paths lead through.
 *
 *     the bridge  ──►  shared queues of the path, one after the other  ──►  the receiver's access
 *
 * That is the true order for a packet that has left its sender's uplink and has the receiver's downlink still before it.
 * All nodes that share a queue must be shaped by one thread, so only a fabric where one shapes for all has a core.
 * Packets of one flow (of the same addresses, protocol and ports) share a line of a queue; see fair-queue.ts.
 */
import type { Topology } from '../../scenario/topology.js';
import { CATCH_UP_SECONDS, FairQueue } from '../link/index.js';
import { ETHERNET_HEADER_BYTES, type Packet } from './packet.js';
import { queueBytes } from './queue-bytes.js';

export interface CoreOutputs {
  /** A packet that has passed the last queue of its path to `packet.receiver`, at `packet.due`. */
  arrive(packet: Packet): void;
  /** A packet that a queue had taken, or should take, and has no room for. */
  drop(packet: Packet): void;
}

export class Core {
  readonly #queues: readonly FairQueue<Packet>[];
  readonly #paths: Topology['paths'];
  readonly #outputs: CoreOutputs;
  readonly #pass: (packet: Packet) => void;

  constructor({ bottlenecks = [], paths, queue, mtu }: Topology, outputs: CoreOutputs) {
    this.#paths = paths;
    this.#outputs = outputs;
    this.#pass = (packet) => {
      packet.hop++;
      this.#enter(packet, packet.due);
    };
    const quantum = mtu + ETHERNET_HEADER_BYTES;
    this.#queues = bottlenecks.map(
      ({ rate, queue: limit = queue }) =>
        new FairQueue<Packet>(
          { rate, limitBytes: queueBytes(limit, rate), catchUp: CATCH_UP_SECONDS, quantum },
          (packet) => outputs.drop(packet),
        ),
    );
  }

  /** Takes a packet that has left the bridge; it must know its lane and its receiver. */
  accept(packet: Packet, now: number): void {
    packet.hop = 0;
    packet.markFlow();
    this.#enter(packet, now);
  }

  nextEvent(): number {
    let next = Infinity;
    for (const queue of this.#queues) next = Math.min(next, queue.nextEvent());
    return next;
  }

  release(now: number): void {
    for (const queue of this.#queues) queue.release(now, this.#pass);
  }

  #enter(packet: Packet, now: number): void {
    const index = this.#paths[packet.lane]?.[packet.receiver]?.bottlenecks?.[packet.hop];
    if (index === undefined) {
      packet.due = now;
      this.#outputs.arrive(packet);
    } else if (!this.#queues[index]!.accept(packet, now)) this.#outputs.drop(packet);
  }
}
