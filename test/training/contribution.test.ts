/** What compression leaves out is kept to the last bit, and what was gathered is summed in its order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  codecOf,
  encodedBytes,
  type DenseEncoding,
  type SparseEncoding,
} from '../../src/compression/index.js';
import { Random } from '../../src/random.js';
import type { AggregateOperation, CompressOperation, Range } from '../../src/schedule/operation.js';
import { aggregate, compress, pseudoGradient } from '../../src/training/contribution.js';
import { allocateReplica } from '../../src/training/memory.js';

const LENGTH = 150;
const slices: Range[] = [
  { offset: 3, length: 100 },
  { offset: 110, length: 37 },
];
const bytesOf = (encoding: DenseEncoding | SparseEncoding) =>
  slices.reduce((sum, { length }) => sum + encodedBytes(encoding, length), 0);

/** What these decode to is 0, or within a factor of two of the value, so a difference of the two is exact. */
const nearest: DenseEncoding[] = [
  { kind: 'float32' },
  { kind: 'float16' },
  { kind: 'bfloat16' },
  { kind: 'int8', rounding: 'nearest' },
  { kind: 'int8-blockwise', block: 16, rounding: 'nearest' },
];
const coarse: (DenseEncoding | SparseEncoding)[] = [
  { kind: 'int8', rounding: 'stochastic' },
  { kind: 'e3m0', block: 16, rounding: 'nearest' },
  { kind: 'top-k', chunk: 32, keep: 4 },
  { kind: 'dct-sign', chunk: 32, keep: 4 },
];

function compressOf(
  encoding: DenseEncoding | SparseEncoding,
  decay: number,
  more: Pick<CompressOperation, 'slot'> = {},
): CompressOperation {
  return { kind: 'compress', id: 0, stream: 'compute', after: [], slices, encoding, decay, cost: 1, ...more };
}

const value = fc.double({ min: -8, max: 8, noNaN: true }).map(Math.fround);
const memories = fc
  .tuple(
    fc.array(value, { minLength: LENGTH, maxLength: LENGTH }),
    fc.array(value, { minLength: LENGTH, maxLength: LENGTH }),
  )
  .map(([reduction, residual]) => ({ reduction, residual }));

function memoryWith(
  { reduction, residual }: { readonly reduction: number[]; readonly residual: number[] },
  contributionBytes = 0,
) {
  const memory = allocateReplica(LENGTH, { activationElements: 0, contributionBytes });
  memory.reduction.set(reduction);
  memory.residual.set(residual);
  return memory;
}

const inSlices = (index: number) =>
  slices.some(({ offset, length }) => index >= offset && index < offset + length);

describe('compress', () => {
  it.each(nearest)('$kind: what goes out and what stays are what came in, to the bit', (encoding) => {
    fc.assert(
      fc.property(memories, fc.constantFrom(1, 0.95, 0.5), (before, decay) => {
        const memory = memoryWith(before);
        compress(memory, compressOf(encoding, decay), new Random(1, 'rounding'));
        memory.reduction.forEach((sent, i) => {
          if (!inSlices(i)) return;
          const whole = Math.fround(decay * before.residual[i]! + before.reduction[i]!);
          // Compared as numbers: the sign of a zero is no residual.
          expect(Math.fround(sent + memory.residual[i]!) === whole).toBe(true);
        });
      }),
      { numRuns: 30 },
    );
  });

  it.each(coarse)('$kind: they are, to the rounding of one float32 difference', (encoding) => {
    fc.assert(
      fc.property(memories, (before) => {
        const memory = memoryWith(before);
        compress(memory, compressOf(encoding, 0.9), new Random(1, 'rounding'));
        memory.reduction.forEach((sent, i) => {
          if (!inSlices(i)) return;
          const whole = Math.fround(0.9 * before.residual[i]! + before.reduction[i]!);
          const slack = 2 ** -23 * (Math.abs(whole) + Math.abs(sent));
          expect(Math.abs(sent + memory.residual[i]! - whole)).toBeLessThanOrEqual(slack);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('leaves what is in no slice alone', () => {
    const before = {
      reduction: Array.from({ length: LENGTH }, (_, i) => Math.fround(Math.sin(i))),
      residual: Array.from({ length: LENGTH }, (_, i) => Math.fround(Math.cos(i))),
    };
    const memory = memoryWith(before);
    compress(memory, compressOf({ kind: 'int8', rounding: 'nearest' }, 1), new Random(1, 'rounding'));
    const outside = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => !inSlices(i));
    expect(outside(memory.reduction)).toEqual(outside(before.reduction));
    expect(outside(memory.residual)).toEqual(outside(before.residual));
    expect(memory.reduction[5]).not.toBe(before.reduction[5]);
  });

  it('without decay neither uses nor keeps a residual', () => {
    const before = {
      reduction: Array.from({ length: LENGTH }, (_, i) => Math.sin(i)),
      residual: Array.from({ length: LENGTH }, () => 100),
    };
    const memory = memoryWith(before);
    compress(memory, compressOf({ kind: 'float32' }, 0), new Random(1, 'rounding'));
    expect(memory.reduction).toEqual(Float32Array.from(before.reduction));
    expect(memory.residual.every((left) => left === 100)).toBe(true);
  });

  it('keeps the encoded bytes of each slice, one after the other from the slot on', () => {
    const encoding: DenseEncoding = { kind: 'float16' };
    const bytes = bytesOf(encoding);
    const before = {
      reduction: Array.from({ length: LENGTH }, (_, i) => Math.sin(i)),
      residual: Array.from({ length: LENGTH }, () => 0),
    };
    const memory = memoryWith(before, bytes + 5);
    compress(memory, compressOf(encoding, 0, { slot: 5 }), new Random(1, 'rounding'));
    let at = 5;
    for (const { offset, length } of slices) {
      const encoded = memory.contributions.subarray(at, at + encodedBytes(encoding, length));
      const decoded = new Float32Array(length);
      codecOf(encoding).decode(encoded, decoded);
      expect(decoded).toEqual(memory.reduction.slice(offset, offset + length));
      at += encoded.length;
    }
    expect([...memory.contributions.subarray(0, 5)]).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('aggregate', () => {
  it.each([...nearest, ...coarse])(
    '$kind: sums what was encoded, in float32, in the order of the slots',
    (encoding) => {
      const bytes = bytesOf(encoding);
      const memory = allocateReplica(LENGTH, { activationElements: 0, contributionBytes: 3 * bytes });
      const contributed = [0, 1, 2].map((rank) => {
        // Of very different sizes, so that another order gives other bits.
        memory.reduction.forEach((_, i) => (memory.reduction[i] = Math.sin(i + rank) * 10 ** (3 * rank)));
        compress(memory, compressOf(encoding, 0, { slot: rank * bytes }), new Random(rank, 'rounding'));
        return memory.reduction.slice();
      });
      const slots = [2, 0, 1].map((rank) => rank * bytes);
      const operation: AggregateOperation = {
        ...{ kind: 'aggregate', id: 0, stream: 'compute', after: [], cost: 1 },
        ...{ slices, encoding, slots },
      };
      memory.reduction.fill(7);
      aggregate(memory, operation);
      memory.reduction.forEach((sum, i) => {
        const [a, b, c] = contributed.map((own) => own[i]!) as [number, number, number];
        const expected = Math.fround(Math.fround(0 + c) + a);
        expect(sum).toBe(inSlices(i) ? Math.fround(expected + b) : 7);
      });
    },
  );
});

describe('pseudoGradient', () => {
  it('is what the inner steps have moved, counted downhill', () => {
    const memory = allocateReplica(4);
    memory.anchor.set([1, 2, 3, 4]);
    memory.parameters.set([0.5, 4, 3, 9]);
    pseudoGradient(memory, [
      { offset: 0, length: 2 },
      { offset: 2, length: 1 },
    ]);
    expect([...memory.reduction]).toEqual([0.5, -2, 0, 0]);
  });
});
