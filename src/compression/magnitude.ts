/** The scale that block codecs share: how large the largest element is. */

/** The largest magnitude among `values[from … to-1]`; 0 if there are none, NaN if any is not finite. */
export function largestMagnitude(values: Float32Array, from: number, to: number): number {
  let largest = 0;
  for (let i = from; i < to; i++) largest = Math.max(largest, Math.abs(values[i]!));
  // This one NaN, for there are many bit patterns, and encoding must give the same bytes again.
  return Number.isFinite(largest) ? largest : NaN;
}
