/**
 * The outer optimizer of NoLoCo (Kolehmainen et al., "NoLoCo: No-all-reduce Low Communication Training Method for
 * Large Models", arXiv:2506.10911, equation 2), on flat arrays in place.
 *
 * DiLoCo's replicas agree because all apply the same mean. Here a replica only ever sees one other, another one each
 * time, so each has outer parameters of its own. What keeps them together is a third term beside momentum and mean
 * pseudo-gradient: a pull towards the middle of the pair.
 */
import type { Range } from '../schedule/operation.js';

export interface NolocoSettings {
  /** β. */
  readonly learningRate: number;
  /** α. */
  readonly momentum: number;
  /** γ. */
  readonly pull: number;
}

/** Each flat, as many elements as the model. */
export interface NolocoState {
  /** φ, the outer parameters; changed. */
  readonly anchor: Float32Array;
  /** The peer's φ, as it was before this step. */
  readonly exchange: Float32Array;
  /** δ; starts as zeros; changed. */
  readonly outerMomentum: Float32Array;
  /** Sum of the pseudo-gradients of those who met. */
  readonly reduction: Float32Array;
}

/**
 * One step of replica i, with n = `contributors` replicas j that met (2; 1 for one that rests) and their
 * pseudo-gradients g = φ - θ:
 *
 *     δᵢ = α·δᵢ + β/n·Σⱼ gⱼ + γ·(φᵢ - 1/n·Σⱼ φⱼ)      φᵢ = φᵢ - δᵢ
 *
 * The paper writes δ with the other sign. With γ = β it is what the authors' program does (github.com/jkolehm/noloco,
 * sparse_optimizer_c.py): there is no look-ahead as in {@link nesterovStep}, though the paper speaks of Nesterov.
 */
export function nolocoStep(
  { anchor, exchange, outerMomentum, reduction }: NolocoState,
  contributors: number,
  { learningRate, momentum, pull }: NolocoSettings,
  ranges: readonly Range[],
): void {
  for (const { offset, length } of ranges) {
    for (let i = offset; i < offset + length; i++) {
      const apart = contributors === 1 ? 0 : (anchor[i]! - exchange[i]!) / 2;
      const gradient = reduction[i]! / contributors;
      const moved = Math.fround(momentum * outerMomentum[i]! + learningRate * gradient + pull * apart);
      outerMomentum[i] = moved;
      anchor[i] = anchor[i]! - moved;
    }
  }
}

/**
 * The pull from which on replicas drift apart for ever, given the momentum α and how many they are, at least 2.
 *
 * Take gradients away and let V = E φ², C = E φδ, D = E δ² be means over all replicas, whose φ and δ sum to zero. Who
 * meets a partner drawn by lot is pulled by x = (φᵢ - φⱼ)/2, and E x² = E xφ = k·V and E xδ = k·C with
 * k = N / (2·(N-1)), since those who are not i sum to -φᵢ; where one of N rests, k = 1/2. So a step makes
 *
 *     D' = α²·D + 2αγk·C + γ²k·V      C' = α·C + γk·V - D'      V' = V - 2·(α·C + γk·V) + D'
 *
 * of them: a linear map, which keeps some V, C, D as they are if γ·(1 + α - 2αk) = 2·(1 - α²), and shrinks all if γ is
 * less. For many replicas that is γ < 2·(1 - α²); for two, who always meet, γ < 2·(1 + α).
 */
export function largestPull(momentum: number, worldSize: number): number {
  const k = worldSize % 2 === 0 ? worldSize / (2 * (worldSize - 1)) : 1 / 2;
  return (2 * (1 - momentum ** 2)) / (1 + momentum - 2 * momentum * k);
}
