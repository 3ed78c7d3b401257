/**
 * AdamW (Loshchilov and Hutter, arXiv:1711.05101), the inner optimizer, on flat arrays in place.
 *
 * Each element is computed in double precision and rounded to float32 when stored, with additions,
 * multiplications, divisions and square roots only, which IEEE 754 rounds one way. So the same inputs give
 * the same bits on every machine; that is also why powers are not left to Math.pow.
 */
import type { AdamwSettings } from '../scenario/schema.js';
import type { Range } from '../schedule/operation.js';
import type { ParameterTensor } from './model.js';
import { overlaps } from './ranges.js';

/** Flat arrays of one replica. The moments start as zeros. */
export interface AdamwState {
  readonly parameters: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/**
 * One step, in place (algorithm 2 of the paper, with the learning rate as the schedule multiplier, as
 * torch.optim.AdamW has it):
 *
 *     m = β1·m + (1-β1)·g          v = β2·v + (1-β2)·g²
 *     p = p·(1 - lr·λ) - lr · (m / (1-β1ᵗ)) / (√(v / (1-β2ᵗ)) + ε)
 *
 * Weight decay λ applies to matrices only, not to norm gains, as is usual.
 *
 * @param gradientSum Flat; g is this divided by `divisor`, e.g. a sum over ranks by the world size.
 * @param step Counting from 0; t is one more.
 * @param ranges What of the flat arrays to update; default: all.
 */
export function adamwStep(
  state: AdamwState,
  gradientSum: Float32Array,
  settings: AdamwSettings,
  layout: readonly ParameterTensor[],
  {
    step,
    divisor = 1,
    ranges,
  }: { readonly step: number; readonly divisor?: number; readonly ranges?: readonly Range[] },
): void {
  const { parameters, firstMoment, secondMoment } = state;
  const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
  const correction1 = 1 - integerPower(beta1, step + 1);
  const correction2 = 1 - integerPower(beta2, step + 1);
  for (const { offset, length, shape } of layout) {
    const kept = shape.length > 1 ? 1 - learningRate * weightDecay : 1;
    for (const own of ranges === undefined ? [{ offset, length }] : overlaps({ offset, length }, ranges)) {
      for (let i = own.offset; i < own.offset + own.length; i++) {
        const gradient = at(gradientSum, i) / divisor;
        firstMoment[i] = beta1 * at(firstMoment, i) + (1 - beta1) * gradient;
        secondMoment[i] = beta2 * at(secondMoment, i) + (1 - beta2) * gradient * gradient;
        const mean = at(firstMoment, i) / correction1;
        const deviation = Math.sqrt(at(secondMoment, i) / correction2);
        parameters[i] = at(parameters, i) * kept - (learningRate * mean) / (deviation + epsilon);
      }
    }
  }
}

/** `base` to a whole power of at least 0, by squaring. */
function integerPower(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2), square *= square) {
    if (rest % 2 === 1) result *= square;
  }
  return result;
}

/** Element of a flat array; beyond its end NaN, so that arrays of unlike length show. */
function at(values: Float32Array, index: number): number {
  return values[index] ?? NaN;
}
