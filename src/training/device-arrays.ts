/** Between the plain arrays of the rest of the house and those of jax-js. */
import { numpy as np } from '@jax-js/jax';
import type { ModelShape } from '../scenario/schema.js';

/**
 * The bytes that rows of text have at each position from `first` on, as int32 [rows·context]: from 0 what is
 * read, from 1 what is predicted.
 *
 * @param text `rows` rows of `context + 1` bytes.
 */
export function tokensFrom({ context }: ModelShape, rows: number, text: Uint8Array, first: 0 | 1): np.Array {
  if (text.length !== rows * (context + 1))
    throw new RangeError(`${text.length} tokens; a batch is ${rows} rows of ${context + 1} bytes`);
  const tokens = new Int32Array(rows * context);
  for (let row = 0; row < rows; row++) {
    const start = row * (context + 1) + first;
    tokens.set(text.subarray(start, start + context), row * context);
  }
  return np.array(tokens);
}

/** The array's values; consumes it. */
export function floats(array: np.Array): Float32Array {
  // Unknown, because jax-js's own type names Float16Array, which Node 20's library types lack.
  const data: unknown = array.dataSync();
  if (!(data instanceof Float32Array)) throw new TypeError('expected an array of float32');
  return data;
}

/** The value of an array that has one; consumes it. */
export function scalar(array: np.Array): number {
  const [value] = floats(array);
  if (value === undefined) throw new RangeError('expected a number, got an empty array');
  return value;
}
