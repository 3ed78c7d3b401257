/** Settings of a model small enough for tests, that still learns. */
import type { OuterOperation, Range, Update } from '../../src/schedule/operation.js';
import { parameterCount } from '../../src/training/model.js';
import type { TrainingSettings } from '../../src/training/settings.js';

export function smallSettings(worldSize: number, seed = 1): TrainingSettings {
  return {
    seed,
    shape: { layers: 1, width: 32, heads: 2, context: 16 },
    batch: 4,
    inner: { kind: 'adamw', learningRate: 0.005, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 },
    data: { seed, shards: 'mixed', genres: Array.from({ length: worldSize }, () => undefined) },
  };
}

/** All parameters of the model. */
export const wholeOf = ({ shape }: Pick<TrainingSettings, 'shape'>): Range[] => [
  { offset: 0, length: parameterCount(shape) },
];

/** An operation that applies the sum over `contributors` to these ranges. */
export function updateBy(update: Update, contributors: number, ranges: readonly Range[]): OuterOperation {
  return { id: 0, kind: 'outer', stream: 'compute', after: [], update, ranges, contributors, cost: 1 };
}
