/**
 * bfloat16: the upper half of a float32, little-endian, rounded to nearest, ties to even (Wang and Kanwar,
 * "BFloat16: The secret to high performance on Cloud TPUs", 2019). Its range is that of float32, at three decimal
 * digits; what rounds beyond the largest becomes an infinity; infinities and NaN stay.
 */
import { expectBytes, ROUNDING, type Codec } from './codec.js';

const BYTES = 2;
const NAN = 0x7fc0;
const INFINITY = 0x7f80_0000;
/** From here on a float32 is nearer to 2^128, which bfloat16 doesn't have, than to the largest that it has. */
const TOO_LARGE = 2 ** 128 - 2 ** 119;
/** Half the distance of neighbours: relative to a normal number, and of numbers below the smallest normal one. */
const RELATIVE_ERROR = 2 ** -8;
const SMALLEST_ERROR = 2 ** -134;

export const bfloat16: Codec = {
  encodedBytes: (elements) => BYTES * elements,
  encode(values) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const encoded = new Uint16Array(values.length);
    for (let i = 0; i < encoded.length; i++) encoded[i] = upperHalf(bits[i]!);
    return new Uint8Array(encoded.buffer);
  },
  decode(encoded, out) {
    expectBytes(bfloat16, encoded, out.length);
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < bits.length; i++) bits[i] = (encoded[2 * i]! << 16) | (encoded[2 * i + 1]! << 24);
  },
  errorBound: (values) =>
    values.map((value) => {
      const magnitude = Math.abs(value);
      if (!(magnitude < TOO_LARGE)) return Infinity;
      return Math.max(RELATIVE_ERROR * magnitude, SMALLEST_ERROR) * ROUNDING;
    }),
};

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The 16 bits of the nearest bfloat16, for codecs that write their scales so. */
export function toBfloat16Bits(value: number): number {
  float[0] = value;
  return upperHalf(floatBits[0]!);
}

export function fromBfloat16Bits(bits: number): number {
  floatBits[0] = bits << 16;
  return float[0]!;
}

/** Of the bits of a float32. Half of the lower half is added, and one less where that would round a tie to odd. */
function upperHalf(bits: number): number {
  if ((bits & 0x7fff_ffff) > INFINITY) return NAN;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
