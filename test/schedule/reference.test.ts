import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { RunError } from '../../src/errors.js';
import { reduceInto } from '../../src/schedule/reduce.js';
import { playInMemory, playRound } from '../../src/schedule/reference.js';

const rounds = [0, 1, 2].map((round) =>
  compileRound({
    protocol: { kind: 'diloco', innerSteps: 5, outer: { learningRate: 0.7, momentum: 0.9 }, slice: 8 },
    worldSize: 3,
    parameterCount: 7,
    round,
  }),
);

describe('the in-memory player', () => {
  it('calls each rank to compute and then to apply the sum, round after round', async () => {
    const buffers = [0, 1, 2].map(() => new Float32Array(7));
    const calls: string[] = [];
    await playInMemory(rounds, buffers, {
      compute: async (rank, { firstStep, steps }) => {
        await Promise.resolve();
        calls.push(`compute ${rank} ${firstStep}+${steps}`);
        buffers[rank]?.fill(rank + 1 + firstStep);
      },
      outer: (rank, { optimizer }) => {
        calls.push(`outer ${rank} ${optimizer} ${[...new Set(buffers[rank])].join()}`);
      },
    });
    expect(calls).toHaveLength(18);
    for (const [round, sum] of [6, 21, 36].entries()) {
      const ofRound = calls.slice(6 * round, 6 * round + 6);
      for (const rank of [0, 1, 2]) {
        const computed = ofRound.indexOf(`compute ${rank} ${5 * round}+5`);
        expect(computed).toBeGreaterThanOrEqual(0);
        expect(ofRound.indexOf(`outer ${rank} nesterov ${sum}`)).toBeGreaterThan(computed);
      }
    }
  });

  it('plays no schedule that is not sound, and none without buffers', async () => {
    const [first] = rounds;
    if (!first) throw new Error('no schedule');
    const idle = { compute: () => undefined, outer: () => undefined };
    await expect(playRound({ ...first, worldSize: 4 }, [], idle)).rejects.toThrow(RunError);
    await expect(playRound(first, [new Float32Array(7)], idle)).rejects.toThrow(/no buffer for rank/);
  });
});

describe('reduceInto', () => {
  it('adds in float32, or copies', () => {
    const buffer = Float32Array.of(1, 0.1, 16777216, 4);
    reduceInto(buffer, 1, Float32Array.of(0.2, 1), 'sum');
    expect([...buffer]).toEqual([1, Math.fround(Math.fround(0.1) + Math.fround(0.2)), 16777216, 4]);
    reduceInto(buffer, 2, Float32Array.of(8, 9), 'copy');
    expect([...buffer.slice(2)]).toEqual([8, 9]);
  });

  it('refuses a slice outside the buffer', () => {
    const buffer = new Float32Array(4);
    expect(() => reduceInto(buffer, 3, new Float32Array(2), 'sum')).toThrow(RangeError);
    expect(() => reduceInto(buffer, -1, new Float32Array(2), 'copy')).toThrow(RangeError);
    expect([...buffer]).toEqual([0, 0, 0, 0]);
  });
});
