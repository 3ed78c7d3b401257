/** The single-process reference against the same rounds written out as loops. */
import { describe, expect, it } from 'vitest';
import { FLOAT32 } from '../../src/compression/index.js';
import { scenarioSchema, type Scenario } from '../../src/scenario/schema.js';
import type { Operation } from '../../src/schedule/operation.js';
import { allocateReplica } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import { trainReference, type Compiled } from '../../src/training/reference.js';
import { weightsSha256 } from '../../src/training/safetensors.js';
import { trainingSettingsOf } from '../../src/training/settings.js';
import { createSteps } from '../../src/training/steps.js';
import { handSchedule } from '../support/request.js';
import { updateBy, wholeOf } from './small-settings.js';

const INNER_STEPS = 2;
const ROUNDS = 2;
const NESTEROV = { optimizer: 'nesterov', learningRate: 0.7, momentum: 0.9, mix: 0 } as const;

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
function compiled({ protocol, model }: Scenario): Compiled {
  const diloco = protocol.kind === 'diloco';
  const steps = diloco ? INNER_STEPS : 1;
  const range = { offset: 0, length: parameterCount(model) };
  const slice = { ...range, sequence: 0, encoding: FLOAT32, bytes: 4 * range.length } as const;
  const transfer = { ...slice, buffer: 'reduction' } as const;
  const sum: Operation[] = [
    { ...transfer, id: 1, kind: 'recv', stream: 'recv:1', peer: 1, after: [0], into: 'sum' },
    { ...transfer, id: 2, kind: 'send', stream: 'send:1', peer: 1, after: [1], settle: true },
  ];
  const copy: Operation[] = [
    { ...transfer, id: 1, kind: 'send', stream: 'send:0', peer: 0, after: [0], settle: false },
    { ...transfer, id: 2, kind: 'recv', stream: 'recv:0', peer: 0, after: [1], into: 'copy' },
  ];
  return {
    holdings: [0, 1].map(() => ({ ranges: [range], group: 0 })),
    compileRound(round) {
      const compute: Operation = {
        ...{ id: 0, kind: 'compute', stream: 'compute', after: [], contribution: [range] },
        work: diloco ? 'inner-steps' : 'gradient',
        firstStep: round * steps,
        steps,
      };
      const outer: Operation = {
        ...{ id: 3, kind: 'outer', stream: 'compute', after: [2], ranges: [range], contributors: 2, cost: 1 },
        update: diloco ? NESTEROV : { optimizer: 'inner', step: round },
      };
      const exchanges = [sum, copy];
      return { ...handSchedule(...exchanges.map((exchange) => [compute, ...exchange, outer])), round };
    },
  };
}

const train = (scenario: Scenario) => trainReference(scenario, compiled(scenario));

describe('trainReference', () => {
  it('is DiLoCo, to the bit', async () => {
    const scenario = scenarioOf({ kind: 'diloco', innerSteps: INNER_STEPS });
    const settings = trainingSettingsOf(scenario);
    const [steps, whole] = [createSteps(settings), wholeOf(settings)];
    const replicas = [0, 1].map(() => allocateReplica(parameterCount(scenario.model)));
    for (const replica of replicas) steps.initialise(replica, whole);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [rank, replica] of replicas.entries()) {
        for (let i = 0; i < INNER_STEPS; i++) steps.innerStep(replica, rank, round * INNER_STEPS + i);
        steps.pseudoGradient(replica, whole);
      }
      const sum = replicas[0]?.reduction.map((value, i) => value + (replicas[1]?.reduction[i] ?? NaN));
      for (const replica of replicas) {
        replica.reduction.set(sum ?? []);
        steps.work(replica, updateBy(NESTEROV, 2, whole), { rank: 0, round });
      }
    }
    const result = await train(scenario);
    expect(replicas.map(({ parameters }) => weightsSha256(parameters))).toEqual([
      result.weightsSha256,
      result.weightsSha256,
    ]);
    expect(result.finalLoss).toBeLessThan(result.initialLoss);
  });

  it('is data-parallel training, with one optimizer step a round', async () => {
    const scenario = scenarioOf({ kind: 'ddp' });
    const settings = trainingSettingsOf(scenario);
    const [steps, whole] = [createSteps(settings), wholeOf(settings)];
    const [a, b] = [
      allocateReplica(parameterCount(scenario.model)),
      allocateReplica(parameterCount(scenario.model)),
    ];
    for (const replica of [a, b]) steps.initialise(replica, whole);
    for (let step = 0; step < ROUNDS; step++) {
      steps.gradient(a, 0, step);
      steps.gradient(b, 1, step);
      const sum = a.reduction.map((value, i) => value + (b.reduction[i] ?? NaN));
      for (const replica of [a, b]) {
        replica.reduction.set(sum);
        steps.work(replica, updateBy({ optimizer: 'inner', step }, 2, whole), { rank: 0, round: step });
      }
    }
    const result = await train(scenario);
    expect(result.weightsSha256).toBe(weightsSha256(a.parameters));
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const protocol = { kind: 'diloco', innerSteps: INNER_STEPS };
    const [first, again, other] = [
      await train(scenarioOf(protocol)),
      await train(scenarioOf(protocol)),
      await train(scenarioOf(protocol, 2)),
    ];
    expect(again).toEqual(first);
    expect(other.weightsSha256).not.toBe(first.weightsSha256);
  });
});
