/** What training needs to know of a scenario: plain data, so that it can be handed to another thread. */
import { unrollNodes } from '../scenario/resolve.js';
import type { InnerSettings, ModelShape, PipelineProtocol, Scenario } from '../scenario/schema.js';
import type { DataSettings } from './shards.js';

export interface TrainingSettings {
  /** Of the initial parameters, the shards and the batches. */
  readonly seed: number;
  readonly shape: ModelShape;
  /** Sequences per rank and step. */
  readonly batch: number;
  readonly inner: InnerSettings;
  readonly data: DataSettings;
  /** Absent where every rank holds the whole model. */
  readonly pipeline?: PipelineSettings;
}

/** How a model that no rank holds alone is cut. */
export interface PipelineSettings {
  /** Of the model; a rank may hold several. */
  readonly stages: number;
  readonly microbatches: number;
  /** Pipelines side by side, each with a batch of its own. */
  readonly replicas: number;
  readonly activations: PipelineProtocol['activations'];
}

export function trainingSettingsOf(scenario: Scenario): TrainingSettings {
  const { protocol } = scenario;
  // The ranks of a pipeline work on the same text: that of its first.
  const each = protocol.kind === 'pipeline' ? protocol.stages : 1;
  const genres = unrollNodes(scenario)
    .filter((_, rank) => rank % each === 0)
    .map((node) => node.genre);
  return {
    seed: scenario.seed,
    shape: scenario.model,
    batch: scenario.training.batch,
    inner: scenario.training.inner,
    data: { seed: scenario.seed, shards: scenario.data.shards, genres },
    ...(protocol.kind === 'pipeline' ? { pipeline: pipelineSettingsOf(protocol, genres.length) } : {}),
  };
}

function pipelineSettingsOf(
  { stages, chunks, microbatches, activations }: PipelineProtocol,
  replicas: number,
): PipelineSettings {
  return { stages: stages * chunks, microbatches, replicas, activations };
}
