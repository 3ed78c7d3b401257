/** Pipelines of random size, small enough to be played many times. */
import fc from 'fast-check';
import type { PipelineProtocol } from '../../../../src/scenario/schema.js';

export const SCHEDULES = ['gpipe', '1f1b', 'interleaved', 'zb-h1'] as const;

export type Shape = Pick<PipelineProtocol, 'schedule' | 'stages' | 'microbatches' | 'chunks'>;

/** A schedule with a size that it allows. */
export function shapes(most: { readonly ranks: number; readonly microbatches: number }): fc.Arbitrary<Shape> {
  return fc
    .record({
      schedule: fc.constantFrom(...SCHEDULES),
      stages: fc.integer({ min: 2, max: most.ranks }),
      microbatches: fc.integer({ min: 1, max: most.microbatches }),
      chunks: fc.integer({ min: 2, max: 3 }),
    })
    .map(({ schedule, stages, microbatches, chunks }) =>
      schedule === 'interleaved'
        ? { schedule, stages, chunks, microbatches: stages * Math.ceil(microbatches / stages) }
        : { schedule, stages, chunks: 1, microbatches },
    );
}
