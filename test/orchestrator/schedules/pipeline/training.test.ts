/** Pipelines that really train: what they come to does not depend on how they are cut or ordered. */
import { describe, expect, it } from 'vitest';
import { compiledOf } from '../../../../orchestrator/schedules/index.js';
import { scenarioSchema, type Scenario } from '../../../../src/scenario/schema.js';
import { playRound, type Trainer } from '../../../../src/schedule/reference.js';
import {
  allocateReplica,
  parameterCount,
  trainingSettingsOf,
  weightsSha256,
  type ReplicaMemory,
} from '../../../../src/training/index.js';
import { withScratch } from '../../../../src/training/memory.js';
import { embeddingRange } from '../../../../src/training/stage-layout.js';
import { createSteps } from '../../../../src/training/steps.js';
import { referenceOf } from '../../../support/reference.js';
import { Pipelined } from '../../../training/pipelined.js';
import { trainUnsplit, type OuterSteps, type PipelinedSettings } from '../../../training/unsplit.js';
import { SCHEDULES } from './shapes.js';

const ROUNDS = 3;

function scenarioOf(protocol: object, nodes: number, given: object = {}): Scenario {
  return scenarioSchema.parse({
    name: 'small',
    rounds: ROUNDS,
    protocol: { kind: 'pipeline', microbatches: 4, ...protocol },
    pace: '10 ms',
    model: { layers: 4, width: 32, heads: 2, context: 16 },
    training: { batch: 4, inner: { kind: 'adamw', learningRate: 0.003 } },
    // A small genre, so that there is little text to read.
    data: { shards: 'genres' },
    nodes: [{ region: 'us-east', uplink: '10 Mbit/s', count: nodes, genre: 'humor' }],
    ...given,
  });
}

const settingsOf = (scenario: Scenario) => trainingSettingsOf(scenario) as PipelinedSettings;

/** |a-b| / |b|. */
function difference(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((value, i) => value - b[i]!)) / Math.hypot(...b);
}

/** Plays all rounds in an order drawn by lot; by rank: its memory in the end. */
async function played(scenario: Scenario): Promise<ReplicaMemory[]> {
  const { compileRound, holdings } = compiledOf(scenario);
  const steps = createSteps(trainingSettingsOf(scenario));
  const memories = holdings.map(() => allocateReplica(parameterCount(scenario.model)));
  memories.forEach((memory, rank) => steps.initialise(memory, holdings[rank]!.ranges));
  let state = 1;
  const pick = (count: number) => (state = (state * 48271) % 2147483647) % count;
  const trainer: Trainer = {
    seed: scenario.seed,
    buffers: ({ rank, scratch }) => (memories[rank] = withScratch(memories[rank]!, scratch)),
    work(rank, round, operation) {
      const memory = memories[rank]!;
      if (operation.kind === 'compute') steps.pseudoGradient(memory, operation.contribution);
      else if (operation.kind !== 'wait') steps.work(memory, operation, { rank, round });
    },
  };
  for (let round = 0; round < scenario.rounds; round++)
    await playRound(compileRound(round), trainer, { pick });
  return memories;
}

/** The same training in plain order, without a schedule, the model cut into so many stages. */
function plainSha256(scenario: Scenario, stages: number): string {
  const settings = settingsOf(scenario);
  const plain = new Pipelined({ ...settings, pipeline: { ...settings.pipeline, stages } });
  for (let step = 0; step < scenario.rounds; step++) {
    plain.forward(step);
    plain.backward(step);
    plain.update(step);
  }
  return weightsSha256(plain.parameters());
}

describe('one pipeline', () => {
  it('comes to the same bits by every schedule as without one', async () => {
    const expected = plainSha256(scenarioOf({ stages: 2 }, 2), 2);
    for (const schedule of SCHEDULES) {
      const chunks = schedule === 'interleaved' ? 2 : 1;
      const result = await referenceOf(scenarioOf({ schedule, stages: 2, chunks }, 2));
      expect(result.weightsSha256).toBe(expected);
      expect(result.finalLoss).toBeLessThan(result.initialLoss);
    }
  });

  it('comes to the same bits however the model is cut', async () => {
    const scenario = scenarioOf({ schedule: 'zb-h1', stages: 4 }, 4);
    const { weightsSha256: ofFour } = await referenceOf(scenario);
    expect(ofFour).toBe(plainSha256(scenario, 2));
    expect(ofFour).toBe(plainSha256(scenario, 3));
  });
});

describe('several pipelines', () => {
  it.each<[string, OuterSteps | undefined]>([
    ['gradients', undefined],
    ['DiLoCo', { innerSteps: 2, learningRate: 0.7, momentum: 0.9 }],
  ])('joined by %s train as unsplit replicas do', async (_, outerSteps) => {
    const { innerSteps = 1, ...outer } = outerSteps ?? {};
    const scenario = scenarioOf({ stages: 2, ...(outerSteps === undefined ? {} : { innerSteps, outer }) }, 4);
    const memories = await played(scenario);
    const whole = trainUnsplit(settingsOf(scenario), ROUNDS * innerSteps, outerSteps);
    const { holdings } = compiledOf(scenario);
    const parameters = new Float32Array(parameterCount(scenario.model));
    for (const [rank, { ranges }] of holdings.entries())
      for (const { offset, length } of ranges)
        parameters.set(memories[rank]!.parameters.subarray(offset, offset + length), offset);
    expect(difference(parameters, whole.parameters)).toBeLessThan(1e-5);
    // The order in which a round is played does not matter.
    expect((await referenceOf(scenario)).weightsSha256).toBe(weightsSha256(parameters));
  });
});

describe('both copies of the embedding end with the same bits', () => {
  it.each([
    ['between pipelines that average gradients', { stages: 2 }, 4],
    ['with DiLoCo', { stages: 2, innerSteps: 2, outer: {} }, 4],
    [
      'interleaved, by parameter servers',
      { schedule: 'interleaved', stages: 2, chunks: 2, collective: 'parameter-server' },
      6,
    ],
    ['compressed, rounded by lot', { stages: 2, compression: { kind: 'int8', rounding: 'stochastic' } }, 4],
    [
      'with DiLoCo compressed, rounded by lot, with error feedback',
      {
        stages: 2,
        innerSteps: 2,
        outer: {},
        compression: { kind: 'e3m0', rounding: 'stochastic', errorFeedback: true },
      },
      6,
    ],
    ['in a subspace', { stages: 2, innerSteps: 2, outer: {}, activations: { kind: 'subspace', rank: 8 } }, 4],
    ['with activations of 8 bits', { stages: 4, activations: { kind: 'int8' } }, 4],
  ])('%s', async (_, protocol, nodes) => {
    const scenario = scenarioOf(protocol, nodes);
    const { offset, length } = embeddingRange(scenario.model);
    const memories = await played(scenario);
    const { stages } = protocol;
    const start = allocateReplica(parameterCount(scenario.model));
    createSteps(trainingSettingsOf(scenario)).initialise(start, [{ offset, length }]);
    const hashes = memories
      .filter((__, rank) => rank % stages === 0 || rank % stages === stages - 1)
      .map(({ parameters }) => weightsSha256(parameters.slice(offset, offset + length)));
    expect(hashes).toHaveLength((2 * nodes) / stages);
    expect(new Set(hashes).size).toBe(1);
    expect(hashes[0]).not.toBe(weightsSha256(start.parameters.slice(offset, offset + length)));
  });
});

it.each([
  ['DiLoCo across pipelines', { stages: 2, innerSteps: 3, outer: {} }],
  ['activations of 8 bits', { stages: 4, activations: { kind: 'int8' } }],
  ['activations in a subspace', { stages: 4, activations: { kind: 'subspace', rank: 8 } }],
])('%s lowers the held-out loss', async (_, protocol) => {
  const { initialLoss, finalLoss } = await referenceOf(scenarioOf(protocol, 4, { rounds: 4 }));
  expect(finalLoss).toBeLessThan(initialLoss - 0.3);
});
