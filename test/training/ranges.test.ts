import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Range } from '../../src/schedule/operation.js';
import { clearOutside, overlaps } from '../../src/training/ranges.js';
import { indicesOf } from '../support/ranges.js';

const LENGTH = 40;
const range = fc
  .tuple(fc.nat(LENGTH), fc.nat(LENGTH))
  .map(([a, b]): Range => ({ offset: Math.min(a, b), length: Math.abs(a - b) }));
/** In order and apart, as a rank holds them. */
const apart = fc
  .uniqueArray(fc.nat(LENGTH), { minLength: 2, maxLength: 8 })
  .map((cuts) => cuts.sort((a, b) => a - b))
  .map((cuts) =>
    cuts.flatMap((offset, i) =>
      i % 2 === 0 && i + 1 < cuts.length ? [{ offset, length: cuts[i + 1]! - offset }] : [],
    ),
  );
const holds = ({ offset, length }: Range, index: number) => index >= offset && index < offset + length;

describe('ranges', () => {
  it('overlaps in the elements that are in both, and in no empty piece', () => {
    fc.assert(
      fc.property(range, apart, (one, others) => {
        const shared = overlaps(one, others);
        const expected = indicesOf(others).filter((index) => holds(one, index));
        expect(indicesOf(shared)).toEqual(expected);
        for (const { length } of shared) expect(length).toBeGreaterThan(0);
      }),
    );
  });

  it('clears what is in none of them, and that alone', () => {
    fc.assert(
      fc.property(apart, (ranges) => {
        const values = Float32Array.from({ length: LENGTH }, (_, i) => i + 1);
        clearOutside(values, ranges);
        values.forEach((value, i) => expect(value).toBe(ranges.some((one) => holds(one, i)) ? i + 1 : 0));
      }),
    );
  });
});
