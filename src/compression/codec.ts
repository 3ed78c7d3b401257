/**
 * What every codec does, and must keep (test/compression/compliance.ts holds all to it).
 *
 * All of them:
 * - their bytes are as many as `encodedBytes` says, whatever the values;
 * - the same values and the same draws give the same bytes;
 * - each element is off by no more than `errorBound` says;
 * - no values make them throw. Of a diverged training, NaN and infinities, something that is not finite comes out
 *   again, where each codec says, so that whoever decodes it sees it too.
 *
 * A dense one, which keeps every element:
 * - decoding and encoding again gives the same bytes. What was rounded once is not rounded again, so a rank that
 *   passes a slice on need not keep the bytes it came in, and all ranks end with the same bits;
 * - with stochastic rounding the mean over draws is the value.
 *
 * A sparse one, which keeps a few of each chunk:
 * - what it leaves out is never longer than what it was given, |x - decoded| ≤ |x|, slice by slice. Error feedback
 *   needs that to come to an end (Karimireddy et al., arXiv:1901.09847).
 */
import type { Random } from '../random.js';

export interface Codec {
  encodedBytes(elements: number): number;
  /**
   * @param values Elements to encode; not changed.
   * @param random For stochastic rounding; codecs that round to nearest do not draw.
   */
  encode(values: Float32Array, random: Random): Uint8Array;
  /** Writes all elements of `out`. Throws a RangeError if `encoded` is not as long as it should be. */
  decode(encoded: Uint8Array, out: Float32Array): void;
  /**
   * By element: the largest difference between it and what is decoded for it; Infinity where what is decoded may
   * not be finite.
   */
  errorBound(values: Float32Array): Float32Array;
}

/** What a bound leaves for rounding to float32: of what is decoded, and of the bound itself. */
export const ROUNDING = 1 + 2 ** -16;

/** Throws a RangeError unless `encoded` is as long as `elements` elements are. */
export function expectBytes(codec: Codec, encoded: Uint8Array, elements: number): void {
  const bytes = codec.encodedBytes(elements);
  if (encoded.length === bytes) return;
  throw new RangeError(`${encoded.length} encoded bytes for ${elements} elements; expected ${bytes}`);
}
