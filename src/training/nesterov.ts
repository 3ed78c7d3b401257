/**
 * SGD with Nesterov momentum, the outer optimizer of DiLoCo (Douillard et al., arXiv:2311.08105), on flat
 * arrays in place. What it takes for a gradient is the pseudo-gradient: outer parameters minus those that a
 * replica reached by its inner steps, averaged over replicas.
 */
import type { Range } from '../schedule/operation.js';

export interface NesterovSettings {
  readonly learningRate: number;
  readonly momentum: number;
}

/**
 * One step, in place, as torch.optim.SGD(nesterov=True, dampening=0) has it:
 *
 *     g = sum / contributors      buffer = µ·buffer + g      p = p - lr·(g + µ·buffer)
 *
 * @param buffer Momentum, flat; starts as zeros.
 * @param sum Sum over contributors of the pseudo-gradients, flat; not changed.
 * @param ranges What of the flat arrays to update; default: all.
 */
export function nesterovStep(
  parameters: Float32Array,
  buffer: Float32Array,
  sum: Float32Array,
  contributors: number,
  { learningRate, momentum }: NesterovSettings,
  ranges: readonly Range[] = [{ offset: 0, length: parameters.length }],
): void {
  for (const { offset, length } of ranges) {
    for (let i = offset; i < offset + length; i++) {
      const gradient = (sum[i] ?? NaN) / contributors;
      const moved = Math.fround(momentum * (buffer[i] ?? NaN) + gradient);
      buffer[i] = moved;
      parameters[i] = (parameters[i] ?? NaN) - learningRate * (gradient + momentum * moved);
    }
  }
}
