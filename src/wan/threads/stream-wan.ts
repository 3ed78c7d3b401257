/**
 * The WAN of the stream relay: the stages of src/wan/link put together for all nodes at once.
 *
 *     uplink of the sender  ──►  path  ──►  downlink of the receiver
 *            ▲                    │ lost
 *            └── one round trip ◄─┘
 *
 * A link belongs to a node, not to a connection: all of a node's connections share it in order of arrival.
 *
 * What loss means here. TCP below the relay runs over loopback and loses nothing, and a byte stream cannot
 * lose a part of itself. So a segment that the path loses is sent again one round trip later, as a fast
 * retransmit would, and the receiver holds back what came after it (head-of-line blocking). That models
 * the delay and the repeated bytes of loss. It does not model what loss does to a sender: no congestion
 * window shrinks, no retransmission timer backs off, so a lossy path is slower here by far less than under
 * real TCP. Where that matters, packets must be shaped (the netns fabric). The rates of links hold in
 * both, and so do delay and jitter.
 *
 * A pair that is cut loses whatever comes by, and what it lost is sent again when the pair is joined: at once, where
 * real senders would have backed off and tried again a little later. Until then its senders have to wait.
 *
 * Like its stages it knows no clock and no socket: instants are arguments, in seconds.
 */
import type { Random } from '../../random.js';
import type { Change } from '../../scenario/events/change.js';
import type { Path, Topology } from '../../scenario/topology.js';
import { CALM } from '../../scenario/weather.js';
import { CATCH_UP_SECONDS, DelayLine, RateQueue, TraceQueue, type Queued } from '../link/index.js';
import type { RateTrace } from '../../scenario/rate-trace.js';

export interface Traveller extends Queued {
  /** See laneOf(). */
  readonly lane: number;
  /** Whether it is sent again when lost. */
  readonly reliable: boolean;
}

/** What happens to a traveller on its way; `due` is the instant at which the model has it happen. */
export interface Journey<T extends Traveller> {
  /** It has left the sender's uplink; again so after a loss. */
  departed(traveller: T, from: number): void;
  /** The path lost it. */
  lost(traveller: T, from: number): void;
  /** It has left the receiver's downlink. Travellers of one lane arrive out of order after a loss. */
  arrived(traveller: T, to: number): void;
}

type AccessLink<T extends Traveller> = RateQueue<T> | TraceQueue<T>;

export class StreamWan<T extends Traveller> {
  readonly #size: number;
  readonly #uplinks: readonly AccessLink<T>[];
  readonly #downlinks: readonly AccessLink<T>[];
  readonly #paths: DelayLine<T>;
  /** Lost travellers, until their sender notices. */
  readonly #missing: DelayLine<T>;
  /** By lane that is cut: who is to be sent again. */
  readonly #held = new Map<number, T[]>();
  #pathTable: Path[][];
  readonly #committed: Float64Array;

  constructor(topology: Topology, random: Random) {
    const { nodes, paths } = topology;
    this.#pathTable = paths.map((row) => [...row]);
    this.#size = nodes.length;
    // Nothing is dropped: the relay stops reading from the nodes instead (see BackPressure).
    const settings = { limitBytes: Infinity, catchUp: CATCH_UP_SECONDS };
    const link = (rate: number, trace: RateTrace | undefined) =>
      trace === undefined
        ? new RateQueue<T>({ rate, ...settings })
        : new TraceQueue<T>({ trace, ...settings });
    this.#uplinks = nodes.map((node) => link(node.uplink, node.uplinkTrace));
    this.#downlinks = nodes.map((node) => link(node.downlink, node.downlinkTrace));
    this.#paths = new DelayLine<T>(paths.flat(), random);
    this.#missing = new DelayLine<T>(roundTrips(paths), random);
    this.#committed = new Float64Array(nodes.length);
  }

  /** The lane of the ordered pair: travellers of one lane keep their order on the path. */
  laneOf(from: number, to: number): number {
    return from * this.#size + to;
  }

  /** Bytes in the uplink of a node. */
  uplinkBytes(rank: number): number {
    return this.#uplinks[rank]?.queuedBytes ?? 0;
  }

  /** Bytes in the downlink of a node. */
  downlinkBytes(rank: number): number {
    return this.#downlinks[rank]?.queuedBytes ?? 0;
  }

  /** Bytes anywhere on their way to a node. */
  committedBytes(rank: number): number {
    return this.#committed[rank] ?? 0;
  }

  isCut(from: number, to: number): boolean {
    return this.#held.has(this.laneOf(from, to));
  }

  /** Changes the network from now on. */
  apply({ cut, joined, links, paths }: Change, now: number): void {
    for (const [a, b] of cut)
      for (const lane of [this.laneOf(a, b), this.laneOf(b, a)])
        if (!this.#held.has(lane)) this.#held.set(lane, []);
    for (const [a, b] of joined)
      for (const lane of [this.laneOf(a, b), this.laneOf(b, a)]) {
        const held = this.#held.get(lane) ?? [];
        this.#held.delete(lane);
        for (const traveller of held) this.send(traveller, now);
      }
    for (const { host, property, rate } of links) {
      const link = property === 'uplink' ? this.#uplinks[host] : this.#downlinks[host];
      if (link instanceof RateQueue) link.change(rate, Infinity, now);
    }
    for (const { from, to, path } of paths) {
      this.#pathTable[from]![to] = path;
      this.#paths.setPath(this.laneOf(from, to), path);
      for (const [a, b] of [
        [from, to],
        [to, from],
      ] as const)
        this.#missing.setPath(this.laneOf(a, b), roundTrip(this.#pathTable, a, b));
    }
  }

  send(traveller: T, now: number): void {
    this.#committed[traveller.lane % this.#size]! += traveller.bytes;
    this.#uplinkOf(traveller).accept(traveller, now);
  }

  /** Instant of the next release in seconds; Infinity when nothing is on its way. */
  nextEvent(): number {
    let next = Math.min(this.#paths.nextEvent(), this.#missing.nextEvent());
    for (const link of this.#uplinks) next = Math.min(next, link.nextEvent());
    for (const link of this.#downlinks) next = Math.min(next, link.nextEvent());
    return next;
  }

  /** Moves everything on by one step that is due by `now`; repeat until nextEvent() is later than `now`. */
  release(now: number, journey: Journey<T>): void {
    // Each stage hands on at the instant the model wants, not at `now`, so lateness does not add up.
    this.#missing.release(now, (traveller) => {
      if (!this.#hold(traveller, journey)) this.#uplinkOf(traveller).accept(traveller, traveller.due);
    });
    for (const [rank, link] of this.#uplinks.entries()) {
      if (link.nextEvent() > now) continue;
      link.release(now, (traveller) => {
        if (this.#hold(traveller, journey)) return;
        journey.departed(traveller, rank);
        if (!this.#paths.accept(traveller, traveller.due)) this.#lose(traveller, rank, journey);
      });
    }
    this.#paths.release(now, (traveller) => {
      if (this.#hold(traveller, journey)) return;
      this.#downlinks[traveller.lane % this.#size]!.accept(traveller, traveller.due);
    });
    for (const [rank, link] of this.#downlinks.entries()) {
      if (link.nextEvent() > now) continue;
      link.release(now, (traveller) => {
        if (this.#hold(traveller, journey)) return;
        this.#committed[rank]! -= traveller.bytes;
        journey.arrived(traveller, rank);
      });
    }
  }

  /** Whether its pair is cut; then it has been taken off the network until the pair is joined. */
  #hold(traveller: T, journey: Journey<T>): boolean {
    const held = this.#held.get(traveller.lane);
    if (held === undefined) return false;
    journey.lost(traveller, Math.floor(traveller.lane / this.#size));
    this.#committed[traveller.lane % this.#size]! -= traveller.bytes;
    if (traveller.reliable) held.push(traveller);
    return true;
  }

  #lose(traveller: T, from: number, journey: Journey<T>): void {
    journey.lost(traveller, from);
    if (traveller.reliable) this.#missing.accept(traveller, traveller.due);
    else this.#committed[traveller.lane % this.#size]! -= traveller.bytes;
  }

  #uplinkOf(traveller: T): AccessLink<T> {
    const link = this.#uplinks[Math.floor(traveller.lane / this.#size)];
    if (link === undefined) throw new RangeError(`no uplink for lane ${traveller.lane}`);
    return link;
  }
}

/** For each lane, the wait after which a sender knows that something was lost. */
function roundTrips(paths: Topology['paths']): Path[] {
  return paths.flatMap((row, from) => row.map((_, to) => roundTrip(paths, from, to)));
}

function roundTrip(paths: Topology['paths'], from: number, to: number): Path {
  return { ...CALM, delay: (paths[from]?.[to]?.delay ?? 0) + (paths[to]?.[from]?.delay ?? 0) };
}
