/**
 * The largest few frequencies of each chunk, one bit for each: DeMo (Peng et al., arXiv:2411.19870).
 *
 * A chunk is transformed by the orthonormal DCT-II; of its `keep` largest coefficients go the places and the signs.
 * All are decoded as large as they are in the mean, and transformed back. With the inner optimizer `sign` no
 * more than signs of the sum matter, as in DeMo; the mean is there for error feedback, which must know how much was
 * sent, and makes the largest difference between chunks of unlike tensors.
 *
 * What a chunk takes: the mean magnitude as bfloat16, then `keep` times (place, sign), the places ascending. With
 * 64 and 8 that is 2 bytes and 8·7 bits: 9 bytes for 256, 28 to 1; without the mean it would be 37 to 1. The last
 * chunk is filled with zeros, so that it takes as much. One with a value that is not finite becomes NaN throughout.
 */
import { fromBfloat16Bits, toBfloat16Bits } from './bfloat16.js';
import { packBits, packedBytes, placeBits, unpackBits } from './bits.js';
import { expectBytes, ROUNDING, type Codec } from './codec.js';
import { Dct } from './dct.js';
import { magnitudeOf, placesOfLargest } from './largest.js';

const HEADER_BYTES = 2;
const NEGATIVE = 1;
const VALUE_BITS = 1;

/** @param chunk A power of two. */
export function dctSign(chunk: number, keep: number): Codec {
  const width = placeBits(chunk) + VALUE_BITS;
  const chunkBytes = HEADER_BYTES + packedBytes(keep, width);
  const dct = new Dct(chunk);
  const vector = new Float64Array(chunk);
  const magnitudes = new Float64Array(chunk);
  const scratch = new Float64Array(chunk);

  const codec: Codec = {
    encodedBytes: (elements) => Math.ceil(elements / chunk) * chunkBytes,
    encode(values) {
      const encoded = new Uint8Array(codec.encodedBytes(values.length));
      const view = new DataView(encoded.buffer);
      for (let from = 0, at = 0; from < values.length; from += chunk, at += chunkBytes) {
        vector.fill(0);
        vector.set(values.subarray(from, from + chunk));
        dct.forward(vector);
        for (let k = 0; k < chunk; k++) magnitudes[k] = magnitudeOf(vector[k]!);
        const places = placesOfLargest(magnitudes, keep, scratch);
        const mean = places.reduce((sum, place) => sum + magnitudes[place]!, 0) / keep;
        view.setUint16(at, toBfloat16Bits(Number.isFinite(mean) ? mean : NaN), true);
        const entries = encoded.subarray(at + HEADER_BYTES);
        places.forEach((place, index) => {
          const sign = vector[place]! < 0 ? NEGATIVE : 0;
          packBits(entries, index, width, (place << VALUE_BITS) | sign);
        });
      }
      return encoded;
    },
    decode(encoded, out) {
      expectBytes(codec, encoded, out.length);
      const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
      for (let from = 0, at = 0; from < out.length; from += chunk, at += chunkBytes) {
        const mean = fromBfloat16Bits(view.getUint16(at, true));
        const entries = encoded.subarray(at + HEADER_BYTES, at + chunkBytes);
        vector.fill(0);
        for (let index = 0; index < keep; index++) {
          const entry = unpackBits(entries, index, width);
          vector[entry >> VALUE_BITS] = (entry & NEGATIVE) === 0 ? mean : -mean;
        }
        dct.inverse(vector);
        out.set(vector.subarray(0, Math.min(chunk, out.length - from)), from);
      }
    },
    // The error of a chunk is no longer than the chunk itself, hence none of its elements is.
    errorBound(values) {
      const bound = new Float32Array(values.length);
      for (let from = 0; from < values.length; from += chunk) {
        const to = Math.min(from + chunk, values.length);
        let squares = 0;
        for (let i = from; i < to; i++) squares += values[i]! ** 2;
        bound.fill(Number.isFinite(squares) ? Math.sqrt(squares) * ROUNDING : Infinity, from, to);
      }
      return bound;
    },
  };
  return codec;
}
