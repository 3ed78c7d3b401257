import { describe, expect, it } from 'vitest';
import { compileRound } from '../../../orchestrator/schedules/index.js';
import { MAX_OPERATIONS } from '../../../orchestrator/schedules/slice-size.js';
import { InputError } from '../../../src/errors.js';
import { requestFor } from '../../support/request.js';

const diloco = { kind: 'diloco', innerSteps: 20, slice: 64 } as const;
const ddp = { kind: 'ddp', slice: 64 } as const;

describe('compileRound', () => {
  it('makes of DiLoCo: H inner steps, an all-reduce, a Nesterov step', () => {
    const schedule = compileRound(requestFor(diloco, { worldSize: 3, parameterCount: 90, round: 4 }));
    expect(schedule).toMatchObject({ protocol: 'diloco', round: 4, worldSize: 3 });
    for (const [rank, part] of schedule.parts.entries()) {
      expect(part.rank).toBe(rank);
      expect(part.operations[0]).toMatchObject({
        kind: 'compute',
        work: 'inner-steps',
        firstStep: 80,
        steps: 20,
        contribution: [{ offset: 0, length: 90 }],
      });
      expect(part.operations.at(-1)).toMatchObject({
        kind: 'outer',
        update: { optimizer: 'nesterov', learningRate: 0.7, momentum: 0.9, mix: 0 },
        ranges: [{ offset: 0, length: 90 }],
        contributors: 3,
      });
    }
  });

  it('makes of DDP: one gradient, an all-reduce, an inner optimizer step', () => {
    const { parts } = compileRound(requestFor(ddp, { worldSize: 2, parameterCount: 90, round: 4 }));
    expect(parts[0]?.operations[0]).toMatchObject({
      kind: 'compute',
      work: 'gradient',
      firstStep: 4,
      steps: 1,
    });
    expect(parts[0]?.operations.at(-1)).toMatchObject({
      kind: 'outer',
      update: { optimizer: 'inner', step: 4 },
      contributors: 2,
    });
  });

  it('ends only when the buffer is complete and no longer read', () => {
    const { parts } = compileRound(requestFor(ddp, { worldSize: 3, parameterCount: 90 }));
    for (const { operations } of parts) {
      const last = (kind: string) => operations.findLast((operation) => operation.kind === kind)?.id;
      expect(operations.at(-1)?.after.toSorted()).toEqual([last('send'), last('recv')].toSorted());
    }
  });

  it('gives ranks without a transfer partner just their own work', () => {
    const { parts } = compileRound(requestFor(ddp, { worldSize: 1, parameterCount: 90 }));
    expect(parts.map(({ operations }) => operations.map(({ kind }) => kind))).toEqual([['compute', 'outer']]);
  });

  it('refuses a slice that holds no element, or cuts a round into too many', () => {
    const compile = (slice: number, parameterCount: number) => () =>
      compileRound(requestFor({ kind: 'ddp', slice }, { worldSize: 4, parameterCount }));
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
