/**
 * Slices, as they are cut for all members of a collective, dealt out to some of them: consecutive ones to each, of
 * about as many elements. Cutting anew would give other slices, and a slice is encoded as a whole: see divide.ts.
 */
import type { Slice } from './moves.js';

/**
 * Deals the chunks out to so many; as they are if there are as many, else a slice goes to the share that its middle
 * lies in, so that a share is off an equal one by less than a slice.
 */
export function sharesOf(
  chunks: readonly (readonly Slice[])[],
  shares: number,
): readonly (readonly Slice[])[] {
  if (chunks.length === shares) return chunks;
  const slices = chunks.flat();
  const total = slices.reduce((sum, { length }) => sum + length, 0);
  let before = 0;
  const owners = slices.map(({ length }) => {
    const middle = before + length / 2;
    before += length;
    return Math.floor((shares * middle) / total);
  });
  return Array.from({ length: shares }, (_, share) => slices.filter((__, index) => owners[index] === share));
}
