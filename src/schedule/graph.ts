/**
 * A schedule as a graph: what waits for what.
 *
 * Three things hold an operation back: the one before it in its stream, those it names in `after`, and, for
 * a receive, its matching send on another rank, or for a get the put of what it wants. A send waits for no one
 * else; what it sent lies ready until it is asked for. Everything that walks a schedule (the check, the in-memory reference, the
 * simulator) walks this graph, so all agree on what the words of a schedule mean.
 *
 * The arrays are flat and typed because rounds with millions of operations are walked too.
 */
import type { GetOperation, Operation, Part, PutOperation, Schedule } from './operation.js';

/** The dependencies within one rank. */
export interface PartGraph {
  /** By id: on how many operations of this rank it waits (one may count twice, here and in `successors`). */
  readonly predecessors: Int32Array;
  /**
   * Those waiting for operation `id` are `successors[offsets[id]]` up to, not including, `offsets[id + 1]`, in
   * ascending order.
   */
  readonly offsets: Int32Array;
  readonly successors: Int32Array;
}

/** Precondition: ids count from 0, and `after` names ids of this part. */
export function partGraph({ operations }: Part): PartGraph {
  const count = operations.length;
  const predecessors = new Int32Array(count);
  const offsets = new Int32Array(count + 1);
  const beforeInStream = previousInStream(operations);
  const eachEdge = (visit: (from: number, to: number) => void) => {
    for (const { id, after } of operations) {
      const before = beforeInStream[id] ?? -1;
      if (before >= 0) visit(before, id);
      for (const from of after) visit(from, id);
    }
  };
  const increment = (array: Int32Array, index: number) => (array[index] = (array[index] ?? 0) + 1);

  eachEdge((from, to) => {
    increment(predecessors, to);
    increment(offsets, from + 1);
  });
  for (let id = 0; id < count; id++) offsets[id + 1] = (offsets[id + 1] ?? 0) + (offsets[id] ?? 0);
  const successors = new Int32Array(offsets[count] ?? 0);
  const filled = offsets.slice(0, count);
  eachEdge((from, to) => {
    successors[filled[from] ?? 0] = to;
    increment(filled, from);
  });
  return { predecessors, offsets, successors };
}

function previousInStream(operations: readonly Operation[]): Int32Array {
  const last = new Map<string, number>();
  const previous = new Int32Array(operations.length);
  for (const { id, stream } of operations) {
    previous[id] = last.get(stream) ?? -1;
    last.set(stream, id);
  }
  return previous;
}

/**
 * `mates[rank][id]` is the id, in the peer's part, of the other end of a transfer: the n-th send from a to b
 * belongs to the n-th receive at b from a. -1 for what is no transfer or has no other end.
 */
export function matchTransfers({ parts, worldSize }: Schedule): Int32Array[] {
  const mates = parts.map((part) => new Int32Array(part.operations.length).fill(-1));
  const sends = new Map<number, number[]>();
  const pair = (from: number, to: number) => from * worldSize + to;
  for (const { rank, operations } of parts) {
    for (const operation of operations) {
      if (operation.kind !== 'send') continue;
      const key = pair(rank, operation.peer);
      const list = sends.get(key);
      if (list) list.push(operation.id);
      else sends.set(key, [operation.id]);
    }
  }
  const taken = new Map<number, number>();
  for (const { rank, operations } of parts) {
    for (const operation of operations) {
      if (operation.kind !== 'recv') continue;
      const key = pair(operation.peer, rank);
      const position = taken.get(key) ?? 0;
      taken.set(key, position + 1);
      const send = sends.get(key)?.[position];
      const [mine, theirs] = [mates[rank], mates[operation.peer]];
      if (send === undefined || !mine || !theirs) continue;
      mine[operation.id] = send;
      theirs[send] = operation.id;
    }
  }
  return mates;
}

/** What an object is called: the same for a put and for all gets of it. */
export const objectName = ({ owner, round }: PutOperation | GetOperation): string => `${owner} ${round}`;

/** By name: the gets of objects that are put in this schedule. Those of other objects wait for nobody in it. */
function matchObjects({ parts }: Schedule): Map<string, Placed[]> {
  const gets = new Map<string, Placed[]>();
  for (const { operations } of parts) {
    for (const operation of operations) if (operation.kind === 'put') gets.set(objectName(operation), []);
  }
  for (const { rank, operations } of parts) {
    for (const operation of operations)
      if (operation.kind === 'get') gets.get(objectName(operation))?.push({ rank, operation });
  }
  return gets;
}

/** An operation and whose it is. */
export interface Placed {
  readonly rank: number;
  readonly operation: Operation;
}

/** Picks which of `count` operations that could be played now is played next: 0 … count-1. */
export type Pick = (count: number) => number;

/**
 * All operations of all ranks, each after everything it waits for. Returns those that can never be played
 * because they wait for each other or for something missing; none if the schedule is sound.
 *
 * @param pick Which of the playable operations comes next; default: the one that became playable last.
 */
export function* topologicalOrder(
  schedule: Schedule,
  pick: Pick = (count) => count - 1,
): Generator<Placed, Placed[]> {
  const graphs = schedule.parts.map(partGraph);
  const mates = matchTransfers(schedule);
  const wanted = matchObjects(schedule);
  const waiting = graphs.map((graph) => graph.predecessors.slice());
  const playable: Placed[] = [];
  const release = (rank: number, id: number) => {
    const [counts, operation] = [waiting[rank], schedule.parts[rank]?.operations[id]];
    if (!counts || !operation) return;
    counts[id] = (counts[id] ?? 0) - 1;
    if (counts[id] === 0) playable.push({ rank, operation });
  };

  for (const { rank, operations } of schedule.parts) {
    for (const operation of operations) {
      const { id, kind } = operation;
      const waits = kind === 'recv' || (kind === 'get' && wanted.has(objectName(operation)));
      // One count more for each, given back below, and one for the matching send or put, given back by that.
      const extra = waits ? 2 : 1;
      const counts = waiting[rank];
      if (counts) counts[id] = (counts[id] ?? 0) + extra;
    }
  }
  for (const { rank, operations } of schedule.parts) {
    for (const { id } of operations) release(rank, id);
  }

  while (playable.length > 0) {
    const chosen = pick(playable.length);
    const placed = playable[chosen];
    const last = playable.pop();
    if (!placed || !last) throw new RangeError(`pick chose ${chosen}, which is not playable`);
    if (placed !== last) playable[chosen] = last;
    yield placed;

    const { rank, operation } = placed;
    const graph = graphs[rank];
    if (!graph) continue;
    for (let at = graph.offsets[operation.id] ?? 0; at < (graph.offsets[operation.id + 1] ?? 0); at++) {
      release(rank, graph.successors[at] ?? -1);
    }
    if (operation.kind === 'send') release(operation.peer, mates[rank]?.[operation.id] ?? -1);
    if (operation.kind === 'put')
      for (const get of wanted.get(objectName(operation)) ?? []) release(get.rank, get.operation.id);
  }
  return schedule.parts.flatMap(({ rank, operations }) =>
    operations.filter(({ id }) => (waiting[rank]?.[id] ?? 0) > 0).map((operation) => ({ rank, operation })),
  );
}
