/**
 * The yardstick for pipelines: the same training in one piece, on the whole model, a microbatch at a time.
 *
 * Each replica of the pipeline is one replica here. It sums the gradients of its microbatches in ascending
 * order, in float32, as every stage does; and replicas are summed in ascending order. So it differs from a
 * pipeline in nothing but the cuts, and in one sum: of the two gradients of the tied embedding the whole model
 * adds those of each microbatch, and the pipeline those of the whole batch.
 */
import type { OuterOperation } from '../../src/schedule/operation.js';
import { batchFor } from '../../src/training/batches.js';
import { createLossAndGradient } from '../../src/training/loss.js';
import { allocateReplica, type ReplicaMemory } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import type { PipelineSettings, TrainingSettings } from '../../src/training/settings.js';
import { dealDocuments } from '../../src/training/shards.js';
import { createSteps } from '../../src/training/steps.js';
import { readDocuments } from '../../src/training/text.js';
import { updateBy, wholeOf } from './small-settings.js';

export type PipelinedSettings = TrainingSettings & { readonly pipeline: PipelineSettings };

/** DiLoCo between replicas. */
export interface OuterSteps {
  readonly innerSteps: number;
  readonly learningRate: number;
  readonly momentum: number;
}

/** Leaves the sum of a replica's microbatch gradients in `reduction`; returns their losses. */
export type UnsplitGradient = (memory: ReplicaMemory, shard: number, step: number) => number[];

export function unsplitGradient({ seed, shape, batch, data, pipeline }: PipelinedSettings): UnsplitGradient {
  const { microbatches } = pipeline;
  const rows = batch / microbatches;
  const bytes = rows * (shape.context + 1);
  const lossAndGradient = createLossAndGradient(shape, rows);
  const texts = dealDocuments(data).training.slice(0, pipeline.replicas).map(readDocuments);
  return ({ parameters, reduction }, shard, step) => {
    const text = texts[shard]!;
    const tokens = batchFor({ text, seed, rank: shard, step, batch, context: shape.context });
    const own = new Float32Array(reduction.length);
    return Array.from({ length: microbatches }, (_, m) => {
      const loss = lossAndGradient(parameters, tokens.subarray(m * bytes, (m + 1) * bytes), own);
      own.forEach((value, i) => (reduction[i] = m === 0 ? value : reduction[i]! + value));
      return loss;
    });
  };
}

/**
 * Trains for so many inner steps.
 *
 * @param outer Absent: replicas average their gradients in every step.
 * @returns The parameters in the end, and the mean loss of each step.
 */
export function trainUnsplit(
  settings: PipelinedSettings,
  steps: number,
  outer?: OuterSteps,
): { readonly parameters: Float32Array; readonly losses: readonly number[] } {
  const { replicas: count, microbatches } = settings.pipeline;
  const device = createSteps(settings);
  const gradient = unsplitGradient(settings);
  const length = parameterCount(settings.shape);
  const whole = wholeOf(settings);
  const replicas = Array.from({ length: count }, () => allocateReplica(length));
  for (const replica of replicas) device.initialise(replica, whole);

  const average = (): void => {
    const sum = new Float32Array(length);
    for (const { reduction } of replicas) reduction.forEach((value, i) => (sum[i]! += value));
    for (const { reduction } of replicas) reduction.set(sum);
  };
  const update = (operation: OuterOperation): void =>
    replicas.forEach((replica, rank) => device.work(replica, operation, { rank, round: 0 }));

  const losses = Array.from({ length: steps }, (_, step) => {
    const ofStep = replicas.flatMap((replica, shard) => gradient(replica, shard, step));
    if (outer === undefined) average();
    const contributors = microbatches * (outer === undefined ? count : 1);
    update(updateBy({ optimizer: 'inner', step }, contributors, whole));
    if (outer !== undefined && (step + 1) % outer.innerSteps === 0) {
      for (const replica of replicas) device.pseudoGradient(replica, whole);
      average();
      const { learningRate, momentum } = outer;
      update(updateBy({ optimizer: 'nesterov', learningRate, momentum, mix: 0 }, count, whole));
    }
    return ofStep.reduce((sum, loss) => sum + loss, 0) / ofStep.length;
  });
  return { parameters: replicas[0]!.parameters, losses };
}
