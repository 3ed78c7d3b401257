import { describe, expect, it } from 'vitest';
import { MAX_OPERATIONS } from '../../../orchestrator/schedules/data-parallel.js';
import { compileRound } from '../../../orchestrator/schedules/index.js';
import { InputError } from '../../../src/errors.js';
import type { Protocol } from '../../../src/scenario/schema.js';

const diloco: Protocol = {
  kind: 'diloco',
  innerSteps: 20,
  outer: { learningRate: 0.7, momentum: 0.9 },
  slice: 64,
};
const ddp: Protocol = { kind: 'ddp', slice: 64 };

describe('compileRound', () => {
  it('makes of DiLoCo: H inner steps, an all-reduce, a Nesterov step', () => {
    const schedule = compileRound({ protocol: diloco, worldSize: 3, parameterCount: 90, round: 4 });
    expect(schedule).toMatchObject({ protocol: 'diloco', round: 4, worldSize: 3 });
    for (const [rank, part] of schedule.parts.entries()) {
      expect(part.rank).toBe(rank);
      expect(part.operations[0]).toMatchObject({
        kind: 'compute',
        work: 'inner-steps',
        firstStep: 80,
        steps: 20,
      });
      expect(part.operations.at(-1)).toMatchObject({ kind: 'outer', optimizer: 'nesterov' });
    }
  });

  it('makes of DDP: one gradient, an all-reduce, an inner optimizer step', () => {
    const { parts } = compileRound({ protocol: ddp, worldSize: 2, parameterCount: 90, round: 4 });
    expect(parts[0]?.operations[0]).toMatchObject({
      kind: 'compute',
      work: 'gradient',
      firstStep: 4,
      steps: 1,
    });
    expect(parts[0]?.operations.at(-1)).toMatchObject({ kind: 'outer', optimizer: 'inner' });
  });

  it('ends only when the buffer is complete and no longer read', () => {
    const { parts } = compileRound({ protocol: ddp, worldSize: 3, parameterCount: 90, round: 0 });
    for (const { operations } of parts) {
      const last = (kind: string) => operations.findLast((operation) => operation.kind === kind)?.id;
      expect(operations.at(-1)?.after.toSorted()).toEqual([last('send'), last('recv')].toSorted());
    }
  });

  it('gives ranks without a transfer partner just their own work', () => {
    const { parts } = compileRound({ protocol: ddp, worldSize: 1, parameterCount: 90, round: 0 });
    expect(parts.map(({ operations }) => operations.map(({ kind }) => kind))).toEqual([['compute', 'outer']]);
  });

  it('refuses a slice that holds no element, or cuts a round into too many', () => {
    const compile = (slice: number, parameterCount: number) => () =>
      compileRound({ protocol: { kind: 'ddp', slice }, worldSize: 4, parameterCount, round: 0 });
    expect(compile(3, 90)).toThrow(InputError);
    expect(compile(3, 90)).toThrow('protocol.slice: found 3 bytes; allowed: at least 4');
    expect(compile(4, 10_000_000)).toThrow(InputError);
    const least = Number(/at least (\d+) bytes/.exec(messageOf(compile(4, 10_000_000)))?.[1]);
    const operations = compile(least, 10_000_000)().parts.reduce(
      (sum, part) => sum + part.operations.length,
      0,
    );
    expect(operations).toBeLessThan(MAX_OPERATIONS * 1.001);
    expect(operations).toBeGreaterThan(MAX_OPERATIONS * 0.95);
  });
});

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('nothing was thrown');
}
