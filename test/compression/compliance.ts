/** What src/compression/codec.ts asks of every codec, as properties over values and settings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf, type Encoding } from '../../src/compression/index.js';
import { Random } from '../../src/random.js';

const random = (seed = 1) => new Random(seed, 'test of codecs');

/** Values as they come in training: normal, of any scale that a gradient may have, some of them zero. */
const gradients = fc
  .record({
    seed: fc.integer(),
    length: fc.integer({ min: 1, max: 300 }),
    scale: fc.integer({ min: -30, max: 30 }),
    zeros: fc.constantFrom(0, 0, 0.5, 0.97, 1),
  })
  .map(({ seed, length, scale, zeros }) => {
    const draw = random(seed);
    return Float32Array.from({ length }, () => (draw.uniform() < zeros ? 0 : draw.normal() * 2 ** scale));
  });

/** Any finite values: of all scales in one array, denormal ones, negative zeros. */
const finite = fc.oneof(
  gradients,
  fc.float32Array({ minLength: 1, maxLength: 100, noNaN: true, noDefaultInfinity: true }),
  fc.float32Array({ minLength: 1, maxLength: 100, noNaN: true, min: -(2 ** -120), max: 2 ** -120 }),
);
/** Sums of squares of the largest numbers don't fit a float32; codecs that need them are asked up to here. */
const moderate = finite.map((values) =>
  values.map((value) => Math.max(-(2 ** 100), Math.min(2 ** 100, value))),
);

const anything = fc.oneof(finite, fc.float32Array({ minLength: 1, maxLength: 100 }));

/** Holds codecs of one kind to the laws, whatever their settings. */
export function itKeepsTheLaws(
  name: string,
  form: 'dense' | 'sparse',
  encodings: fc.Arbitrary<Encoding>,
): void {
  describe(`${name} keeps the laws`, () => {
    it('takes as many bytes as it says, whatever the values', () => {
      fc.assert(
        fc.property(encodings, anything, (encoding, values) => {
          const codec = codecOf(encoding);
          expect(codec.encode(values, random())).toHaveLength(codec.encodedBytes(values.length));
        }),
      );
    });

    it('gives the same bytes for the same values and draws, and leaves the values alone', () => {
      fc.assert(
        fc.property(encodings, anything, fc.integer(), (encoding, values, seed) => {
          const codec = codecOf(encoding);
          const copy = values.slice();
          const first = codec.encode(values, random(seed));
          expect(codec.encode(values, random(seed))).toEqual(first);
          expect(bytesOf(values)).toEqual(bytesOf(copy));
        }),
      );
    });

    it('is off by no more than it says, element by element', () => {
      fc.assert(
        fc.property(encodings, finite, (encoding, values) => {
          const decoded = roundTrip(encoding, values);
          const bound = codecOf(encoding).errorBound(values);
          const beyond = values.findIndex(
            (value, i) => bound[i] !== Infinity && !(Math.abs(decoded[i]! - value) <= bound[i]!),
          );
          if (beyond >= 0)
            expect.fail(`${values[beyond]} became ${decoded[beyond]}; at most ${bound[beyond]} off`);
        }),
      );
    });

    it('hides no NaN and no infinity', () => {
      fc.assert(
        fc.property(
          encodings,
          gradients,
          fc.nat(),
          fc.constantFrom(NaN, Infinity, -Infinity),
          (encoding, values, at, bad) => {
            values[at % values.length] = bad;
            expect(roundTrip(encoding, values).every(Number.isFinite)).toBe(false);
          },
        ),
      );
    });

    it('keeps zeros', () => {
      fc.assert(
        fc.property(encodings, fc.integer({ min: 1, max: 300 }), (encoding, length) => {
          expect(roundTrip(encoding, new Float32Array(length)).every((value) => value === 0)).toBe(true);
        }),
      );
    });

    it('reads from any byte on, and from and to shared memory', () => {
      fc.assert(
        fc.property(encodings, gradients, fc.integer({ min: 0, max: 3 }), (encoding, values, shift) => {
          const codec = codecOf(encoding);
          const shared = new Float32Array(new SharedArrayBuffer(4 * values.length));
          shared.set(values);
          const encoded = codec.encode(shared, random());
          const message = new Uint8Array(encoded.length + 8);
          message.set(encoded, shift);
          codec.decode(message.subarray(shift, shift + encoded.length), shared);
          expect(bytesOf(shared)).toEqual(bytesOf(roundTrip(encoding, values)));
        }),
      );
    });

    it('refuses bytes that are too few or too many', () => {
      fc.assert(
        fc.property(encodings, gradients, (encoding, values) => {
          const codec = codecOf(encoding);
          const encoded = codec.encode(values, random());
          const out = new Float32Array(values.length);
          expect(() => codec.decode(encoded.subarray(1), out)).toThrow(RangeError);
          expect(() => codec.decode(new Uint8Array(encoded.length + 1), out)).toThrow(RangeError);
        }),
      );
    });

    if (form === 'dense')
      it('encodes what it decoded to the same bytes', () => {
        fc.assert(
          fc.property(encodings, anything, fc.integer(), (encoding, values, seed) => {
            const codec = codecOf(encoding);
            const encoded = codec.encode(values, random(seed));
            const decoded = new Float32Array(values.length);
            codec.decode(encoded, decoded);
            expect(codec.encode(decoded, random(seed + 1))).toEqual(encoded);
          }),
          { numRuns: 500 },
        );
      });

    if (form === 'sparse')
      it('leaves out no more than it was given', () => {
        fc.assert(
          fc.property(encodings, moderate, (encoding, values) => {
            const decoded = roundTrip(encoding, values);
            const left = values.map((value, i) => value - decoded[i]!);
            expect(norm(left)).toBeLessThanOrEqual(norm(values) * (1 + 2 ** -20));
          }),
        );
      });
  });
}

/** What is decoded for these values. */
export function roundTrip(encoding: Encoding, values: Float32Array, seed = 1): Float32Array {
  const codec = codecOf(encoding);
  const decoded = new Float32Array(values.length);
  codec.decode(codec.encode(values, random(seed)), decoded);
  return decoded;
}

export const norm = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
