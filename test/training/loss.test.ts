/** The compiled loss: its value, its gradient, and that it leaves nothing behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { createLoss, createLossAndGradient } from '../../src/training/loss.js';
import { initialParameters, parameterCount, parameterLayout } from '../../src/training/model.js';

const shape = { layers: 2, width: 8, heads: 2, context: 6 };
const batch = 2;
const count = parameterCount(shape);
const tokens = Uint8Array.from(Buffer.from('The juryNo rain'.slice(0, batch * (shape.context + 1))));

/** Ten times the usual deviation, so that derivatives stand well above float32's rounding. */
function largeParameters(): Float32Array {
  const parameters = new Float32Array(count);
  initialParameters(shape, 5, parameters);
  return parameters.map((value) => (value === 1 ? 1 : 10 * value));
}

describe('createLossAndGradient', () => {
  const lossAndGradient = createLossAndGradient(shape, batch);
  const loss = createLoss(shape, batch);

  it('is ln 256 where all bytes are equally likely', () => {
    expect(loss(new Float32Array(count), tokens)).toBeCloseTo(Math.log(256), 5);
  });

  it('agrees with the loss alone, and reads parameters on shared memory', () => {
    const shared = new Float32Array(new SharedArrayBuffer(count * 4));
    shared.set(largeParameters());
    const value = lossAndGradient(shared, tokens, new Float32Array(count));
    expect(value).toBeCloseTo(loss(largeParameters(), tokens), 5);
  });

  it('agrees with finite differences, in every tensor and several directions', () => {
    const parameters = largeParameters();
    const gradient = new Float32Array(count);
    lossAndGradient(parameters, tokens, gradient);
    const random = new Random(1, 'directions');
    for (const { name, offset, length } of parameterLayout(shape)) {
      const own = gradient.subarray(offset, offset + length);
      const norm = Math.hypot(...own);
      expect(norm, name).toBeGreaterThan(1e-3);
      const directions = [0, 1, 2].map(() => Array.from(own, () => random.normal() / Math.sqrt(length)));
      directions.push(Array.from(own, (value) => value / norm));
      for (const direction of directions) {
        const step = 5e-3;
        const shifted = (sign: number) => {
          const moved = parameters.slice();
          direction.forEach(
            (value, i) => (moved[offset + i] = (moved[offset + i] ?? NaN) + sign * step * value),
          );
          return loss(moved, tokens);
        };
        const expected = (shifted(1) - shifted(-1)) / (2 * step);
        const found = direction.reduce((sum, value, i) => sum + value * (own[i] ?? NaN), 0);
        expect(Math.abs(found - expected), name).toBeLessThan(5e-4 + 0.02 * Math.abs(expected));
      }
    }
  });

  it('refuses a batch of another size', () => {
    expect(() => loss(new Float32Array(count), tokens.subarray(1))).toThrow(/batch is 2 rows of 7 bytes/);
  });

  it('keeps memory flat over 1000 steps', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const parameters = largeParameters();
    const gradient = new Float32Array(count);
    const bytesAfter = (steps: number) => {
      for (let i = 0; i < steps; i++) lossAndGradient(parameters, tokens, gradient);
      collect();
      const { external, heapUsed } = process.memoryUsage();
      return external + heapUsed;
    };
    const before = bytesAfter(200);
    // One copy of the parameters kept per step would be 15 MB.
    expect(bytesAfter(1000) - before).toBeLessThan(3e6);
  });
});
