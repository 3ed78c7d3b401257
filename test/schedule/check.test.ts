/** The check finds what is seeded into a sound schedule; and it finds nothing in the sound one. */
import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { RunError } from '../../src/errors.js';
import { checkSchedule, problemsOf } from '../../src/schedule/check.js';
import type { Operation, Schedule } from '../../src/schedule/operation.js';

const sound = compileRound({
  protocol: { kind: 'ddp', slice: 16 },
  worldSize: 3,
  parameterCount: 24,
  round: 0,
});

/** The sound schedule with rank 1's operations changed. */
function mutated(change: (operations: Operation[]) => Operation[]): Schedule {
  const parts = sound.parts.map((part) =>
    part.rank === 1 ? { rank: 1, operations: change([...part.operations]) } : part,
  );
  return { ...sound, parts };
}

/** Gives operations ids by position and redirects `after`, so that only the seeded fault is left. */
function renumbered(operations: Operation[]): Operation[] {
  const ids = new Map(operations.map(({ id }, position) => [id, position]));
  return operations.map((operation, id) => ({
    ...operation,
    id,
    after: operation.after.flatMap((before) => ids.get(before) ?? []),
  }));
}

function replace(kind: Operation['kind'], nth: number, changes: object): Schedule {
  return mutated((operations) => {
    const target = operations.filter((operation) => operation.kind === kind)[nth];
    return operations.map((operation) => (operation === target ? { ...operation, ...changes } : operation));
  });
}

describe('checkSchedule', () => {
  it('accepts a sound schedule', () => {
    expect(problemsOf(sound)).toEqual([]);
    expect(() => checkSchedule(sound)).not.toThrow();
  });

  it('throws a RunError that names schedule and problem', () => {
    const broken = replace('recv', 0, { length: 3 });
    expect(() => checkSchedule(broken)).toThrow(RunError);
    expect(() => checkSchedule(broken)).toThrow(
      /schedule ddp, round 0: 0 to 1, slice 0: length 4 sent, 3 expected/,
    );
  });

  it.each(['send', 'recv'] as const)('finds a dropped %s', (kind) => {
    const broken = mutated((operations) => {
      const last = operations.findLast((operation) => operation.kind === kind);
      return renumbered(operations.filter((operation) => operation !== last));
    });
    expect(problemsOf(broken).join()).toMatch(/\d sends, \d recvs/);
  });

  it('finds two receives swapped', () => {
    const broken = mutated((operations) => {
      const [a, b] = operations.flatMap(({ kind }, at) => (kind === 'recv' ? [at] : []));
      const [first, second] = [operations[a ?? -1], operations[b ?? -1]];
      if (!first || !second) throw new Error('no two receives');
      return renumbered(operations.with(a ?? -1, second).with(b ?? -1, first));
    });
    expect(problemsOf(broken).join()).toMatch(/recv 0 has sequence 1/);
  });

  it('finds a cycle within a rank', () => {
    const broken = mutated((operations) =>
      operations.map((operation) =>
        operation.id === 0 ? { ...operation, after: [operations.length - 1] } : operation,
      ),
    );
    expect(problemsOf(broken)).toContain(
      'rank 1, operation 0 (compute on compute): can never start (deadlock)',
    );
  });

  it('finds a deadlock across ranks in which each rank alone is fine', () => {
    const part = (rank: number, peer: number): Schedule['parts'][number] => ({
      rank,
      operations: [
        {
          id: 0,
          kind: 'recv',
          stream: `recv:${peer}`,
          after: [],
          peer,
          sequence: 0,
          offset: 0,
          length: 1,
          bytes: 4,
          into: 'sum',
        },
        {
          id: 1,
          kind: 'send',
          stream: `send:${peer}`,
          after: [0],
          peer,
          sequence: 0,
          offset: 0,
          length: 1,
          bytes: 4,
        },
      ],
    });
    const broken: Schedule = { protocol: 'x', round: 0, worldSize: 2, parts: [part(0, 1), part(1, 0)] };
    expect(problemsOf(broken)).toHaveLength(4);
    expect(problemsOf(broken).every((problem) => problem.endsWith('(deadlock)'))).toBe(true);
  });

  it.each([
    ['an id out of place', { id: 77 }, /id at position/],
    ['a dependency on nothing', { after: [1000] }, /waits for operation 1000, which does not exist/],
    ['a peer that is no rank', { peer: 3 }, /peer 3 of 3 ranks/],
    ['a peer that is the rank itself', { peer: 1 }, /peer is the rank itself/],
    ['a stream of another peer', { stream: 'send:0' }, /is on stream send:0/],
    ['an empty slice', { length: 0 }, /length 0/],
    ['a slice before the buffer', { offset: -1 }, /offset -1/],
    ['a slice of no bytes', { bytes: 0 }, /0 bytes/],
  ])('finds %s', (_, changes, message) => {
    expect(problemsOf(replace('send', 0, changes)).join()).toMatch(message);
  });

  it('finds an outer step that is not on the compute stream, and parts that are not the ranks', () => {
    expect(problemsOf(replace('outer', 0, { stream: 'send:0' })).join()).toMatch(/is on stream send:0/);
    expect(problemsOf({ ...sound, worldSize: 4 })[0]).toBe('3 parts for 4 ranks');
    expect(problemsOf({ ...sound, parts: sound.parts.toReversed() }).join()).toMatch(/part 0 is of rank 2/);
  });
});
