/** The inner optimizer, whichever a scenario names, on flat arrays in place. */
import type { InnerSettings } from '../scenario/schema.js';
import type { Range } from '../schedule/operation.js';
import { adamwStep, type AdamwState } from './adamw.js';
import type { ParameterTensor } from './model.js';

export interface InnerStep {
  /** Global inner step, counting from 0. */
  readonly step: number;
  /** The gradient is the sum over so many. */
  readonly divisor: number;
  readonly ranges: readonly Range[];
}

/**
 * One step by the mean gradient g = gradientSum / divisor:
 * `adamw` see adamw.ts; `sgd` p = p - lr·g; `sign` p = p - lr·sign(g) (Bernstein et al., arXiv:1802.04434).
 */
export function innerOptimizerStep(
  state: AdamwState,
  gradientSum: Float32Array,
  settings: InnerSettings,
  layout: readonly ParameterTensor[],
  { step, divisor, ranges }: InnerStep,
): void {
  const { parameters } = state;
  const { learningRate } = settings;
  switch (settings.kind) {
    case 'adamw':
      adamwStep(state, gradientSum, settings, layout, { step, divisor, ranges });
      return;
    case 'sgd':
      for (const { offset, length } of ranges) {
        for (let i = offset; i < offset + length; i++) {
          parameters[i] = parameters[i]! - learningRate * (gradientSum[i]! / divisor);
        }
      }
      return;
    case 'sign':
      for (const { offset, length } of ranges) {
        for (let i = offset; i < offset + length; i++) {
          parameters[i] = parameters[i]! - learningRate * Math.sign(gradientSum[i]!);
        }
      }
  }
}
