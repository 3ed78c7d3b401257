/** AdamW and Nesterov against their formulas, written here once more and in double precision. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AdamwSettings } from '../../src/scenario/schema.js';
import { adamwStep } from '../../src/training/adamw.js';
import { nesterovStep } from '../../src/training/nesterov.js';

const settings: AdamwSettings = {
  kind: 'adamw',
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
};
const layout = [
  { name: 'matrix', shape: [1, 2], offset: 0, length: 2 },
  { name: 'gain', shape: [1], offset: 2, length: 1 },
];

function adamwOf(parameters: readonly number[]) {
  return {
    parameters: Float32Array.from(parameters),
    firstMoment: new Float32Array(parameters.length),
    secondMoment: new Float32Array(parameters.length),
  };
}

describe('adamwStep', () => {
  it('takes a first step of the learning rate against the gradient; matrices decay, gains do not', () => {
    const state = adamwOf([1, 1, 1]);
    adamwStep(state, Float32Array.of(0.5, -2, 3), settings, layout, { step: 0 });
    expect(state.parameters[0]).toBeCloseTo(1 - 0.01 * 0.1 - 0.01, 6);
    expect(state.parameters[1]).toBeCloseTo(1 - 0.01 * 0.1 + 0.01, 6);
    expect(state.parameters[2]).toBeCloseTo(1 - 0.01, 6);
  });

  it('follows the double-precision formula of torch.optim.AdamW over many steps', () => {
    const state = adamwOf([0.3, -0.7, 1]);
    const p = [0.3, -0.7, 1];
    const m = [0, 0, 0];
    const v = [0, 0, 0];
    for (let t = 1; t <= 50; t++) {
      const g = [Math.sin(t), Math.cos(3 * t) * 0.1, Math.sin(2 * t) * 5];
      adamwStep(state, Float32Array.from(g), settings, layout, { step: t - 1 });
      for (let i = 0; i < 3; i++) {
        const gradient = g[i] ?? NaN;
        m[i] = 0.9 * (m[i] ?? NaN) + 0.1 * gradient;
        v[i] = 0.95 * (v[i] ?? NaN) + 0.05 * gradient ** 2;
        const decayed = (p[i] ?? NaN) * (1 - 0.01 * (i < 2 ? 0.1 : 0));
        const denominator = Math.sqrt(v[i] ?? NaN) / Math.sqrt(1 - 0.95 ** t) + 1e-8;
        p[i] = decayed - ((0.01 / (1 - 0.9 ** t)) * (m[i] ?? NaN)) / denominator;
      }
    }
    p.forEach((value, i) => expect(state.parameters[i]).toBeCloseTo(value, 5));
  });

  it('divides a sum of gradients by the number of ranks', () => {
    const [alone, ofFour] = [adamwOf([1, 2, 3]), adamwOf([1, 2, 3])];
    adamwStep(alone, Float32Array.of(0.5, -0.25, 1), settings, layout, { step: 6 });
    adamwStep(ofFour, Float32Array.of(2, -1, 4), settings, layout, { step: 6, divisor: 4 });
    expect(ofFour).toEqual(alone);
  });
});

describe('nesterovStep', () => {
  it('gives the values worked out by hand for two steps of lr 0.5, momentum 0.5', () => {
    const [parameters, buffer] = [Float32Array.of(10), Float32Array.of(0)];
    const outer = { learningRate: 0.5, momentum: 0.5 };
    // g = 8/2 = 4; buffer = 4; p = 10 - 0.5·(4 + 0.5·4) = 7
    nesterovStep(parameters, buffer, Float32Array.of(8), 2, outer);
    expect([parameters[0], buffer[0]]).toEqual([7, 4]);
    // g = 2; buffer = 0.5·4 + 2 = 4; p = 7 - 0.5·(2 + 0.5·4) = 5
    nesterovStep(parameters, buffer, Float32Array.of(4), 2, outer);
    expect([parameters[0], buffer[0]]).toEqual([5, 4]);
  });

  it('lands on the mean of the replicas with learning rate 1 and no momentum', () => {
    const values = fc.array(fc.integer({ min: -64, max: 64 }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.integer({ min: -64, max: 64 }), values, (anchor, [a = 0, b = 0]) => {
        const parameters = Float32Array.of(anchor);
        const sum = Float32Array.of(anchor - a + (anchor - b));
        nesterovStep(parameters, Float32Array.of(0), sum, 2, { learningRate: 1, momentum: 0 });
        expect(parameters[0]).toBe((a + b) / 2);
      }),
    );
  });
});
