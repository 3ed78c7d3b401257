/** All codecs under the laws they share; then what each of them promises besides. */
import { Float16Array } from '@petamoriken/float16';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dct } from '../../src/compression/dct.js';
import {
  codecOf,
  encodedBytes,
  type DenseEncoding,
  type Encoding,
  type Rounding,
  type SparseEncoding,
} from '../../src/compression/index.js';
import { Random } from '../../src/random.js';
import { bitsPerElement } from './bits-per-element.js';
import { itKeepsTheLaws, norm, roundTrip } from './compliance.js';

const rounding = fc.constantFrom<Rounding>('nearest', 'stochastic');
const block = fc.integer({ min: 1, max: 70 });
const chunk = fc.integer({ min: 1, max: 90 });
const powerOfTwo = fc.integer({ min: 0, max: 7 }).map((power) => 2 ** power);
/** Settings of a sparse encoding, with no more kept than there are. */
const keeping = <Kind extends 'top-k' | 'dct-sign'>(kind: Kind, chunks: fc.Arbitrary<number>) =>
  chunks.chain((size) =>
    fc.record({ kind: fc.constant(kind), chunk: fc.constant(size), keep: fc.integer({ min: 1, max: size }) }),
  );

const encodings: Record<Exclude<Encoding['kind'], 'bytes'>, fc.Arbitrary<Encoding>> = {
  float32: fc.constant({ kind: 'float32' }),
  float16: fc.constant({ kind: 'float16' }),
  bfloat16: fc.constant({ kind: 'bfloat16' }),
  int8: fc.record({ kind: fc.constant('int8'), rounding }),
  'int8-blockwise': fc.record({ kind: fc.constant('int8-blockwise'), block, rounding }),
  e3m0: fc.record({ kind: fc.constant('e3m0'), block, rounding }),
  'top-k': keeping('top-k', chunk),
  'dct-sign': keeping('dct-sign', powerOfTwo),
};

for (const [kind, settings] of Object.entries(encodings))
  itKeepsTheLaws(kind, kind === 'top-k' || kind === 'dct-sign' ? 'sparse' : 'dense', settings);

/** The same normal numbers every time. */
function normals(length: number, seed = 1): Float32Array {
  const random = new Random(seed, 'normals');
  return Float32Array.from({ length }, () => random.normal());
}

const differences = (values: Float32Array, others: Float32Array): Float32Array =>
  values.map((value, i) => value - others[i]!);

const HALF_NAN = 0x7e00;
const words = (encoded: Uint8Array) => new Uint16Array(encoded.buffer);

describe('float16', () => {
  it('is that of the package, on all halves, next to them and between them', () => {
    const halves = Float32Array.from(
      new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer),
    ).filter(Number.isFinite);
    const bits = new Int32Array(halves.buffer);
    // From one half to the next there are 2^13 float32 numbers, so these are ties and their neighbours.
    for (const step of [0, 1, -1, 2 ** 12 - 1, 2 ** 12, 2 ** 12 + 1]) {
      const values = new Float32Array(bits.map((one) => one + step).buffer);
      const theirs = new Uint16Array(new Float16Array(values).buffer);
      const own = words(codecOf({ kind: 'float16' }).encode(values, new Random(1, '')));
      for (const [i, value] of values.entries())
        if (own[i] !== (Number.isNaN(value) ? HALF_NAN : theirs[i]))
          expect.fail(`${value}: ${own[i]}, not ${theirs[i]}`);
    }
    expect(roundTrip({ kind: 'float16' }, halves)).toEqual(halves);
  });
});

describe('bfloat16', () => {
  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        const [own = NaN] = roundTrip({ kind: 'bfloat16' }, Float32Array.of(value));
        const bits = new Uint32Array(Float32Array.of(value).buffer)[0]! & 0xffff_0000;
        // The two upper halves that the value lies between, towards zero and away from it.
        const [inner = NaN, outer = NaN] = new Float32Array(Uint32Array.of(bits, bits + 0x1_0000).buffer);
        if (own === value) return;
        expect([inner, outer]).toContain(own);
        const [toInner, toOuter] = [Math.abs(value - inner), Math.abs(value - outer)];
        if (Number.isFinite(outer) && toInner !== toOuter)
          expect(own).toBe(toInner < toOuter ? inner : outer);
        else if (Number.isFinite(outer)) expect(own).toBe((bits & 0x1_0000) === 0 ? inner : outer);
      }),
      { numRuns: 2000 },
    );
  });
});

/** By element, the mean of what is decoded over so many draws, which are the same every time. */
function meanOver(draws: number, encoding: Encoding, values: Float32Array): Float64Array {
  const sum = new Float64Array(values.length);
  for (let draw = 0; draw < draws; draw++)
    roundTrip(encoding, values, draw).forEach((value, i) => (sum[i]! += value / draws));
  return sum;
}

describe.each([
  ['int8', (to: Rounding): Encoding => ({ kind: 'int8', rounding: to })],
  ['int8-blockwise', (to: Rounding): Encoding => ({ kind: 'int8-blockwise', block: 32, rounding: to })],
  ['e3m0', (to: Rounding): Encoding => ({ kind: 'e3m0', block: 32, rounding: to })],
] as const)('%s', (_, encodingOf) => {
  it('is right in the mean with stochastic rounding, and is not with rounding to nearest', () => {
    const values = normals(200);
    const draws = 2000;
    const gap = codecOf(encodingOf('stochastic')).errorBound(values);
    // The larger of two outcomes at a distance of at most the gap has a deviation of at most half of it.
    const tolerance = gap.map((most) => (5 * most) / 2 / Math.sqrt(draws));
    const isOff = (means: Float64Array) =>
      values.filter((value, i) => Math.abs(means[i]! - value) > tolerance[i]!).length;
    expect(isOff(meanOver(draws, encodingOf('stochastic'), values))).toBe(0);
    expect(isOff(meanOver(1, encodingOf('nearest'), values))).toBeGreaterThan(100);
  });

  it('is about half as far off with rounding to nearest as the levels lie apart', () => {
    const values = normals(4096);
    const error = (to: Rounding) => norm(differences(values, roundTrip(encodingOf(to), values)));
    expect(error('nearest')).toBeLessThan(0.75 * error('stochastic'));
  });
});

describe('blocks', () => {
  it('keep an outlier to themselves', () => {
    const values = normals(256);
    values[0] = 1000;
    const off = (encoding: Encoding) => norm(differences(values, roundTrip(encoding, values)).subarray(64));
    const blocks = off({ kind: 'int8-blockwise', block: 64, rounding: 'nearest' });
    expect(blocks).toBeLessThan(off({ kind: 'int8', rounding: 'nearest' }) / 50);
  });

  it('with a value that is not finite are NaN throughout, and no other is', () => {
    const values = normals(96);
    values[40] = -Infinity;
    for (const kind of ['int8-blockwise', 'e3m0'] as const) {
      const decoded = roundTrip({ kind, block: 32, rounding: 'nearest' }, values);
      expect([...decoded].map(Number.isNaN)).toEqual([...values].map((_, i) => i >= 32 && i < 64));
    }
  });
});

describe('e3m0', () => {
  it('has zero and seven powers of two, up to the largest of the block', () => {
    const values = Float32Array.of(3, 2.3, 2.2, -1.5, 0.8, 3 / 64, 3 / 129, 3 / 127, -1e-9);
    const decoded = roundTrip({ kind: 'e3m0', block: 64, rounding: 'nearest' }, values);
    expect([...decoded]).toEqual([3, 3, 1.5, -1.5, 0.75, 3 / 64, 0, 3 / 64, 0]);
  });
});

describe('top-k', () => {
  it('keeps the largest, as the mean of the large and the mean of the small ones, and of equal ones the first', () => {
    const values = Float32Array.of(1, -8, 2, 0.5, 12, -2, 2, 0);
    const decoded = roundTrip({ kind: 'top-k', chunk: 8, keep: 4 }, values);
    expect([...decoded]).toEqual([0, -10, 2, 0, 10, -2, 0, 0]);
  });

  it('keeps all there is of a short last chunk', () => {
    const decoded = roundTrip(
      { kind: 'top-k', chunk: 8, keep: 4 },
      Float32Array.of(0, 0, 0, 0, 0, 0, 0, 5, -3, 3),
    );
    expect([...decoded]).toEqual([0, 0, 0, 0, 0, 0, 0, 5, -3, 3]);
  });

  it('with an element that is not finite makes the kept ones of its chunk NaN, and no others', () => {
    const decoded = roundTrip(
      { kind: 'top-k', chunk: 4, keep: 2 },
      Float32Array.of(1, NaN, 3, 2, 1, 2, 3, 4),
    );
    expect([...decoded]).toEqual([0, NaN, NaN, 0, 0, 0, 3, 4]);
  });
});

describe('the discrete cosine transform', () => {
  it('is what its formula says', () => {
    for (const n of [1, 2, 4, 8, 64]) {
      const samples = Float64Array.from(normals(n));
      const coefficients = samples.slice();
      new Dct(n).forward(coefficients);
      for (let k = 0; k < n; k++) {
        const sum = samples.reduce((total, x, i) => total + x * Math.cos((Math.PI * (i + 0.5) * k) / n), 0);
        expect(coefficients[k]).toBeCloseTo(sum * Math.sqrt((k === 0 ? 1 : 2) / n), 12);
      }
    }
  });

  it('comes back, and keeps lengths, for every size', () => {
    for (let n = 1; n <= 4096; n *= 2) {
      const samples = Float64Array.from(normals(n));
      const vector = samples.slice();
      const dct = new Dct(n);
      dct.forward(vector);
      expect(norm(Float32Array.from(vector))).toBeCloseTo(norm(Float32Array.from(samples)), 3);
      dct.inverse(vector);
      for (let i = 0; i < n; i++) expect(vector[i]).toBeCloseTo(samples[i]!, 10);
    }
    expect(() => new Dct(48)).toThrow('48 samples; allowed: a power of two');
  });
});

describe('dct-sign', () => {
  it('is exact for waves of equal size', () => {
    const wave = (k: number, i: number) => Math.cos((Math.PI * (i + 0.5) * k) / 64);
    const values = Float32Array.from({ length: 64 }, (_, i) => 0.25 * (wave(3, i) - wave(20, i)));
    const decoded = roundTrip({ kind: 'dct-sign', chunk: 64, keep: 2 }, values);
    for (const [i, value] of values.entries())
      expect(Math.abs(decoded[i]! - value)).toBeLessThan(0.5 * 2 ** -8);
  });

  it('with an element that is not finite makes its chunk NaN, and no other', () => {
    const values = normals(16);
    values[9] = Infinity;
    const decoded = roundTrip({ kind: 'dct-sign', chunk: 8, keep: 3 }, values);
    expect([...decoded].map(Number.isNaN)).toEqual([...values].map((_, i) => i >= 8));
  });
});

/** A model of a million parameters, in the slices that a ring of 64 KiB would send. */
describe('how much smaller', () => {
  const elements = 2 ** 20;
  const documented: readonly [number, DenseEncoding | SparseEncoding][] = [
    [1, { kind: 'float32' }],
    [2, { kind: 'float16' }],
    [2, { kind: 'bfloat16' }],
    [4, { kind: 'int8', rounding: 'nearest' }],
    [4, { kind: 'int8-blockwise', block: 2048, rounding: 'nearest' }],
    [3.76, { kind: 'int8-blockwise', block: 64, rounding: 'nearest' }],
    [7.11, { kind: 'e3m0', block: 64, rounding: 'nearest' }],
    [141, { kind: 'top-k', chunk: 4096, keep: 64 }],
    [28.4, { kind: 'dct-sign', chunk: 64, keep: 8 }],
  ];

  it.each(documented)('%f to 1: %o', (ratio, encoding) => {
    const bytes = 64 * encodedBytes(encoding, elements / 64);
    expect(bytes).toBeCloseTo((bitsPerElement(encoding) * elements) / 8, -3);
    expect((4 * elements) / bytes / ratio).toBeCloseTo(1, 2);
  });

  it('is what the papers say, but for the magnitudes they leave out', () => {
    const withoutLevels = (64 * 14) / 4096;
    expect(32 / withoutLevels).toBeCloseTo(146.3, 1);
    expect(bitsPerElement({ kind: 'top-k', chunk: 4096, keep: 64 }) - withoutLevels).toBe(32 / 4096);
    const withoutMean = (8 * 7) / 64;
    expect(bitsPerElement({ kind: 'dct-sign', chunk: 64, keep: 8 }) - withoutMean).toBe(16 / 64);
  });
});

describe('codecOf', () => {
  it('gives one codec for equal encodings, and others for others', () => {
    const settings = { kind: 'top-k', chunk: 64, keep: 8 } as const;
    expect(codecOf({ ...settings })).toBe(codecOf({ ...settings }));
    expect(codecOf({ ...settings, keep: 9 })).not.toBe(codecOf(settings));
  });

  it('has none for bytes', () => {
    expect(encodedBytes({ kind: 'bytes' }, 7)).toBe(7);
    expect(() => codecOf({ kind: 'bytes' })).toThrow(RangeError);
  });
});
