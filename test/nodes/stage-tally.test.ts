/** When a pipeline's node has done its share of a step, and what it came to. */
import { describe, expect, it } from 'vitest';
import { StageTally } from '../../nodes/stage-tally.js';
import type { Operation, StageOperation } from '../../src/schedule/operation.js';

function piece(id: number, step: number, work: StageOperation['work'] = 'forward'): StageOperation {
  const whose = { shard: 0, stage: 1, stages: 2, microbatch: 0, microbatches: 2 };
  return { id, kind: 'stage', stream: 'compute', after: [], work, step, ...whose, cost: 0.25 };
}

const operations: Operation[] = [
  piece(0, 4),
  piece(1, 4, 'backward'),
  piece(2, 5),
  { id: 3, kind: 'wait', stream: 'compute', after: [], paces: 1 },
];

describe('StageTally', () => {
  it('reports a step with its last piece, whichever that is, with the sums and the mean loss', () => {
    const tally = new StageTally([...operations, piece(4, 4)]);
    expect(tally.add(piece(4, 4), { loss: 3, computeSeconds: 0.25 }, 0)).toBeUndefined();
    expect(tally.add(piece(1, 4), { loss: undefined, computeSeconds: 0.5 }, 0.125)).toBeUndefined();
    expect(tally.add(piece(0, 4), { loss: 4, computeSeconds: 0.25 }, 0.25)).toEqual({
      step: 4,
      loss: 3.5,
      computeSeconds: 1,
      overrunSeconds: 0.375,
    });
  });

  it('knows no loss where the work has none, and says so by leaving it out', () => {
    const tally = new StageTally(operations);
    const done = tally.add(piece(2, 5), { loss: undefined, computeSeconds: 1 }, 0);
    expect(done).toEqual({ step: 5, computeSeconds: 1, overrunSeconds: 0 });
    expect(Object.keys(done ?? {})).not.toContain('loss');
  });

  it('refuses work of a step that is done, or not of the round', () => {
    const tally = new StageTally(operations);
    tally.add(piece(2, 5), { loss: 1, computeSeconds: 1 }, 0);
    for (const step of [5, 6])
      expect(() => tally.add(piece(9, step), { loss: 1, computeSeconds: 1 }, 0)).toThrow(RangeError);
  });
});
