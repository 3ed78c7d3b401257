/** The flat layout, and the parameters that training starts from. */
import { describe, expect, it } from 'vitest';
import { initialParameters, parameterCount, parameterLayout } from '../../src/training/model.js';

const shape = { layers: 3, width: 32, heads: 4, context: 16 };

function initial(seed: number): Float32Array {
  const parameters = new Float32Array(parameterCount(shape));
  initialParameters(shape, seed, parameters);
  return parameters;
}

function deviationOf(name: string, parameters: Float32Array): number {
  const tensor = parameterLayout(shape).find((other) => other.name === name);
  if (!tensor) throw new Error(`no tensor ${name}`);
  const values = parameters.subarray(tensor.offset, tensor.offset + tensor.length);
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

describe('parameterLayout', () => {
  it('lays tensors one after the other without gaps', () => {
    let end = 0;
    for (const { offset, length, shape: dimensions } of parameterLayout(shape)) {
      expect(offset).toBe(end);
      expect(length).toBe(dimensions.reduce((product, size) => product * size, 1));
      end += length;
    }
    expect(end).toBe(parameterCount(shape));
  });

  it('has the count of the closed form: embeddings, 12·width² and two gains a layer, a last gain', () => {
    const { layers, width, context } = shape;
    expect(parameterCount(shape)).toBe(
      (256 + context) * width + layers * (12 * width ** 2 + 2 * width) + width,
    );
  });

  it('names every tensor once', () => {
    const names = parameterLayout(shape).map((tensor) => tensor.name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('initialParameters', () => {
  it('gives the same bits for the same seed and others for another', () => {
    expect(initial(1)).toEqual(initial(1));
    expect(initial(2)).not.toEqual(initial(1));
  });

  it('draws weights of deviation 0.02, scaled down where they write to the residual stream; gains are 1', () => {
    const parameters = initial(7);
    expect(deviationOf('embedding', parameters)).toBeCloseTo(0.02, 3);
    expect(deviationOf('layers.1.mlp.up', parameters)).toBeCloseTo(0.02, 3);
    expect(deviationOf('layers.1.mlp.down', parameters)).toBeCloseTo(0.02 / Math.sqrt(2 * shape.layers), 3);
    expect(deviationOf('layers.2.attention.norm', parameters)).toBe(1);
  });
});
