/**
 * The second player: plays schedules in virtual time, with a model in place of the network.
 *
 * Think of it as a stopwatch that knows the link rates. Each rank has an uplink and a downlink; each is a
 * server that passes on one slice after another, first come, first served, at its rate in wire bytes. The
 * path between them delays, and may lead through queues that it shares with others. A slice is a fluid: its first byte reaches the downlink while its last
 * byte still waits at the uplink, so a downlink that is the faster of the two adds no time of its own.
 * Acknowledgements take their share of the uplink of whoever receives.
 *
 * What it assumes away: TCP keeps the link full (no slow start, no loss, no retransmission), queues have
 * room, paths do not jitter, packets have no size (store-and-forward of the last one, 0.3 ms at 40 Mbit/s,
 * is missing), compute takes exactly its pace. The emulation has all of these; where the two
 * differ, the difference is theirs.
 *
 * It is event-driven and deterministic: events happen in order of time, then in the order they arose.
 */
import TinyQueue from 'tinyqueue';
import { RunError } from '../errors.js';
import type { Topology } from '../scenario/topology.js';
import type { Operation, RecvOperation, Schedule, SendOperation } from '../schedule/operation.js';
import type { TimedOperation } from '../schedule/timed.js';
import { Links } from './links.js';
import { RoundState } from './round-state.js';
import { Store } from './store.js';

export interface SimulationOptions {
  readonly topology: Topology;
  /** Seconds of one inner step. */
  readonly pace: number;
  readonly tls: boolean;
  /** Seconds of an outer step; default 0. */
  readonly outerSeconds?: number;
  /** Full segments to one acknowledgement, which takes uplink; default 2, Infinity leaves them out. */
  readonly segmentsPerAck?: number;
  /** Bytes of a part of objects that travel in several; default: none does. */
  readonly part?: number;
}

/** An operation ends (`ends`), or the first byte of a slice reaches its receiver's downlink. */
interface OperationEvent {
  readonly time: number;
  readonly ends: boolean;
  /** Position in the list of schedules; so `round` throughout this class. */
  readonly round: number;
  readonly rank: number;
  readonly id: number;
}

/** Anything else that happens. */
interface Deed {
  readonly time: number;
  readonly act: () => void;
}

type Event = (OperationEvent | Deed) & { readonly order: number };

/**
 * Plays successive rounds: a rank starts the next one as soon as its own part of this one has ended, whatever
 * the others do. Every rank starts the first at time 0.
 *
 * @param schedules Sound ones (`checkSchedule`), in order, all for the topology's nodes.
 * @returns Every operation with its times in seconds, in order of round, rank and id.
 * @throws RunError if some operations can never start; RangeError if the world size is not the topology's.
 */
export function simulate(schedules: readonly Schedule[], options: SimulationOptions): TimedOperation[] {
  for (const { worldSize } of schedules) {
    if (worldSize === options.topology.nodes.length) continue;
    throw new RangeError(`a schedule for ${worldSize} ranks, ${options.topology.nodes.length} nodes`);
  }
  return new Simulation(schedules, options).run();
}

class Simulation {
  readonly #schedules: readonly Schedule[];
  readonly #options: SimulationOptions;
  readonly #rounds: (RoundState | undefined)[];
  readonly #links: Links;
  readonly #events = new TinyQueue<Event>([], (a, b) => a.time - b.time || a.order - b.order);
  readonly #store: Store;
  #eventCount = 0;

  constructor(schedules: readonly Schedule[], options: SimulationOptions) {
    this.#schedules = schedules;
    this.#options = options;
    this.#rounds = schedules.map(() => undefined);
    this.#links = new Links(options);
    this.#store = new Store({
      links: this.#links,
      position: options.topology.nodes.length,
      framing: { tls: options.tls, part: options.part ?? Infinity },
      firstRound: schedules[0]?.round ?? 0,
      at: (time, act) => this.#push({ time, act }),
    });
  }

  run(): TimedOperation[] {
    for (const { rank } of this.#options.topology.nodes) this.#enter(0, rank, 0);
    for (let event = this.#events.pop(); event; event = this.#events.pop()) {
      if ('act' in event) event.act();
      else if (event.ends) this.#end(event);
      else this.#arrive(event);
    }
    return this.#schedules.flatMap((schedule, position) => {
      const state = this.#round(position);
      const [stuck] = state.unfinished();
      if (!stuck) return state.timed(schedule.round);
      throw new RunError(
        `schedule of round ${schedule.round} can't be played: operation ${stuck.operation.id} of rank ${stuck.rank} never starts`,
      );
    });
  }

  /** The state of a round, made when the first rank, or the first slice sent to one, gets there. */
  #round(round: number): RoundState {
    const schedule = this.#schedules[round];
    if (!schedule) throw new RangeError(`round ${round} of ${this.#schedules.length}`);
    return (this.#rounds[round] ??= new RoundState(schedule));
  }

  #enter(round: number, rank: number, time: number): void {
    if (round >= this.#schedules.length) return;
    const state = this.#round(round);
    const initial = state.enter(rank, time);
    for (const operation of initial) this.#start(round, rank, operation, time);
    if (state.ranks[rank]?.unfinished === 0) this.#enter(round + 1, rank, time);
  }

  /** Everything the operation waited for on its own rank has ended. */
  #start(round: number, rank: number, operation: Operation, time: number): void {
    switch (operation.kind) {
      case 'compute':
        this.#play(round, rank, operation.id, time, time + operation.steps * this.#options.pace);
        break;
      case 'compress':
      case 'aggregate':
      case 'outer': {
        const seconds = operation.cost * (this.#options.outerSeconds ?? 0);
        this.#play(round, rank, operation.id, time, time + seconds);
        break;
      }
      case 'stage':
        this.#play(round, rank, operation.id, time, time + operation.cost * this.#options.pace);
        break;
      case 'wait': {
        const until = this.#round(round).of(rank).entered + operation.paces * this.#options.pace;
        this.#play(round, rank, operation.id, time, Math.max(time, until));
        break;
      }
      case 'put':
        this.#store.put(rank, operation, time, (start, end) =>
          this.#play(round, rank, operation.id, start, end),
        );
        break;
      case 'get':
        this.#store.get(rank, operation, time, (start, end) =>
          this.#play(round, rank, operation.id, start, end),
        );
        break;
      case 'send':
        this.#send(round, rank, operation, time);
        break;
      case 'recv': {
        const slices = this.#round(round).of(rank);
        slices.ready[operation.id] = time;
        this.#receiveIfArrived(round, rank, operation.id);
        break;
      }
    }
  }

  #send(round: number, rank: number, operation: SendOperation, time: number): void {
    const load = this.#links.slice(operation.bytes);
    const { start, end } = this.#links.transmit(rank, load, time);
    this.#play(round, rank, operation.id, start, end);
    const recv = this.#round(round).of(rank).mates[operation.id] ?? -1;
    if (recv < 0) return;
    const at = (time: number, act: () => void) => this.#push({ time, act });
    this.#links.carry({ from: rank, to: operation.peer, load, start, end }, at, (first, last) => {
      this.#round(round).of(operation.peer).lastByte[recv] = last;
      this.#push({ time: first, ends: false, round, rank: operation.peer, id: recv });
    });
  }

  #arrive({ round, rank, id, time }: OperationEvent): void {
    const slices = this.#round(round).of(rank);
    const { bytes } = slices.operations[id] as RecvOperation;
    slices.firstByte[id] = time;
    slices.arrived[id] = this.#links.receive(
      rank,
      this.#links.slice(bytes),
      time,
      slices.lastByte[id] ?? time,
    );
    this.#receiveIfArrived(round, rank, id);
  }

  /** A receive ends when it was asked for and its last byte is there, whichever comes later. */
  #receiveIfArrived(round: number, rank: number, id: number): void {
    const slices = this.#round(round).of(rank);
    const ready = slices.ready[id] ?? NaN;
    const arrived = slices.arrived[id] ?? NaN;
    if (Number.isNaN(ready) || Number.isNaN(arrived)) return;
    this.#play(round, rank, id, Math.max(ready, slices.firstByte[id] ?? NaN), Math.max(ready, arrived));
  }

  #play(round: number, rank: number, id: number, start: number, end: number): void {
    const slices = this.#round(round).of(rank);
    slices.start[id] = start;
    slices.end[id] = end;
    this.#push({ time: end, ends: true, round, rank, id });
  }

  #end({ round, rank, id, time }: OperationEvent): void {
    const state = this.#round(round);
    for (const operation of state.finish(rank, id)) this.#start(round, rank, operation, time);
    if (state.of(rank).unfinished === 0) this.#enter(round + 1, rank, time);
  }

  #push(event: OperationEvent | Deed): void {
    this.#events.push({ ...event, order: this.#eventCount++ });
  }
}
