/** The forward pass looks back, never ahead. */
import { numpy as np } from '@jax-js/jax';
import { describe, expect, it } from 'vitest';
import { initialParameters, parameterCount } from '../../src/training/model.js';
import { logitsOf, weightsFrom } from '../../src/training/transformer.js';

const shape = { layers: 2, width: 16, heads: 2, context: 8 };

function rowsOfLogits(tokens: readonly number[]): number[][] {
  const parameters = new Float32Array(parameterCount(shape));
  initialParameters(shape, 3, parameters);
  const logits = logitsOf(shape, 1, weightsFrom(shape, parameters), np.array(Int32Array.from(tokens)));
  expect(logits.shape).toEqual([shape.context, 256]);
  return logits.js() as number[][];
}

describe('logitsOf', () => {
  it('changes by a byte at that position and later, and not before', () => {
    const tokens = [84, 104, 101, 32, 106, 117, 114, 121];
    const before = rowsOfLogits(tokens);
    for (let changed = 0; changed < tokens.length; changed++) {
      const after = rowsOfLogits(tokens.map((token, position) => (position === changed ? 33 : token)));
      for (let position = 0; position < tokens.length; position++) {
        if (position < changed) expect(after[position]).toEqual(before[position]);
        else expect(after[position]).not.toEqual(before[position]);
      }
    }
  });

  it('tells positions apart: a repeated byte has unlike logits', () => {
    const [first, second] = rowsOfLogits(Array.from({ length: shape.context }, () => 65));
    expect(second).not.toEqual(first);
  });
});
