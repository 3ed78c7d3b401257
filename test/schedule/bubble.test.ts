/** The bubble of every pipeline schedule, as simulated on a network that takes no time, against its formula. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { bubbleFraction, measuredBubble } from '../../src/schedule/bubble.js';
import type { TimedOperation } from '../../src/schedule/timed.js';
import { simulate } from '../../src/simulation/index.js';
import { shapes, type Shape } from '../orchestrator/schedules/pipeline/shapes.js';
import { evenTopology } from '../simulation/topologies.js';
import { requestFor } from '../support/request.js';

const PACE = 0.6;

/** One step of one pipeline of 8-wide stages. */
function played(shape: Shape, delay: number): TimedOperation[] {
  const model = { layers: shape.stages * shape.chunks, width: 8, heads: 1, context: 2 };
  const given = { worldSize: shape.stages, model, batch: shape.microbatches };
  const schedule = compileRound(requestFor({ kind: 'pipeline', ...shape }, given));
  const access = { uplink: Infinity, downlink: Infinity };
  const topology = evenTopology(shape.stages, access, delay);
  return simulate([schedule], { topology, pace: PACE, tls: false }).filter(
    ({ operation }) => operation.kind === 'stage',
  );
}

describe('the bubble', () => {
  it('is that of the formula where the network takes no time', () => {
    fc.assert(
      fc.property(shapes({ ranks: 8, microbatches: 24 }), (shape) => {
        fc.pre(shape.schedule !== 'zb-h1' || shape.microbatches >= shape.stages);
        expect(measuredBubble(played(shape, 0))).toBeCloseTo(bubbleFraction(shape), 9);
      }),
    );
  });

  it('leaves every device one pace of work, however it is cut', () => {
    fc.assert(
      fc.property(shapes({ ranks: 6, microbatches: 12 }), (shape) => {
        const work = Array.from({ length: shape.stages }, () => 0);
        for (const { rank, start, end } of played(shape, 0.01)) work[rank]! += end - start;
        for (const seconds of work) expect(seconds).toBeCloseTo(PACE, 9);
      }),
    );
  });

  it('of ZB-H1 is larger than its formula with fewer microbatches than ranks', () => {
    const shape = { schedule: 'zb-h1', stages: 4, microbatches: 2, chunks: 1 } as const;
    expect(measuredBubble(played(shape, 0))).toBeGreaterThan(1.1 * bubbleFraction(shape));
  });

  it('grows with the delay of the network', () => {
    for (const schedule of ['gpipe', '1f1b', 'interleaved', 'zb-h1'] as const) {
      const shape = { schedule, stages: 4, microbatches: 8, chunks: schedule === 'interleaved' ? 2 : 1 };
      const [none = NaN, some = NaN, more = NaN] = [0, 0.01, 0.05].map((delay) =>
        measuredBubble(played(shape, delay)),
      );
      expect(none).toBeLessThan(some);
      expect(some).toBeLessThan(more);
    }
  });
});

describe('measuredBubble', () => {
  it('is the share of device time without work, from the first beginning to the last end', () => {
    const played = [
      { rank: 0, start: 10, end: 11 },
      { rank: 0, start: 13, end: 14 },
      { rank: 3, start: 11, end: 12.5 },
    ];
    expect(measuredBubble(played)).toBeCloseTo(1 - 3.5 / 8, 12);
  });
});
