import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { RunError } from '../../src/errors.js';
import type { Part } from '../../src/schedule/operation.js';
import { playRound, type Trainer } from '../../src/schedule/reference.js';
import { allocateReplica, withScratch, type ReplicaMemory } from '../../src/training/index.js';
import { handPart, requestFor } from '../support/request.js';

const ELEMENTS = 7;
const rounds = [0, 1, 2].map((round) =>
  compileRound(
    requestFor(
      { kind: 'diloco', innerSteps: 5, slice: 8 },
      { worldSize: 3, parameterCount: ELEMENTS, round },
    ),
  ),
);

/** Memory for each rank, and work that is written down. */
function trainerOf(worldSize: number, work: Trainer['work'] = () => undefined) {
  const replicas: ReplicaMemory[] = Array.from({ length: worldSize }, () => allocateReplica(ELEMENTS));
  const buffers = ({ rank, scratch }: Part) => (replicas[rank] = withScratch(replicas[rank]!, scratch));
  return { replicas, trainer: { seed: 1, buffers, work } satisfies Trainer };
}

describe('the in-memory player', () => {
  it('calls each rank to compute and then to apply the sum, round after round', async () => {
    const calls: string[] = [];
    const { replicas, trainer } = trainerOf(3, async (rank, round, operation) => {
      await Promise.resolve();
      const { reduction } = replicas[rank]!;
      if (operation.kind === 'compute') {
        calls.push(`compute ${rank} ${operation.firstStep}+${operation.steps} of ${round}`);
        reduction.fill(rank + 1 + operation.firstStep);
      } else if (operation.kind === 'outer') {
        calls.push(`outer ${rank} ${operation.update.optimizer} ${[...new Set(reduction)].join()}`);
      }
    });
    for (const round of rounds) await playRound(round, trainer);
    expect(calls).toHaveLength(18);
    for (const [round, sum] of [6, 21, 36].entries()) {
      const ofRound = calls.slice(6 * round, 6 * round + 6);
      for (const rank of [0, 1, 2]) {
        const computed = ofRound.indexOf(`compute ${rank} ${5 * round}+5 of ${round}`);
        expect(computed).toBeGreaterThanOrEqual(0);
        expect(ofRound.indexOf(`outer ${rank} nesterov ${sum}`)).toBeGreaterThan(computed);
      }
    }
  });

  it('keeps objects from one round to a later one, as they were when they were put', async () => {
    const object = { owner: 0, round: 0, slot: 1, bytes: 2 };
    const scratch = { activationElements: 0, contributionBytes: 4 };
    const put: Part = {
      ...handPart(0, [{ ...object, kind: 'put', id: 0, stream: 'put', after: [] }]),
      scratch,
    };
    const get: Part = {
      ...handPart(1, [{ ...object, kind: 'get', id: 0, stream: 'get:0', after: [], slot: 0 }]),
      scratch,
    };
    const { replicas, trainer } = trainerOf(2);
    const objects = new Map<string, Uint8Array>();
    const hand = { protocol: 'hand', worldSize: 2 };
    trainer.buffers(put).contributions.set([9, 8, 7, 6]);
    await playRound({ ...hand, round: 0, parts: [put, handPart(1, [])] }, trainer, { objects });
    replicas[0]!.contributions.fill(0);
    const second = { ...hand, round: 1, parts: [handPart(0, []), get] };
    await playRound(second, trainer, { objects });
    expect([...replicas[1]!.contributions]).toEqual([8, 7, 0, 0]);
    await expect(playRound(second, trainer)).rejects.toThrow(/object 0 0 was fetched before/);
  });

  it('plays no schedule that is not sound', async () => {
    await expect(playRound({ ...rounds[0]!, worldSize: 4 }, trainerOf(3).trainer)).rejects.toThrow(RunError);
  });
});
