/**
 * One node's access to the network: every packet it sends or receives passes here.
 *
 *     sent      path, if held here  ──►  uplink (queue, rate)  ──►  the bridge
 *     received  the bridge  ──►  path, if held here  ──►  downlink (queue, rate)  ──►  the node
 *
 * The access link comes last on the way out too, although a real packet meets its own uplink first. For TCP
 * the order of two stages of one path makes no difference; but so the bridge, where the capture is, never
 * sees a node send faster than its uplink, whatever jitter bunches or this machine's clock delays.
 *
 * Built from the stages of src/wan/link, and like them without clock or device: packets and instants go in,
 * packets come out. Who holds a packet for the path's delay is the flow table's business.
 */
import type { Random } from '../../random.js';
import type { Path, QueueLimit, Topology } from '../../scenario/topology.js';
import type { Change } from '../../scenario/events/change.js';
import { CATCH_UP_SECONDS, DelayLine, RateQueue } from '../link/index.js';
import { Cuts } from './cuts.js';
import { FlowTable } from './flow-table.js';
import { addressNumber, type Packet } from './packet.js';

/** What became of a packet that was offered. */
export type Verdict = 'queued' | 'dropped' | 'lost' | 'stray';

export interface AccessOutputs {
  toBridge(packet: Packet, now: number): void;
  toNode(packet: Packet, now: number): void;
  /** A packet that found its access link's queue full after it had come along the path. */
  drop(packet: Packet): void;
  /** A packet that was on its way when its pair was cut. */
  lose(packet: Packet): void;
}

export class Access {
  readonly #rank: number;
  readonly #queue: QueueLimit;
  readonly #address: number;
  readonly #rankOf: ReadonlyMap<number, number>;
  readonly #flows = new FlowTable();
  readonly #cuts: Cuts;
  readonly #uplink: RateQueue<Packet>;
  readonly #pathOut: DelayLine<Packet>;
  readonly #pathIn: DelayLine<Packet>;
  readonly #downlink: RateQueue<Packet>;
  readonly #outputs: AccessOutputs;

  constructor(topology: Topology, rank: number, random: Random, outputs: AccessOutputs) {
    const node = topology.nodes[rank];
    if (node === undefined) throw new RangeError(`no rank ${rank}`);
    this.#rank = rank;
    this.#queue = topology.queue;
    this.#cuts = new Cuts(topology.nodes.length);
    this.#address = addressNumber(node.address);
    this.#rankOf = new Map(topology.nodes.map((other) => [addressNumber(other.address), other.rank]));
    this.#uplink = accessLink(node.uplink, topology);
    this.#downlink = accessLink(node.downlink, topology);
    this.#pathOut = new DelayLine(topology.paths[rank] ?? [], random);
    this.#pathIn = new DelayLine(pathsTo(topology, rank), random);
    this.#outputs = outputs;
  }

  get queuedBytes(): number {
    return this.#uplink.queuedBytes + this.#downlink.queuedBytes;
  }

  /** Takes a packet that the node sent or that arrived for it; `stray` when it is neither. */
  accept(packet: Packet, now: number): Verdict {
    if (!packet.isIpv4) return 'stray';
    return packet.source === this.#address ? this.#send(packet, now) : this.#receive(packet, now);
  }

  nextEvent(): number {
    return Math.min(
      this.#uplink.nextEvent(),
      this.#pathOut.nextEvent(),
      this.#pathIn.nextEvent(),
      this.#downlink.nextEvent(),
    );
  }

  /** Moves everything that is due by `now` on to its next stage, or out. */
  release(now: number): void {
    // A stage passes a packet on at the instant the model wanted it out, so lateness does not add up.
    this.#pathOut.release(now, (packet) => {
      if (!this.#cuts.passes(packet)) this.#outputs.lose(packet);
      else if (!this.#uplink.accept(packet, packet.due)) this.#outputs.drop(packet);
    });
    this.#uplink.release(now, (packet) => {
      if (this.#cuts.passes(packet)) this.#outputs.toBridge(packet, now);
      else this.#outputs.lose(packet);
    });
    this.#pathIn.release(now, (packet) => {
      if (!this.#cuts.passes(packet)) this.#outputs.lose(packet);
      else if (!this.#downlink.accept(packet, packet.due)) this.#outputs.drop(packet);
    });
    this.#downlink.release(now, (packet) => {
      if (this.#cuts.passes(packet)) this.#outputs.toNode(packet, now);
      else this.#outputs.lose(packet);
    });
  }

  /** Applies what concerns this host of a change of the network. */
  apply({ cut, joined, links, paths }: Change, now: number): void {
    for (const [a, b] of cut) if (a === this.#rank || b === this.#rank) this.#cuts.cut(a + b - this.#rank);
    for (const [a, b] of joined)
      if (a === this.#rank || b === this.#rank) this.#cuts.join(a + b - this.#rank);
    for (const { host, property, rate } of links) {
      if (host !== this.#rank) continue;
      const link = property === 'uplink' ? this.#uplink : this.#downlink;
      link.change(rate, queueBytes(this.#queue, rate), now);
    }
    for (const { from, to, path } of paths) {
      if (from === this.#rank) this.#pathOut.setPath(to, path);
      if (to === this.#rank) this.#pathIn.setPath(from, path);
    }
  }

  #send(packet: Packet, now: number): Verdict {
    const peer = this.#rankOf.get(packet.destination);
    if (peer === undefined) return 'stray';
    packet.lane = peer;
    if (!this.#cuts.admit(packet)) return 'lost';
    if (this.#flows.holdsOutgoing(packet)) return this.#pathOut.accept(packet, now) ? 'queued' : 'lost';
    return this.#uplink.accept(packet, now) ? 'queued' : 'dropped';
  }

  #receive(packet: Packet, now: number): Verdict {
    const peer = this.#rankOf.get(packet.source);
    if (peer === undefined || packet.destination !== this.#address) return 'stray';
    packet.lane = peer;
    if (!this.#cuts.admit(packet)) return 'lost';
    if (this.#flows.holdsIncoming(packet)) return this.#pathIn.accept(packet, now) ? 'queued' : 'lost';
    return this.#downlink.accept(packet, now) ? 'queued' : 'dropped';
  }
}

function accessLink(rate: number, topology: Topology): RateQueue<Packet> {
  return new RateQueue({ rate, limitBytes: queueBytes(topology.queue, rate), catchUp: CATCH_UP_SECONDS });
}

/** The drop-tail limit of a link of `rate` bit/s, in bytes. */
export function queueBytes(limit: QueueLimit, rate: number): number {
  return 'bytes' in limit ? limit.bytes : (limit.seconds * rate) / 8;
}

/** The paths towards a rank, by the rank they come from. */
function pathsTo(topology: Topology, rank: number): Path[] {
  return topology.paths.map((from) => {
    const path = from[rank];
    if (path === undefined) throw new RangeError(`no path to rank ${rank}`);
    return path;
  });
}
