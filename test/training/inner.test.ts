/** The inner optimizers beside AdamW, which optimizers.test.ts holds to its formula. */
import { describe, expect, it } from 'vitest';
import type { InnerSettings } from '../../src/scenario/schema.js';
import { adamwStep } from '../../src/training/adamw.js';
import { innerOptimizerStep } from '../../src/training/inner.js';

const layout = [{ name: 'matrix', shape: [1, 4], offset: 0, length: 4 }];
const whole = [{ offset: 0, length: 4 }];
const state = () => ({
  parameters: Float32Array.of(1, -2, 3, 0),
  firstMoment: new Float32Array(4),
  secondMoment: new Float32Array(4),
});
const gradients = Float32Array.of(0.5, -0.25, 0, 8);

function stepped(settings: InnerSettings, divisor = 1, ranges = whole) {
  const own = state();
  innerOptimizerStep(own, gradients, settings, layout, { step: 3, divisor, ranges });
  return own;
}

describe('innerOptimizerStep', () => {
  it('sgd goes down the mean gradient', () => {
    const { parameters, firstMoment } = stepped({ kind: 'sgd', learningRate: 0.5 }, 2);
    expect([...parameters]).toEqual([1 - 0.125, -2 + 0.0625, 3, -2]);
    expect(firstMoment.every((value) => value === 0)).toBe(true);
  });

  it('sign takes equal steps, whatever the size of the gradient or the number of ranks, and none without one', () => {
    for (const divisor of [1, 7]) {
      const { parameters } = stepped({ kind: 'sign', learningRate: 0.25 }, divisor);
      expect([...parameters]).toEqual([0.75, -1.75, 3, -0.25]);
    }
  });

  it('adamw is adamw', () => {
    const decays = { beta1: 0.9, beta2: 0.95, weightDecay: 0.1 };
    const settings = { kind: 'adamw', learningRate: 0.01, epsilon: 1e-8, ...decays } as const;
    const expected = state();
    adamwStep(expected, gradients, settings, layout, { step: 3, divisor: 2 });
    expect(stepped(settings, 2)).toEqual(expected);
  });

  it.each<InnerSettings>([
    { kind: 'sgd', learningRate: 0.5 },
    { kind: 'sign', learningRate: 0.5 },
    { kind: 'adamw', learningRate: 0.5, beta1: 0, beta2: 0, epsilon: 1e-8, weightDecay: 0.1 },
  ])('$kind changes nothing outside its ranges', (settings) => {
    const ranges = [
      { offset: 0, length: 1 },
      { offset: 3, length: 1 },
    ];
    const [all, some] = [stepped(settings), stepped(settings, 1, ranges)];
    for (const array of ['parameters', 'firstMoment', 'secondMoment'] as const) {
      const before = state()[array];
      expect([...some[array]]).toEqual([all[array][0], before[1], before[2], all[array][3]]);
    }
  });
});
