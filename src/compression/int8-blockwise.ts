/**
 * 8-bit integers, one scale for each block: the symmetric linear form of blockwise quantization (Dettmers et al.,
 * arXiv:2110.02861), in which an outlier spoils the resolution of its own block only.
 *
 * The scale is the largest magnitude of the block, M, as a float32; q stands for q·M/127, with q from -127 to 127.
 * So the largest element comes through as it is, and with it the scale: encoding what was decoded finds the same
 * M, hence the same q. A block with a value that is not finite has the scale NaN and is NaN throughout.
 *
 * Bytes: all scales, little-endian, then all q. The last block may be shorter.
 */
import type { Random } from '../random.js';
import { expectBytes, ROUNDING, type Codec } from './codec.js';
import type { Rounding } from './encoding.js';
import { largestMagnitude } from './magnitude.js';

const SCALE_BYTES = 4;
const LARGEST_CODE = 127;
/** The smallest float32: what rounding may add where numbers lie as far apart as that. */
const SMALLEST_ERROR = 2 ** -149;

/** @param block Elements that share a scale. */
export function int8Blockwise(block: number, rounding: Rounding): Codec {
  const quantize = rounding === 'nearest' ? toNearest : toEither;
  const codec: Codec = {
    encodedBytes: (elements) => SCALE_BYTES * Math.ceil(elements / block) + elements,
    encode(values, random) {
      const encoded = new Uint8Array(codec.encodedBytes(values.length));
      const scales = new DataView(encoded.buffer);
      const codes = new Int8Array(encoded.buffer, encoded.length - values.length);
      for (let from = 0, at = 0; from < values.length; from += block, at += SCALE_BYTES) {
        const to = Math.min(from + block, values.length);
        const scale = largestMagnitude(values, from, to);
        scales.setFloat32(at, scale, true);
        if (scale > 0) quantize(values, from, to, scale, codes, random);
      }
      return encoded;
    },
    decode(encoded, out) {
      expectBytes(codec, encoded, out.length);
      const codesAt = encoded.length - out.length;
      const scales = new DataView(encoded.buffer, encoded.byteOffset, codesAt);
      const codes = new Int8Array(encoded.buffer, encoded.byteOffset + codesAt, out.length);
      for (let from = 0, at = 0; from < out.length; from += block, at += SCALE_BYTES) {
        const to = Math.min(from + block, out.length);
        const unit = scales.getFloat32(at, true) / LARGEST_CODE;
        for (let i = from; i < to; i++) out[i] = codes[i]! * unit;
      }
    },
    errorBound(values) {
      const bound = new Float32Array(values.length);
      for (let from = 0; from < values.length; from += block) {
        const to = Math.min(from + block, values.length);
        const unit = largestMagnitude(values, from, to) / LARGEST_CODE;
        const most = (rounding === 'nearest' ? unit / 2 : unit) * ROUNDING + SMALLEST_ERROR;
        bound.fill(Number.isNaN(most) ? Infinity : most, from, to);
      }
      return bound;
    },
  };
  return codec;
}

type Quantize = (
  values: Float32Array,
  from: number,
  to: number,
  scale: number,
  codes: Int8Array,
  random: Random,
) => void;

const toNearest: Quantize = (values, from, to, scale, codes) => {
  const perUnit = LARGEST_CODE / scale;
  for (let i = from; i < to; i++) codes[i] = Math.round(values[i]! * perUnit);
};

/** Up with the probability of the way up, so that the mean is right; what a code stands for exactly is that code. */
const toEither: Quantize = (values, from, to, scale, codes, random) => {
  const [perUnit, unit] = [LARGEST_CODE / scale, scale / LARGEST_CODE];
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const exact = value * perUnit;
    const nearest = Math.round(exact);
    if (Math.fround(nearest * unit) === value) {
      codes[i] = nearest;
      continue;
    }
    const below = Math.floor(exact);
    codes[i] = random.uniform() < exact - below ? below + 1 : below;
  }
};
