/**
 * IEEE 754 half precision, little-endian, rounded to nearest, ties to even: what OpenDiLoCo sends its
 * pseudo-gradients in (arXiv:2407.07852). From 65520 on a value becomes an infinity, as in every float16;
 * infinities and NaN stay.
 *
 * Own code, because packages convert one element at a time through proxies and views, at 2 to 40 MB/s; this is
 * tested against one on every half there is.
 */
import { expectBytes, ROUNDING, type Codec } from './codec.js';

const BYTES = 2;
const NAN = 0x7e00;
const HALF_INFINITY = 0x7c00;

/** Bits of float32 numbers: infinity; 65520, midway from the largest half to the next there would be; and 2^-14. */
const INFINITY = 0x7f80_0000;
const TOO_LARGE = 0x477f_f000;
const SMALLEST_NORMAL = 0x3880_0000;
/** What the two exponents differ by, 127 - 15, where a float32 has its exponent. */
const REBIAS = (127 - 15) << 23;

/** Half the distance of neighbours: relative to a normal number, and of numbers below the smallest normal one. */
const RELATIVE_ERROR = 2 ** -11;
const SMALLEST_ERROR = 2 ** -25;

export const float16: Codec = {
  encodedBytes: (elements) => BYTES * elements,
  encode(values) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const encoded = new Uint16Array(values.length);
    for (let i = 0; i < encoded.length; i++) encoded[i] = toHalf(bits[i]!);
    return new Uint8Array(encoded.buffer);
  },
  decode(encoded, out) {
    expectBytes(float16, encoded, out.length);
    const table = (halves ??= allHalves());
    for (let i = 0; i < out.length; i++) out[i] = table[encoded[2 * i]! | (encoded[2 * i + 1]! << 8)]!;
  },
  errorBound: (values) =>
    values.map((value) => {
      const magnitude = Math.abs(value);
      if (!(magnitude < 65520)) return Infinity;
      return Math.max(RELATIVE_ERROR * magnitude, SMALLEST_ERROR) * ROUNDING;
    }),
};

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The bits of the nearest half to a float32 given by its bits. */
function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > INFINITY) return NAN;
  if (magnitude >= TOO_LARGE) return sign | HALF_INFINITY;
  // Half of what is cut off is added, and one less where that would round a tie to odd.
  if (magnitude >= SMALLEST_NORMAL)
    return sign | ((magnitude - REBIAS + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // Next to 0.5 a float32 has its last bit where a half below the smallest normal one has: adding 0.5 rounds.
  floatBits[0] = magnitude;
  float[0] = float[0]! + 0.5;
  return sign | (floatBits[0] & 0x7ff);
}

let halves: Float32Array | undefined;

/** The value of each bit pattern: looking it up is the fastest way to decode. */
function allHalves(): Float32Array {
  return Float32Array.from({ length: 2 ** 16 }, (_, bits) => {
    const [sign, exponent, fraction] = [bits >> 15 === 0 ? 1 : -1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  });
}
