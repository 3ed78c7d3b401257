/** Which elements of a chunk a sparse codec keeps: those of the largest magnitude. */

/**
 * The places of the `keep` largest of these magnitudes, in ascending order; of equal ones the first. All of them
 * if there are no more than that.
 *
 * @param scratch As long as `magnitudes`; overwritten.
 */
export function placesOfLargest(magnitudes: Float64Array, keep: number, scratch: Float64Array): number[] {
  const { length } = magnitudes;
  if (keep >= length) return Array.from(magnitudes.keys());
  scratch.set(magnitudes);
  const least = scratch.sort()[length - keep]!;
  let asLarge = keep;
  for (let i = length - keep; i < length; i++) if (scratch[i]! > least) asLarge--;
  const places: number[] = [];
  for (let i = 0; i < length; i++) {
    if (magnitudes[i]! > least) places.push(i);
    else if (magnitudes[i] === least && asLarge-- > 0) places.push(i);
  }
  return places;
}

/** The magnitude to order a value by; what is not finite is the largest of all, so that it is not overlooked. */
export function magnitudeOf(value: number): number {
  return Number.isFinite(value) ? Math.abs(value) : Infinity;
}
