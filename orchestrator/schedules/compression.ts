/** What a scenario's `compression` comes to in a schedule: an encoding, and how much of the residual is kept. */
import type { DenseEncoding, SparseEncoding } from '../../src/compression/index.js';
import type { CompressionSettings, DenseCompressionSettings } from '../../src/scenario/schema.js';

/** How what is exchanged is written on the wire. */
export function encodingOf(compression: DenseCompressionSettings): DenseEncoding;
export function encodingOf(compression: CompressionSettings): DenseEncoding | SparseEncoding;
export function encodingOf(compression: CompressionSettings): DenseEncoding | SparseEncoding {
  const { kind } = compression;
  switch (kind) {
    case 'none':
      return { kind: 'float32' };
    case 'float16':
    case 'bfloat16':
      return { kind };
    case 'int8':
      return { kind, rounding: compression.rounding };
    case 'int8-blockwise':
    case 'e3m0':
      return { kind, block: compression.block, rounding: compression.rounding };
    case 'top-k':
    case 'dct-sign':
      return { kind, chunk: compression.chunk, keep: compression.keep };
  }
}

/**
 * The `decay` of a compress operation: which share of what was left out is added the next time. 0: nothing is
 * remembered, and where slices are encoded as they are sent no such operation is needed.
 */
export function decayOf(compression: CompressionSettings): number {
  if (compression.kind === 'none') return 0;
  if ('decay' in compression) return compression.decay;
  return compression.errorFeedback ? 1 : 0;
}
