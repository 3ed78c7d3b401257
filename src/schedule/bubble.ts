/**
 * The pipeline bubble: the share of its time in which a pipeline's devices have nothing to do, because what they
 * need is still on its way through the others.
 *
 * The formulas assume that every stage takes equally long and that messages take no time; a measured bubble is
 * larger by what the network costs. All are shares of the whole time of a step; papers often give the bubble over
 * the time of useful work instead, which is b/(1-b).
 */
import type { PipelineProtocol } from '../scenario/schema.js';

/**
 * Share of a step's time in which devices are idle, for p ranks, m microbatches and v chunks, where a backward
 * pass takes twice as long as a forward one:
 *
 * - GPipe (Huang et al., arXiv:1811.06965, section 2.3) and 1F1B (Narayanan et al., arXiv:2104.04473, section
 *   2.2.1): (p-1)/(m+p-1). A step lasts m passes each way and p-1 more.
 * - interleaved (the same, section 2.2.2): (p-1)/(v·m+p-1). The p-1 passes are a v-th as long.
 * - ZB-H1 (Qi et al., arXiv:2401.10241, section 2.3): a step lasts m·(T_F+T_B+T_W) and a bubble of
 *   (p-1)·(T_F+T_B-T_W), in the paper's letters, in which T_B is the half by the input alone. With
 *   T_F = T_B = T_W that is (p-1)/(3m+p-1). Holds for m ≥ p; with fewer microbatches there are not enough
 *   weight passes to fill the gaps, and the bubble is larger.
 */
export function bubbleFraction({
  schedule,
  stages: p,
  microbatches: m,
  chunks: v,
}: Pick<PipelineProtocol, 'schedule' | 'stages' | 'microbatches' | 'chunks'>): number {
  switch (schedule) {
    case 'gpipe':
    case '1f1b':
      return (p - 1) / (m + p - 1);
    case 'interleaved':
      return (p - 1) / (v * m + p - 1);
    case 'zb-h1':
      return (p - 1) / (3 * m + p - 1);
  }
}

/** A stage operation as it was played: whose, and from when to when, in seconds. */
export interface PlayedStage {
  readonly rank: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The bubble of one step of one pipeline as it was played: of the time between the beginning of its first stage
 * operation and the end of its last, over all its ranks, the share in which no stage operation was under way.
 * On a network that takes no time this is {@link bubbleFraction}.
 *
 * @param played The stage operations of all its ranks in that step, and of no other; at least one.
 */
export function measuredBubble(played: readonly PlayedStage[]): number {
  const ranks = new Set(played.map(({ rank }) => rank)).size;
  const first = played.reduce((least, { start }) => Math.min(least, start), Infinity);
  const last = played.reduce((most, { end }) => Math.max(most, end), -Infinity);
  const busy = played.reduce((sum, { start, end }) => sum + end - start, 0);
  return 1 - busy / (ranks * (last - first));
}
