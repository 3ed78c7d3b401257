/** The order of a pipeline's actions: as the papers draw it, and for any size what an order must keep. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  actionsOf,
  actionText,
  formatActions,
  peakInFlight,
  type Action,
} from '../../../../orchestrator/schedules/pipeline/index.js';
import { InputError } from '../../../../src/errors.js';
import { shapes, type Shape } from './shapes.js';

const texts = (shape: Shape) => actionsOf(shape).map((actions) => actions.map(actionText).join(' '));

describe('small pipelines', () => {
  it('GPipe: all forwards, all backwards', () => {
    expect(texts({ schedule: 'gpipe', stages: 2, microbatches: 3, chunks: 1 })).toEqual([
      '0F0 0F1 0F2 0B0 0B1 0B2',
      '1F0 1F1 1F2 1B0 1B1 1B2',
    ]);
  });

  // Figure 4, top, of arXiv:2104.04473, with four microbatches of its eight.
  it('1F1B', () => {
    expect(texts({ schedule: '1f1b', stages: 4, microbatches: 4, chunks: 1 })).toEqual([
      '0F0 0F1 0F2 0F3 0B0 0B1 0B2 0B3',
      '1F0 1F1 1F2 1B0 1F3 1B1 1B2 1B3',
      '2F0 2F1 2B0 2F2 2B1 2F3 2B2 2B3',
      '3F0 3B0 3F1 3B1 3F2 3B2 3F3 3B3',
    ]);
  });

  // As torch.distributed.pipelining's Schedule1F1B: with fewer microbatches than ranks all are warm-up.
  it('1F1B of fewer microbatches than ranks', () => {
    expect(texts({ schedule: '1f1b', stages: 3, microbatches: 1, chunks: 1 })).toEqual([
      '0F0 0B0',
      '1F0 1B0',
      '2F0 2B0',
    ]);
  });

  // Figure 4, bottom, of arXiv:2104.04473 in small: rank 0 holds stages 0 and 2, rank 1 stages 1 and 3.
  it('interleaved 1F1B', () => {
    expect(texts({ schedule: 'interleaved', stages: 2, microbatches: 4, chunks: 2 })).toEqual([
      '0F0 0F1 2F0 2F1 0F2 2B0 0F3 2B1 2F2 0B0 2F3 0B1 2B2 2B3 0B2 0B3',
      '1F0 1F1 3F0 3B0 3F1 3B1 1F2 1B0 1F3 1B1 3F2 3B2 3F3 3B3 1B2 1B3',
    ]);
  });

  // Figure 2, top, of arXiv:2401.10241 in small.
  it('ZB-H1', () => {
    expect(texts({ schedule: 'zb-h1', stages: 3, microbatches: 4, chunks: 1 })).toEqual([
      '0F0 0F1 0F2 0I0 0W0 0F3 0I1 0W1 0I2 0W2 0I3 0W3',
      '1F0 1F1 1I0 1F2 1I1 1W0 1F3 1I2 1W1 1I3 1W2 1W3',
      '2F0 2I0 2F1 2I1 2F2 2I2 2W0 2F3 2I3 2W1 2W2 2W3',
    ]);
  });

  it('refuses to interleave microbatches that do not divide', () => {
    const odd = { schedule: 'interleaved', stages: 4, microbatches: 6, chunks: 2 } as const;
    expect(() => actionsOf(odd)).toThrow(InputError);
    expect(() => actionsOf(odd)).toThrow('protocol.microbatches: found 6; allowed: a multiple of 4');
  });

  it('prints a table, a rank to a line', () => {
    const actions = actionsOf({ schedule: '1f1b', stages: 2, microbatches: 11, chunks: 1 });
    const lines = formatActions(actions).split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^rank 0 {2}0F0 {2}0F1 {2}0B0 .* 0F10 {2}0B9 0B10$/);
    expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  });
});

describe('a pipeline of any size', () => {
  const sizes = shapes({ ranks: 8, microbatches: 24 });

  it('does every pass of every stage once, in ascending order, on the rank that holds the stage', () => {
    fc.assert(
      fc.property(sizes, (shape) => {
        const { stages: ranks, microbatches, chunks, schedule } = shape;
        const lists = actionsOf(shape);
        expect(lists).toHaveLength(ranks);
        for (let stage = 0; stage < ranks * chunks; stage++) {
          for (const work of schedule === 'zb-h1' ? ['F', 'I', 'W'] : ['F', 'B']) {
            const found = lists.map((actions) =>
              actions.filter((action) => action.stage === stage && action.work === work),
            );
            const everyone = Array.from({ length: microbatches }, (_, microbatch) => microbatch);
            expect(found[stage % ranks]!.map(({ microbatch }) => microbatch)).toEqual(everyone);
            expect(found.flat()).toHaveLength(microbatches);
          }
        }
      }),
    );
  });

  it('never goes backwards before it went forwards, nor by the weights before by the input', () => {
    fc.assert(
      fc.property(sizes, (shape) => {
        for (const actions of actionsOf(shape)) {
          const order = new Map(actions.map((action, index) => [actionText(action), index]));
          const at = (action: Action, work: Action['work']) =>
            order.get(actionText({ ...action, work })) ?? -1;
          for (const action of actions.filter(({ work }) => work === 'F')) {
            const backward = Math.max(at(action, 'B'), at(action, 'I'));
            expect(backward).toBeGreaterThan(at(action, 'F'));
            if (shape.schedule === 'zb-h1') expect(at(action, 'W')).toBeGreaterThan(backward);
          }
        }
      }),
    );
  });

  it('holds no more microbatches at once than the papers say', () => {
    fc.assert(
      fc.property(sizes, (shape) => {
        const { stages: p, microbatches: m, chunks: v, schedule } = shape;
        for (const [rank, actions] of actionsOf(shape).entries()) {
          const expected = {
            gpipe: m,
            '1f1b': Math.min(m, p - rank),
            // Those of the warm-up, and one more.
            interleaved: Math.min(m * v, (v - 1) * p + 2 * (p - 1 - rank) + 1),
            'zb-h1': Math.min(m, p),
          }[schedule];
          expect(peakInFlight(actions)).toBe(expected);
        }
      }),
    );
  });
});
