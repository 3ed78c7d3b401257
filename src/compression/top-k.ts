/**
 * The largest few of each chunk, two bits for each: SparseLoCo (arXiv:2508.15706), of the published 4096 elements
 * keep 64.
 *
 * A kept element is its place in the chunk, its sign, and which of two magnitudes it has: those above the mean
 * magnitude of the kept have the mean of these, the others the mean of the others. So there are four values a
 * chunk can hold, each the mean of what it stands for, as in Templar's quantization to four bins.
 *
 * What a chunk takes: the two magnitudes as bfloat16, then `keep` times (place, sign, which), the places
 * ascending. With 4096 and 64 that is 4 bytes and 64·14 bits: 116 bytes for 16 KiB, 141 to 1. The 146 to 1 of the
 * paper leaves the magnitudes out, which Templar sends once a tensor.
 *
 * The last chunk may be shorter, and keeps as many, or all it has. If a kept element is not finite, all kept ones of
 * its chunk become NaN; one that is not finite is always kept.
 */
import { fromBfloat16Bits, toBfloat16Bits } from './bfloat16.js';
import { packBits, packedBytes, placeBits, unpackBits } from './bits.js';
import { expectBytes, ROUNDING, type Codec } from './codec.js';
import { magnitudeOf, placesOfLargest } from './largest.js';
import { largestMagnitude } from './magnitude.js';

const MAGNITUDE_BYTES = 2;
const HEADER_BYTES = 2 * MAGNITUDE_BYTES;
const LARGE = 1;
const NEGATIVE = 2;
const VALUE_BITS = 2;

export function topK(chunk: number, keep: number): Codec {
  const width = placeBits(chunk) + VALUE_BITS;
  const bytesOf = (elements: number) => HEADER_BYTES + packedBytes(Math.min(keep, elements), width);
  const magnitudes = new Float64Array(chunk);
  const scratch = new Float64Array(chunk);

  const codec: Codec = {
    encodedBytes(elements) {
      const rest = elements % chunk;
      return Math.floor(elements / chunk) * bytesOf(chunk) + (rest > 0 ? bytesOf(rest) : 0);
    },
    encode(values) {
      const encoded = new Uint8Array(codec.encodedBytes(values.length));
      const view = new DataView(encoded.buffer);
      for (let from = 0, at = 0; from < values.length; from += chunk, at += bytesOf(chunk)) {
        const length = Math.min(chunk, values.length - from);
        const sizes = magnitudes.subarray(0, length);
        for (let i = 0; i < length; i++) sizes[i] = magnitudeOf(values[from + i]!);
        const places = placesOfLargest(sizes, keep, scratch.subarray(0, length));
        const { border, small, large } = binsOf(sizes, places);
        view.setUint16(at, toBfloat16Bits(small), true);
        view.setUint16(at + MAGNITUDE_BYTES, toBfloat16Bits(large), true);
        const entries = encoded.subarray(at + HEADER_BYTES);
        places.forEach((place, index) => {
          const bits = (sizes[place]! > border ? LARGE : 0) | (values[from + place]! < 0 ? NEGATIVE : 0);
          packBits(entries, index, width, (place << VALUE_BITS) | bits);
        });
      }
      return encoded;
    },
    decode(encoded, out) {
      expectBytes(codec, encoded, out.length);
      out.fill(0);
      const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
      for (let from = 0, at = 0; from < out.length; from += chunk, at += bytesOf(chunk)) {
        const own = out.subarray(from, from + chunk);
        const small = fromBfloat16Bits(view.getUint16(at, true));
        const large = fromBfloat16Bits(view.getUint16(at + MAGNITUDE_BYTES, true));
        const entries = encoded.subarray(at + HEADER_BYTES, at + bytesOf(own.length));
        const kept = Math.min(keep, own.length);
        for (let index = 0; index < kept; index++) {
          const entry = unpackBits(entries, index, width);
          const magnitude = (entry & LARGE) === 0 ? small : large;
          own[entry >> VALUE_BITS] = (entry & NEGATIVE) === 0 ? magnitude : -magnitude;
        }
      }
    },
    // What is left out is itself, what is kept lies between 0 and the largest, as does what stands for it.
    errorBound(values) {
      const bound = new Float32Array(values.length);
      for (let from = 0; from < values.length; from += chunk) {
        const to = Math.min(from + chunk, values.length);
        const largest = largestMagnitude(values, from, to);
        bound.fill(Number.isNaN(largest) ? Infinity : largest * BFLOAT16_ROUNDING * ROUNDING, from, to);
      }
      return bound;
    },
  };
  return codec;
}

const BFLOAT16_ROUNDING = 1 + 2 ** -8;

/** The mean of the magnitudes at these places, and the means of those up to it and of those above. */
function binsOf(magnitudes: Float64Array, places: readonly number[]) {
  let sum = 0;
  for (const place of places) sum += magnitudes[place]!;
  const border = sum / places.length;
  if (!Number.isFinite(border)) return { border, small: NaN, large: NaN };
  let [smallSum, largeSum, larger] = [0, 0, 0];
  for (const place of places) {
    const magnitude = magnitudes[place]!;
    if (magnitude > border) {
      largeSum += magnitude;
      larger++;
    } else smallSum += magnitude;
  }
  return {
    border,
    small: larger < places.length ? smallSum / (places.length - larger) : 0,
    large: larger > 0 ? largeSum / larger : 0,
  };
}
