/** The face of compression: encodings by name, and the codec of each. */
import { bfloat16 } from './bfloat16.js';
import type { Codec } from './codec.js';
import { dctSign } from './dct-sign.js';
import { e3m0 } from './e3m0.js';
import type { Encoding } from './encoding.js';
import { float16 } from './float16.js';
import { float32 } from './float32.js';
import { int8Blockwise } from './int8-blockwise.js';
import { int8 } from './int8.js';
import { topK } from './top-k.js';

export type { Codec } from './codec.js';
export * from './encoding.js';

/** Codecs that have been made, by the settings of their encodings; some have tables that take time to fill. */
const made = new Map<string, Codec>();

/** The codec of an encoding; the same one for equal encodings. Throws a RangeError for one that has none. */
export function codecOf(encoding: Encoding): Codec {
  switch (encoding.kind) {
    case 'float32':
      return float32;
    case 'float16':
      return float16;
    case 'bfloat16':
      return bfloat16;
    case 'int8': {
      const { kind, rounding } = encoding;
      return once(`${kind} ${rounding}`, () => int8(rounding));
    }
    case 'int8-blockwise': {
      const { kind, block, rounding } = encoding;
      return once(`${kind} ${block} ${rounding}`, () => int8Blockwise(block, rounding));
    }
    case 'e3m0': {
      const { kind, block, rounding } = encoding;
      return once(`${kind} ${block} ${rounding}`, () => e3m0(block, rounding));
    }
    case 'top-k': {
      const { kind, chunk, keep } = encoding;
      return once(`${kind} ${chunk} ${keep}`, () => topK(chunk, keep));
    }
    case 'dct-sign': {
      const { kind, chunk, keep } = encoding;
      return once(`${kind} ${chunk} ${keep}`, () => dctSign(chunk, keep));
    }
    case 'bytes':
      throw new RangeError('bytes are encoded already: they have no codec');
  }
}

function once(settings: string, make: () => Codec): Codec {
  const known = made.get(settings);
  if (known) return known;
  const codec = make();
  made.set(settings, codec);
  return codec;
}

/** Bytes that `elements` elements take in an encoding. */
export function encodedBytes(encoding: Encoding, elements: number): number {
  return encoding.kind === 'bytes' ? elements : codecOf(encoding).encodedBytes(elements);
}
