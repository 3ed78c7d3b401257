/**
 * The arithmetic of a receive: what "into" means, element by element. It is one function, used by whoever
 * plays a schedule with real numbers, because equal weights on all players rest on equal additions.
 */
import type { RecvOperation } from './operation.js';

/**
 * Adds `slice` to, or copies it over, `buffer[offset …]`. One float32 addition per element: own value plus
 * incoming, rounded to nearest, hence the same on every machine.
 *
 * @throws RangeError if the slice does not lie within the buffer.
 */
export function reduceInto(
  buffer: Float32Array,
  offset: number,
  slice: Float32Array,
  into: RecvOperation['into'],
): void {
  if (offset < 0 || offset + slice.length > buffer.length) {
    throw new RangeError(`slice ${offset}+${slice.length} is outside a buffer of ${buffer.length} elements`);
  }
  if (into === 'copy') {
    buffer.set(slice, offset);
    return;
  }
  const target = buffer.subarray(offset, offset + slice.length);
  for (let i = 0; i < slice.length; i++) target[i]! += slice[i]!;
}
