/**
 * The two halves of a star: leaves bring their values to a hub, which adds them up, and take the sum home. A
 * parameter server is one star, a butterfly one star per chunk, each with another hub, a hierarchy one per region.
 */
import type { Moves, Slice } from './moves.js';

/** Adds the leaves' values to the hub's own, one leaf after the other in the order given. */
export function bringToHub(
  moves: Moves,
  hub: number,
  leaves: readonly number[],
  slices: readonly Slice[],
): void {
  for (const slice of slices) for (const leaf of leaves) moves.add(leaf, hub, slice);
}

/** @param settle The sum was finished at this hub, and is sent from here for the first time. */
export function takeFromHub(
  moves: Moves,
  hub: number,
  leaves: readonly number[],
  slices: readonly Slice[],
  settle: boolean,
): void {
  for (const slice of slices)
    for (const [position, leaf] of leaves.entries()) moves.copy(hub, leaf, slice, settle && position === 0);
}
