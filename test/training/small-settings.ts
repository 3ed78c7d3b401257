/** Settings of a model small enough for tests, that still learns. */
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
