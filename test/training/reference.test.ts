/** The single-process reference against the same rounds written out as loops. */
import { describe, expect, it } from 'vitest';
import { scenarioSchema } from '../../src/scenario/schema.js';
import type { Operation, Schedule } from '../../src/schedule/operation.js';
import { allocateReplica } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import { trainReference, type CompileRound } from '../../src/training/reference.js';
import { weightsSha256 } from '../../src/training/safetensors.js';
import { trainingSettingsOf } from '../../src/training/settings.js';
import { createSteps } from '../../src/training/steps.js';

const INNER_STEPS = 2;
const ROUNDS = 2;

function scenarioOf(protocol: object, seed = 1) {
  return scenarioSchema.parse({
    name: 'small',
    seed,
    rounds: ROUNDS,
    protocol,
    pace: '10 ms',
    model: { layers: 1, width: 32, heads: 2, context: 16 },
    nodes: [{ region: 'us-east', uplink: '10 Mbit/s', count: 2 }],
  });
}

/** Two ranks; rank 1 sends all it has to rank 0, which sends the sum back. */
const compileRound: CompileRound = ({ protocol, parameterCount: length, round }) => {
  const diloco = protocol.kind === 'diloco';
  const count = diloco ? INNER_STEPS : 1;
  const compute: Operation = {
    id: 0,
    kind: 'compute',
    stream: 'compute',
    after: [],
    work: diloco ? 'inner-steps' : 'gradient',
    firstStep: round * count,
    steps: count,
  };
  const outer = (after: number): Operation => ({
    id: 3,
    kind: 'outer',
    stream: 'compute',
    after: [after],
    optimizer: diloco ? 'nesterov' : 'inner',
  });
  const slice = { sequence: 0, offset: 0, length, bytes: 4 * length };
  const sum: Operation[] = [
    { ...slice, id: 1, kind: 'recv', stream: 'recv:1', peer: 1, after: [0], into: 'sum' },
    { ...slice, id: 2, kind: 'send', stream: 'send:1', peer: 1, after: [1] },
  ];
  const copy: Operation[] = [
    { ...slice, id: 1, kind: 'send', stream: 'send:0', peer: 0, after: [0] },
    { ...slice, id: 2, kind: 'recv', stream: 'recv:0', peer: 0, after: [1], into: 'copy' },
  ];
  const parts = [
    { rank: 0, operations: [compute, ...sum, outer(2)] },
    { rank: 1, operations: [compute, ...copy, outer(2)] },
  ];
  return { protocol: protocol.kind, round, worldSize: 2, parts } satisfies Schedule;
};

describe('trainReference', () => {
  it('is DiLoCo, to the bit', async () => {
    const scenario = scenarioOf({ kind: 'diloco', innerSteps: INNER_STEPS });
    const steps = createSteps(trainingSettingsOf(scenario));
    const replicas = [0, 1].map(() => allocateReplica(parameterCount(scenario.model)));
    for (const replica of replicas) steps.initialise(replica);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [rank, replica] of replicas.entries()) {
        for (let i = 0; i < INNER_STEPS; i++) steps.innerStep(replica, rank, round * INNER_STEPS + i);
        steps.pseudoGradient(replica);
      }
      const sum = replicas[0]?.reduction.map((value, i) => value + (replicas[1]?.reduction[i] ?? NaN));
      for (const replica of replicas) {
        replica.reduction.set(sum ?? []);
        steps.outerUpdate(replica, 2, { learningRate: 0.7, momentum: 0.9 });
      }
    }
    const result = await trainReference(scenario, compileRound);
    expect(replicas.map(({ parameters }) => weightsSha256(parameters))).toEqual([
      result.weightsSha256,
      result.weightsSha256,
    ]);
    expect(result.finalLoss).toBeLessThan(result.initialLoss);
  });

  it('is data-parallel training, with one optimizer step a round', async () => {
    const scenario = scenarioOf({ kind: 'ddp' });
    const steps = createSteps(trainingSettingsOf(scenario));
    const [a, b] = [
      allocateReplica(parameterCount(scenario.model)),
      allocateReplica(parameterCount(scenario.model)),
    ];
    for (const replica of [a, b]) steps.initialise(replica);
    for (let step = 0; step < ROUNDS; step++) {
      steps.gradient(a, 0, step);
      steps.gradient(b, 1, step);
      const sum = a.reduction.map((value, i) => value + (b.reduction[i] ?? NaN));
      for (const replica of [a, b]) {
        replica.reduction.set(sum);
        steps.innerUpdate(replica, step, 2);
      }
    }
    const result = await trainReference(scenario, compileRound);
    expect(result.weightsSha256).toBe(weightsSha256(a.parameters));
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const protocol = { kind: 'diloco', innerSteps: INNER_STEPS };
    const [first, again, other] = [
      await trainReference(scenarioOf(protocol), compileRound),
      await trainReference(scenarioOf(protocol), compileRound),
      await trainReference(scenarioOf(protocol, 2), compileRound),
    ];
    expect(again).toEqual(first);
    expect(other.weightsSha256).not.toBe(first.weightsSha256);
  });
});
