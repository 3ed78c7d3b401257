/** What is wrong with a schedule that an in-memory player would not notice. */
import { matchTransfers } from '../../../src/schedule/graph.js';
import type { Operation, Schedule } from '../../../src/schedule/operation.js';

/** For each operation of a part the ids of all that must have ended before it starts. */
export function earlierOnes(operations: readonly Operation[]): Set<number>[] {
  const earlier: Set<number>[] = [];
  const lastOf = new Map<string, number>();
  for (const { id, stream, after } of operations) {
    const last = lastOf.get(stream);
    const before = last === undefined ? after : [...after, last];
    earlier[id] = new Set(before.flatMap((one) => [one, ...(earlier[one] ?? [])]));
    lastOf.set(stream, id);
  }
  return earlier;
}

/** Pairs of operations of one rank that touch the same elements, one of them writing, and are not ordered. */
export function races({ parts }: Schedule): string[] {
  const found: string[] = [];
  for (const { rank, operations } of parts) {
    const earlier = earlierOnes(operations);
    for (const a of operations) {
      for (const b of operations) {
        if (a.id >= b.id || earlier[b.id]!.has(a.id) || !clash(a, b)) continue;
        found.push(`rank ${rank}: ${a.kind} ${a.id}, ${b.kind} ${b.id}`);
      }
    }
  }
  return found;
}

/** Device work is taken to touch everything. */
function clash(a: Operation, b: Operation): boolean {
  const [x, y] = [a, b].map((one) => (one.kind === 'send' || one.kind === 'recv' ? one : undefined));
  if (!x || !y) return true;
  const apart = x.buffer !== y.buffer || x.offset + x.length <= y.offset || y.offset + y.length <= x.offset;
  return !apart && [x, y].some((one) => one.kind === 'recv' || one.settle);
}

/**
 * How many operations could never end if nothing were stored between two ranks, so that a send ends only as the
 * matching receive does: what a window of limited size comes to at worst.
 */
export function stuckWithoutStorage(schedule: Schedule): number {
  const mates = matchTransfers(schedule);
  const ended = schedule.parts.map(() => new Set<number>());
  const lists = schedule.parts.map(({ operations }) => {
    const lastOf = new Map<string, number>();
    return operations.map(({ id, stream, after }) => {
      const last = lastOf.get(stream);
      lastOf.set(stream, id);
      return last === undefined ? after : [...after, last];
    });
  });
  const free = (rank: number, id: number) => lists[rank]![id]!.every((one) => ended[rank]!.has(one));
  let left = schedule.parts.flatMap(({ rank, operations }) =>
    operations.map(({ id, kind }) => ({ rank, id, kind })),
  );
  for (;;) {
    const still = left.filter(({ rank, id, kind }) => {
      if (ended[rank]!.has(id)) return false;
      if (!free(rank, id)) return true;
      if (kind === 'send' || kind === 'recv') {
        const operation = schedule.parts[rank]!.operations[id]!;
        const peer = 'peer' in operation ? operation.peer : NaN;
        const mate = mates[rank]![id]!;
        if (!free(peer, mate)) return true;
        ended[peer]!.add(mate);
      }
      ended[rank]!.add(id);
      return false;
    });
    if (still.length === left.length) return still.length;
    left = still;
  }
}
