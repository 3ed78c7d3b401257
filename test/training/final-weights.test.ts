import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/errors.js';
import {
  eachHoldsAll,
  finalWeights,
  heldSha256,
  heldValues,
  placedValues,
  type Held,
} from '../../src/training/final-weights.js';
import { weightsSha256 } from '../../src/training/safetensors.js';

const COUNT = 6;
const whole = [{ offset: 0, length: COUNT }];
const values = (first: number) => Float32Array.from({ length: COUNT }, (_, i) => first + i);
const held = (rank: number, group: number, parameters: Float32Array, ranges = whole): Held => ({
  rank,
  group,
  ranges,
  parameters,
});

describe('finalWeights', () => {
  it('of ranks that agree is what they all hold', () => {
    const { parameters, weightsSha256: hash } = finalWeights(
      [0, 1, 2].map((rank) => held(rank, 0, values(5))),
      COUNT,
    );
    expect(parameters).toEqual(values(5));
    expect(hash).toBe(weightsSha256(values(5)));
  });

  it('names the rank that differs from the first of its group', () => {
    const ranks = [held(0, 0, values(5)), held(1, 1, values(6)), held(2, 1, values(7))];
    expect(() => finalWeights(ranks, COUNT)).toThrow(
      new RunError('rank 2 ended with other weights than rank 1'),
    );
  });

  it('of rival models is the first group’s, with a hash over all in order of groups', () => {
    const ranks = [held(0, 0, values(1)), held(1, 1, values(2)), held(2, 0, values(1))];
    const { parameters, weightsSha256: hash } = finalWeights(ranks, COUNT);
    expect(parameters).toEqual(values(1));
    const joined = weightsSha256(values(1)) + weightsSha256(values(2));
    expect(hash).toBe(createHash('sha256').update(joined).digest('hex'));
    expect(finalWeights(ranks.toReversed(), COUNT).weightsSha256).toBe(hash);
    const other = [...ranks.slice(0, 1), held(1, 1, values(3))];
    expect(finalWeights(other, COUNT).weightsSha256).not.toBe(hash);
  });

  it('of stages is the model put together, with the hash that the whole has', () => {
    const model = values(10);
    const first = [
      { offset: 0, length: 2 },
      { offset: 5, length: 1 },
    ];
    const second = [{ offset: 2, length: 3 }];
    const ofStage = (ranges: typeof whole, junk: number) => {
      const own = new Float32Array(COUNT).fill(junk);
      for (const { offset, length } of ranges) own.set(model.subarray(offset, offset + length), offset);
      return own;
    };
    const ranks = [
      held(0, 0, ofStage(first, -1), first),
      held(1, 1, ofStage(second, -2), second),
      // A replica of the first stage, whose other elements do not count.
      held(2, 0, ofStage(first, -3), first),
    ];
    expect(finalWeights(ranks, COUNT)).toEqual({ parameters: model, weightsSha256: weightsSha256(model) });
  });
});

describe('what a rank holds', () => {
  const ranges = [
    { offset: 4, length: 2 },
    { offset: 1, length: 1 },
  ];

  it('is its ranges one after the other, and finds its places again', () => {
    const own = heldValues({ ranges, parameters: values(10) });
    expect([...own]).toEqual([14, 15, 11]);
    expect(heldSha256({ ranges, parameters: values(10) })).toBe(weightsSha256(own));
    expect([...placedValues(ranges, own, COUNT)]).toEqual([0, 11, 0, 0, 14, 15]);
  });

  it('is a model only if it is all of it', () => {
    expect(eachHoldsAll([{ ranges: whole }, { ranges: whole }], COUNT)).toBe(true);
    expect(eachHoldsAll([{ ranges: whole }, { ranges }], COUNT)).toBe(false);
    expect(eachHoldsAll([{ ranges: [{ offset: 1, length: 5 }] }], COUNT)).toBe(false);
  });
});
