/**
 * How far a round has come, in the simulator: for every rank, what each operation still waits for, and when
 * what has been played was played. Bookkeeping only; it knows no clock and no link.
 */
import { matchTransfers, partGraph, type PartGraph, type Placed } from '../schedule/graph.js';
import type { Operation, Part, Schedule } from '../schedule/operation.js';
import type { TimedOperation } from '../schedule/timed.js';

/** One rank's part. Arrays are by id; times are seconds, NaN until known. */
export interface RankState {
  readonly operations: readonly Operation[];
  readonly graph: PartGraph;
  /** The id of a transfer's other end, in the peer's part. */
  readonly mates: Int32Array;
  /** Operations of this rank that have to end first. */
  readonly waiting: Int32Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Of a receive: when it was asked for. */
  readonly ready: Float64Array;
  /** Of a receive: when its first byte reaches the downlink, its last byte does, and its last byte is through. */
  readonly firstByte: Float64Array;
  readonly lastByte: Float64Array;
  readonly arrived: Float64Array;
  /** Operations that have not ended. */
  unfinished: number;
  /** When the rank began the round; NaN until then. */
  entered: number;
}

export class RoundState {
  readonly ranks: readonly RankState[];

  constructor(schedule: Schedule) {
    const mates = matchTransfers(schedule);
    this.ranks = schedule.parts.map((part, rank) => rankState(part, mates[rank] ?? new Int32Array()));
  }

  of(rank: number): RankState {
    const state = this.ranks[rank];
    if (!state) throw new RangeError(`rank ${rank} of ${this.ranks.length}`);
    return state;
  }

  /** The operations with which a rank begins, at `time`. */
  enter(rank: number, time: number): Operation[] {
    this.of(rank).entered = time;
    const { operations, graph } = this.of(rank);
    return operations.filter(({ id }) => graph.predecessors[id] === 0);
  }

  /** Counts an operation as ended; returns those that waited for nothing else, in order of id. */
  finish(rank: number, id: number): Operation[] {
    const state = this.of(rank);
    const { offsets, successors } = state.graph;
    const free: Operation[] = [];
    state.unfinished--;
    for (let at = offsets[id] ?? 0; at < (offsets[id + 1] ?? 0); at++) {
      const successor = successors[at] ?? -1;
      const left = (state.waiting[successor] ?? 0) - 1;
      state.waiting[successor] = left;
      const operation = state.operations[successor];
      if (left === 0 && operation) free.push(operation);
    }
    return free;
  }

  unfinished(): Placed[] {
    return this.ranks.flatMap(({ operations, end }, rank) =>
      operations.filter(({ id }) => Number.isNaN(end[id])).map((operation) => ({ rank, operation })),
    );
  }

  timed(round: number): TimedOperation[] {
    return this.ranks.flatMap(({ operations, start, end }, rank) =>
      operations.map((operation) => ({
        rank,
        round,
        operation,
        start: start[operation.id] ?? NaN,
        end: end[operation.id] ?? NaN,
      })),
    );
  }
}

function rankState(part: Part, mates: Int32Array): RankState {
  const graph = partGraph(part);
  const times = () => new Float64Array(part.operations.length).fill(NaN);
  return {
    operations: part.operations,
    graph,
    mates,
    waiting: graph.predecessors.slice(),
    start: times(),
    end: times(),
    ready: times(),
    firstByte: times(),
    lastByte: times(),
    arrived: times(),
    unfinished: part.operations.length,
    entered: NaN,
  };
}
