import { expect, it } from 'vitest';
import { compileRound, sendersInRun } from '../../../orchestrator/schedules/index.js';
import { sendersOf } from '../../../orchestrator/schedules/senders.js';
import { requestFor } from '../../support/request.js';

const ring = [[3], [0], [1], [2]];
const world = { worldSize: 4 } as const;

it('are those that a round receives from', () => {
  expect(sendersOf(compileRound(requestFor({ kind: 'ddp' }, world)))).toEqual(ring);
  const star = requestFor({ kind: 'ddp', collective: 'parameter-server' }, world);
  expect(sendersOf(compileRound(star))).toEqual([[1, 2, 3], [0], [0], [0]]);
});

it('of a run are known even if its first round exchanges nothing', () => {
  const eager = requestFor({ kind: 'diloco', innerSteps: 2, overlap: 'eager' }, world);
  expect(sendersOf(compileRound(eager))).toEqual([[], [], [], []]);
  expect(sendersInRun(eager, 1)).toEqual([[], [], [], []]);
  expect(sendersInRun(eager, 100)).toEqual(ring);
});

it('are the same in every round of a protocol whose pairs are not drawn', () => {
  for (const request of [
    requestFor({ kind: 'streaming', innerSteps: 6, fragments: 3, delay: 2 }, world),
    requestFor({ kind: 'pipeline', stages: 2, microbatches: 4, innerSteps: 3, outer: {} }, world),
    requestFor({ kind: 'diloco', innerSteps: 2, collective: 'hierarchical' }, world),
    requestFor({ kind: 'diloco', innerSteps: 2, compression: { kind: 'top-k' } }, world),
  ]) {
    const known = sendersInRun(request, 100);
    for (let round = 0; round < 8; round++) {
      for (const [rank, senders] of sendersOf(compileRound({ ...request, round })).entries())
        for (const sender of senders) expect(known[rank]).toContain(sender);
    }
  }
});
