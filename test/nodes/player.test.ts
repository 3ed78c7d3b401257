import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { play } from '../../nodes/player.js';
import { compileRound } from '../../orchestrator/schedules/index.js';
import type { Operation } from '../../src/schedule/operation.js';
import { requestFor } from '../support/request.js';

describe('play', () => {
  test('starts nothing before what it depends on, and keeps each stream in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 7, max: 60 }),
        async (worldSize, size) => {
          const protocol = { kind: 'diloco', innerSteps: 2, slice: 256 } as const;
          const { operations } = compileRound(requestFor(protocol, { worldSize, parameterCount: size }))
            .parts[0]!;
          const ended = new Set<number>();
          const running = new Set<string>();
          const perform = async (operation: Operation): Promise<void> => {
            expect(operation.after.every((id) => ended.has(id))).toBe(true);
            expect(running.has(operation.stream)).toBe(false);
            running.add(operation.stream);
            await sleep(0);
            running.delete(operation.stream);
            ended.add(operation.id);
          };
          const played = await play(operations, { perform });
          expect(played.map(({ id }) => id)).toEqual(operations.map(({ id }) => id));
          expect(played.every(({ start, end }) => end >= start)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('a round that is abandoned ends at once, and starts nothing any more', async () => {
    const { operations } = compileRound(requestFor({ kind: 'ddp' }, { worldSize: 3, parameterCount: 99 }))
      .parts[0]!;
    const abort = new AbortController();
    const started: number[] = [];
    let finish = (): void => undefined;
    const perform = ({ id }: Operation): Promise<void> => {
      started.push(id);
      return new Promise((resolve) => (finish = resolve));
    };
    const playing = play(operations, { perform }, abort.signal);
    await sleep(0);
    abort.abort(new Error('somebody crashed'));
    await expect(playing).rejects.toThrow('somebody crashed');
    const before = [...started];
    finish();
    await sleep(0);
    expect(started).toEqual(before);
    await expect(play(operations, { perform }, abort.signal)).rejects.toThrow('somebody crashed');
  });

  test('fails with the error of the operation that failed', async () => {
    const compute: Operation = {
      id: 0,
      kind: 'compute',
      stream: 'compute',
      after: [],
      work: 'gradient',
      firstStep: 0,
      steps: 1,
      contribution: [],
    };
    const outer: Operation = {
      id: 1,
      kind: 'outer',
      stream: 'compute',
      after: [0],
      update: { optimizer: 'inner', step: 0 },
      ranges: [],
      contributors: 1,
      cost: 1,
    };
    const perform = (): Promise<void> => Promise.reject(new Error('out of memory'));
    await expect(play([compute, outer], { perform })).rejects.toThrow('out of memory');
  });
});
