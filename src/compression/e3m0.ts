/**
 * Four bits an element: a sign and a power of two, as Streaming DiLoCo sends its outer gradients (Douillard et al.,
 * arXiv:2501.18512: E3M0, one sign and three exponent bits, no mantissa).
 *
 * A block's scale is its largest magnitude, M, as a float32. The three bits c stand for 0 (c = 0) or
 * M·2^(c-7), that is M/64 … M. Halving is exact, and the largest element comes through as it is, so encoding what
 * was decoded finds the same M and the same c. For that all levels must be normal numbers: a block below 2^-120
 * is taken for zeros. One with a value that is not finite has the scale NaN and is NaN throughout.
 *
 * Bytes: all scales, little-endian; then two elements to a byte, the first in the lower half.
 */
import type { Random } from '../random.js';
import { expectBytes, ROUNDING, type Codec } from './codec.js';
import type { Rounding } from './encoding.js';
import { largestMagnitude } from './magnitude.js';

const SCALE_BYTES = 4;
const LARGEST_CODE = 7;
const SIGN = 8;
const SMALLEST_SCALE = 2 ** -120;

/** @param block Elements that share a scale. */
export function e3m0(block: number, rounding: Rounding): Codec {
  const codeOf = rounding === 'nearest' ? nearestCode : eitherCode;
  // Of the block at hand: of each magnitude code its level, and from where on values are nearer to it than to
  // the level below.
  const levels = new Float64Array(LARGEST_CODE + 1);
  const borders = new Float64Array(LARGEST_CODE + 1);
  const decoded = new Float32Array(2 * SIGN);

  const codec: Codec = {
    encodedBytes: (elements) => SCALE_BYTES * Math.ceil(elements / block) + Math.ceil(elements / 2),
    encode(values, random) {
      const encoded = new Uint8Array(codec.encodedBytes(values.length));
      const scales = new DataView(encoded.buffer);
      const codes = encoded.subarray(encoded.length - Math.ceil(values.length / 2));
      for (let from = 0, at = 0; from < values.length; from += block, at += SCALE_BYTES) {
        const to = Math.min(from + block, values.length);
        const scale = scaleOf(values, from, to);
        scales.setFloat32(at, scale, true);
        if (!(scale > 0)) continue;
        fillLevels(scale, levels, borders);
        for (let i = from; i < to; i++) {
          const value = values[i]!;
          const code = codeOf(Math.abs(value), levels, borders, random);
          // Zero has no sign: there is one way only to write it.
          const signed = value < 0 && code > 0 ? code + SIGN : code;
          codes[i >> 1]! |= signed << (4 * (i & 1));
        }
      }
      return encoded;
    },
    decode(encoded, out) {
      expectBytes(codec, encoded, out.length);
      const codesAt = encoded.length - Math.ceil(out.length / 2);
      const scales = new DataView(encoded.buffer, encoded.byteOffset, codesAt);
      const codes = encoded.subarray(codesAt);
      for (let from = 0, at = 0; from < out.length; from += block, at += SCALE_BYTES) {
        const to = Math.min(from + block, out.length);
        fillLevels(scales.getFloat32(at, true), levels, borders);
        decoded.set(levels);
        for (let code = 0; code < SIGN; code++) decoded[SIGN + code] = -levels[code]!;
        for (let i = from; i < to; i++) out[i] = decoded[(codes[i >> 1]! >> (4 * (i & 1))) & 15]!;
      }
    },
    errorBound(values) {
      const bound = new Float32Array(values.length);
      // Between M/64 and M a value is at most a third of itself from the nearer level, or less than itself from the
      // other; below, half of M/64, or all of it.
      const [share, lowest] = rounding === 'nearest' ? [1 / 3, 1 / 2] : [1, 1];
      for (let from = 0; from < values.length; from += block) {
        const to = Math.min(from + block, values.length);
        const scale = scaleOf(values, from, to);
        for (let i = from; i < to; i++) {
          const magnitude = Math.abs(values[i]!);
          if (Number.isNaN(scale)) bound[i] = Infinity;
          else if (scale === 0) bound[i] = magnitude;
          else bound[i] = Math.max(share * magnitude, (lowest * scale) / 64) * ROUNDING;
        }
      }
      return bound;
    },
  };
  return codec;
}

function scaleOf(values: Float32Array, from: number, to: number): number {
  const scale = largestMagnitude(values, from, to);
  return scale < SMALLEST_SCALE ? 0 : scale;
}

function fillLevels(scale: number, levels: Float64Array, borders: Float64Array): void {
  // Of a scale that is NaN zero is NaN too.
  levels[0] = 0 * scale;
  for (let code = LARGEST_CODE, level = scale; code > 0; code--, level /= 2) levels[code] = level;
  for (let code = 1; code <= LARGEST_CODE; code++) borders[code] = (levels[code - 1]! + levels[code]!) / 2;
}

type CodeOf = (magnitude: number, levels: Float64Array, borders: Float64Array, random: Random) => number;

const nearestCode: CodeOf = (magnitude, _levels, borders) => {
  let code = 0;
  while (code < LARGEST_CODE && magnitude >= borders[code + 1]!) code++;
  return code;
};

/** Up with the probability of the way up, so that the mean is right. */
const eitherCode: CodeOf = (magnitude, levels, _borders, random) => {
  let code = 0;
  while (code < LARGEST_CODE && magnitude >= levels[code + 1]!) code++;
  const below = levels[code]!;
  if (magnitude === below) return code;
  return random.uniform() * (levels[code + 1]! - below) < magnitude - below ? code + 1 : code;
};
