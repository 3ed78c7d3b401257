/**
 * What only a pipeline has: the order in which its ranks work on microbatches, and how long they stand idle.
 */
import { actionsOf, formatActions } from '../../../orchestrator/schedules/pipeline/index.js';
import type { Protocol } from '../../scenario/schema.js';
import { bubbleFraction, measuredBubble } from '../../schedule/bubble.js';
import type { TimedOperation } from '../../schedule/timed.js';

export interface PipelineView {
  /** A line per rank of a pipeline: its actions in a step, "STAGE F|B|I|W MICROBATCH". */
  readonly actions: string;
  /** Share of a step in which devices are idle: by formula, where messages take no time, and as simulated. */
  readonly bubble: { readonly formula: number; readonly simulated: number };
}

/**
 * Undefined for a protocol without a pipeline. The bubble is that of the first pipeline in the first step drawn.
 */
export function pipelineOf(protocol: Protocol, timed: readonly TimedOperation[]): PipelineView | undefined {
  if (protocol.kind !== 'pipeline') return undefined;
  const stages = timed.flatMap(({ operation, ...played }) =>
    operation.kind === 'stage' && operation.shard === 0 ? [{ ...played, step: operation.step }] : [],
  );
  const first = stages.reduce((least, { step }) => Math.min(least, step), Infinity);
  return {
    actions: formatActions(actionsOf(protocol)),
    bubble: {
      formula: bubbleFraction(protocol),
      simulated: measuredBubble(stages.filter(({ step }) => step === first)),
    },
  };
}
