/**
 * How many bits an element takes in each encoding, by the formulas of the literature: what the sizes that codecs
 * make are held against.
 */
import type { DenseEncoding, SparseEncoding } from '../../src/compression/index.js';

const placeBits = (count: number): number => Math.ceil(Math.log2(count));

const SCALE_BITS = 32;
const MAGNITUDE_BITS = 16;

/** Exact where slices are long and whole blocks or chunks; a slice adds at most one scale, or one chunk. */
export function bitsPerElement(encoding: DenseEncoding | SparseEncoding): number {
  switch (encoding.kind) {
    case 'float32':
      return 32;
    case 'float16':
    case 'bfloat16':
      return 16;
    case 'int8':
      return 8;
    case 'int8-blockwise':
      return 8 + SCALE_BITS / encoding.block;
    // Streaming DiLoCo counts 4, without scales.
    case 'e3m0':
      return 4 + SCALE_BITS / encoding.block;
    // SparseLoCo counts keep·(log₂ chunk + 2), without the two magnitudes: 4096 and 64 are 146 to 1, here 141.
    case 'top-k': {
      const { chunk, keep } = encoding;
      return (keep * (placeBits(chunk) + 2) + 2 * MAGNITUDE_BITS) / chunk;
    }
    // DeMo's 1-bit form counts keep·(log₂ chunk + 1), without the mean: 64 and 8 are 37 to 1, here 28.
    case 'dct-sign': {
      const { chunk, keep } = encoding;
      return (keep * (placeBits(chunk) + 1) + MAGNITUDE_BITS) / chunk;
    }
  }
}
