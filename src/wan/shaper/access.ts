/**
 * One node's access to the network: every packet it sends or receives passes here.
 *
 *     sent      path, if held here  ──►  uplink (queue, rate)  ──►  the bridge
 *     received  the bridge  ──►  core, if shared queues are on the path  ──►  path, if held here
 *               ──►  downlink (queue, rate)  ──►  the node
 *
 * The access link comes last on the way out too, although a real packet meets its own uplink first. For TCP
 * the order of two stages of one path makes no difference; but so the bridge, where the capture is, never
 * sees a node send faster than its uplink, whatever jitter bunches or this machine's clock delays.
 *
 * Built from the stages of src/wan/link, and like them without clock or device: packets and instants go in,
 * packets come out. Who holds a packet for the path's delay is the flow table's business.
 */
import type { Random } from '../../random.js';
import type { Change } from '../../scenario/events/change.js';
import type { RateTrace } from '../../scenario/rate-trace.js';
import type { Path, QueueLimit, Topology } from '../../scenario/topology.js';
import { CATCH_UP_SECONDS, DelayLine, RateQueue, TraceQueue, type Handling } from '../link/index.js';
import { Cuts } from './cuts.js';
import { FlowTable } from './flow-table.js';
import { addressNumber, type Packet } from './packet.js';
import { queueBytes } from './queue-bytes.js';

/** What became of a packet that was offered. */
export type Verdict = 'queued' | 'dropped' | 'lost' | 'stray';

type AccessLink = RateQueue<Packet> | TraceQueue<Packet>;

export interface AccessOutputs {
  toBridge(packet: Packet, now: number): void;
  toNode(packet: Packet, now: number): void;
  /** A packet that came from the bridge and has shared queues on its path; it comes back by arrive(). */
  toCore(packet: Packet, now: number): void;
  /** A packet that found its access link's queue full after it had come along the path. */
  drop(packet: Packet): void;
  /** A packet that its path lost after it had come through the core, or that was on its way when its pair was cut. */
  lose(packet: Packet): void;
}

export class Access {
  readonly #rank: number;
  readonly #queue: QueueLimit;
  readonly #address: number;
  readonly #rankOf: ReadonlyMap<number, number>;
  readonly #flows = new FlowTable();
  readonly #cuts: Cuts;
  readonly #uplink: AccessLink;
  readonly #pathOut: DelayLine<Packet>;
  readonly #pathIn: DelayLine<Packet>;
  readonly #downlink: AccessLink;
  readonly #outputs: AccessOutputs;
  /** Whether shared queues are on the path from each rank. */
  readonly #throughCore: readonly boolean[];
  // Made once, since a function for each call would be garbage for each turn of the shaper.
  readonly #intoUplink: (packet: Packet) => void;
  readonly #intoDownlink: (packet: Packet) => void;

  constructor(
    topology: Topology,
    rank: number,
    random: Random,
    outputs: AccessOutputs,
    handling?: Handling<Packet>,
  ) {
    const node = topology.nodes[rank];
    if (node === undefined) throw new RangeError(`no rank ${rank}`);
    this.#rank = rank;
    this.#queue = topology.queue;
    this.#cuts = new Cuts(topology.nodes.length);
    this.#address = addressNumber(node.address);
    this.#rankOf = new Map(topology.nodes.map((other) => [addressNumber(other.address), other.rank]));
    this.#uplink = accessLink(node.uplink, node.uplinkTrace, topology);
    this.#downlink = accessLink(node.downlink, node.downlinkTrace, topology);
    this.#pathOut = new DelayLine(topology.paths[rank] ?? [], random, handling);
    const paths = pathsTo(topology, rank);
    this.#pathIn = new DelayLine(paths, random, handling);
    this.#outputs = outputs;
    this.#throughCore = paths.map(({ bottlenecks = [] }) => bottlenecks.length > 0);
    // A stage passes a packet on at the instant the model wanted it out, so lateness does not add up.
    this.#intoUplink = (packet) => {
      if (!this.#cuts.passes(packet)) outputs.lose(packet);
      else if (!this.#uplink.accept(packet, packet.due)) outputs.drop(packet);
    };
    this.#intoDownlink = (packet) => {
      if (!this.#cuts.passes(packet)) outputs.lose(packet);
      else if (!this.#downlink.accept(packet, packet.due)) outputs.drop(packet);
    };
  }

  get queuedBytes(): number {
    return this.#uplink.queuedBytes + this.#downlink.queuedBytes;
  }

  /** Takes a packet that the node sent or that arrived for it; `stray` when it is neither. */
  accept(packet: Packet, now: number): Verdict {
    if (!packet.isIpv4) return 'stray';
    return packet.source === this.#address ? this.#send(packet, now) : this.#receive(packet, now);
  }

  /** Takes back a packet that has passed the core, at `packet.due`. */
  arrive(packet: Packet): void {
    if (!this.#flows.holdsIncoming(packet)) this.#intoDownlink(packet);
    else if (!this.#pathIn.accept(packet, packet.due)) this.#outputs.lose(packet);
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
    this.#pathOut.release(now, this.#intoUplink);
    this.#uplink.release(now, (packet) => {
      if (this.#cuts.passes(packet)) this.#outputs.toBridge(packet, now);
      else this.#outputs.lose(packet);
    });
    this.#pathIn.release(now, this.#intoDownlink);
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
      // The rate of a link with a trace is its trace's; no event may set it.
      if (link instanceof RateQueue) link.change(rate, queueBytes(this.#queue, rate), now);
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
    if (this.#throughCore[peer] === true) {
      packet.receiver = this.#rank;
      this.#outputs.toCore(packet, now);
      return 'queued';
    }
    if (this.#flows.holdsIncoming(packet)) return this.#pathIn.accept(packet, now) ? 'queued' : 'lost';
    return this.#downlink.accept(packet, now) ? 'queued' : 'dropped';
  }
}

/** The stage that sends at a link's rate, or when its trace lets it. */
function accessLink(rate: number, trace: RateTrace | undefined, topology: Topology): AccessLink {
  const settings = { limitBytes: queueBytes(topology.queue, rate), catchUp: CATCH_UP_SECONDS };
  return trace === undefined
    ? new RateQueue<Packet>({ rate, ...settings })
    : new TraceQueue<Packet>({ trace, ...settings });
}

/** The paths towards a rank, by the rank they come from. */
function pathsTo(topology: Topology, rank: number): Path[] {
  return topology.paths.map((from) => {
    const path = from[rank];
    if (path === undefined) throw new RangeError(`no path to rank ${rank}`);
    return path;
  });
}
