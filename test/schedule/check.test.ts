/** The check finds what is seeded into a sound schedule; and it finds nothing in the sound one. */
import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { FLOAT32 } from '../../src/compression/index.js';
import { RunError } from '../../src/errors.js';
import { checkSchedule, problemsOf } from '../../src/schedule/check.js';
import type { Operation, Schedule } from '../../src/schedule/operation.js';
import { handSchedule, requestFor } from '../support/request.js';

const sound = compileRound(requestFor({ kind: 'ddp', slice: 16 }, { worldSize: 3, parameterCount: 24 }));

/** The sound schedule with rank 1's operations changed. */
function mutated(change: (operations: Operation[]) => Operation[]): Schedule {
  const parts = sound.parts.map((part) =>
    part.rank === 1 ? { ...part, operations: change([...part.operations]) } : part,
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
    const receiveThenSend = (peer: number): Operation[] => {
      const at = { buffer: 'reduction', offset: 0, length: 1 } as const;
      const slice = { ...at, peer, sequence: 0, encoding: FLOAT32, bytes: 4 };
      return [
        { ...slice, id: 0, kind: 'recv', stream: `recv:${peer}`, after: [], into: 'sum' },
        { ...slice, id: 1, kind: 'send', stream: `send:${peer}`, after: [0], settle: false },
      ];
    };
    const broken = handSchedule(receiveThenSend(1), receiveThenSend(0));
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

describe('objects', () => {
  const put = (changes: object = {}): Operation => {
    const object = { owner: 0, round: 0, slot: 0, bytes: 8, after: [] };
    return { ...object, kind: 'put', id: 0, stream: 'put', ...changes };
  };
  const get = (changes: object = {}): Operation => {
    const object = { owner: 0, round: 0, slot: 0, bytes: 8, after: [] };
    return { ...object, kind: 'get', id: 0, stream: 'get:0', ...changes };
  };
  const problems = (ofOwner: Operation[], ofOther: Operation[]) =>
    problemsOf(handSchedule(ofOwner, ofOther)).join();

  it('may be got by anybody once they are put, or if they were in an earlier round', () => {
    expect(problems([put()], [get()])).toBe('');
    expect(problems([], [get({ round: -1 })])).toBe('');
  });

  it.each([
    ['that nobody puts', [], [get()], /wants 8 bytes of rank 0, round 0, which nobody puts/],
    ['of another size', [put({ bytes: 4 })], [get()], /wants 8 bytes of rank 0, round 0, of 4 bytes/],
    ['of a round to come', [put()], [get({ round: 1 })], /round 1, which nobody puts/],
    ['of another round', [put({ round: 1 })], [], /puts an object of round 1/],
    ['that was put already', [put(), put({ id: 1 })], [], /puts the same object again/],
    ['of another rank', [put({ owner: 1 })], [], /puts an object of rank 1/],
    ['on a stream of another', [put()], [get({ stream: 'get:1' })], /is on stream get:1/],
  ])('are not %s', (_, ofOwner, ofOther, message) => {
    expect(problems(ofOwner, ofOther)).toMatch(message);
  });

  it('are not waited for by who must put first', () => {
    const waitsForOther = (own: number, other: number): Operation[] => [
      get({ owner: other, stream: `get:${other}` }),
      put({ id: 1, owner: own, after: [0] }),
    ];
    expect(problems(waitsForOther(0, 1), waitsForOther(1, 0))).toMatch(/can never start \(deadlock\)/);
  });
});
