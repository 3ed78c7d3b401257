/**
 * The outer step of eager overlap (Kale et al., "Eager updates for overlapped communication and computation in
 * DiLoCo", arXiv:2502.12996), on flat arrays in place.
 *
 * What the replicas have learnt in a round takes the whole next round to be exchanged. So at its end a replica
 * knows the others' share of the round before, and its own of this one. Its own it uses at once:
 *
 *     g = (own, this round + others', round before) / N = (sum, round before - own, round before + own) / N
 *
 * In the first round there is nothing of others, and g is own / N. The subtraction takes back what stood in for
 * the sum when there was none yet, so over the rounds each share counts once for every replica, and replicas
 * differ by no more than their own latest share, and what momentum makes of it. It is the share before compression, because that is what was
 * used then; the sum brings it as compression left it.
 */
import type { Range } from '../schedule/operation.js';
import type { ReplicaMemory } from './memory.js';
import { nesterovStep, type NesterovSettings } from './nesterov.js';

/**
 * One step. `reduction` holds the sum of the round before and `exchange` the own share of it, or zeros in the
 * first round; both are left holding the own share of this round, `anchor - parameters`. Then Nesterov on the
 * anchor by g, and the parameters are the anchor.
 *
 * @param contributors N.
 */
export function eagerStep(
  { parameters, anchor, outerMomentum, reduction, exchange }: ReplicaMemory,
  contributors: number,
  settings: NesterovSettings,
  ranges: readonly Range[],
): void {
  for (const { offset, length } of ranges) {
    for (let i = offset; i < offset + length; i++) {
      const own = Math.fround((anchor[i] ?? NaN) - (parameters[i] ?? NaN));
      reduction[i] = (reduction[i] ?? NaN) - (exchange[i] ?? NaN) + own;
      exchange[i] = own;
    }
  }
  nesterovStep(anchor, outerMomentum, reduction, contributors, settings, ranges);
  for (const { offset, length } of ranges) {
    for (let i = offset; i < offset + length; i++) {
      parameters[i] = anchor[i] ?? NaN;
      reduction[i] = exchange[i] ?? NaN;
    }
  }
}
