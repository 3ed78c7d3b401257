/** What training needs to know of a scenario: plain data, so that it can be handed to another thread. */
import { unrollNodes } from '../scenario/resolve.js';
import type { AdamwSettings, ModelShape, Scenario } from '../scenario/schema.js';
import type { DataSettings } from './shards.js';

export interface TrainingSettings {
  /** Of the initial parameters, the shards and the batches. */
  readonly seed: number;
  readonly shape: ModelShape;
  /** Sequences per rank and step. */
  readonly batch: number;
  readonly inner: AdamwSettings;
  readonly data: DataSettings;
}

export function trainingSettingsOf(scenario: Scenario): TrainingSettings {
  const genres = unrollNodes(scenario).map((node) => node.genre);
  return {
    seed: scenario.seed,
    shape: scenario.model,
    batch: scenario.training.batch,
    inner: scenario.training.inner,
    data: { seed: scenario.seed, shards: scenario.data.shards, genres },
  };
}
