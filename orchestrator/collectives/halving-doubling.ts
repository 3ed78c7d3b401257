/**
 * Recursive halving and doubling (Rabenseifner, ICCS 2004; Thakur, Rabenseifner and Gropp, "Optimization of
 * collective communication operations in MPICH", IJHPCA 2005).
 *
 * Members meet in pairs. First with whom is half the world away: each sends the half of its range that the other
 * is to finish. Then a quarter away with a quarter of the range, and so on, until after log₂N meetings each has
 * the whole sum of an N-th. That was the halving; the doubling is the way back, sums instead of parts.
 * Each member so sends 2·V·(N-1)/N, as in a ring, in 2·log₂N hops, of which the largest go furthest.
 *
 * This takes a power of two, P. A member beyond it hands all it has to one within before, and is told after; the
 * two of them send V bytes more.
 *
 * The order of summation is that of the meetings: own value plus what the other has summed.
 */
import type { Collective } from './collective.js';
import { Moves, type Slice } from './moves.js';
import { sharesOf } from './shares.js';
import { bringToHub, takeFromHub } from './star.js';

export const halvingDoubling: Collective = (request) => {
  const moves = new Moves(request);
  const count = request.members.length;
  const power = largestPowerOfTwo(count);
  const shares = sharesOf(moves.chunks, power);
  /** Of the shares, those whose number differs from a member's in bits below `distance` only. */
  const around = (member: number, distance: number): Slice[] =>
    shares.flatMap((share, index) => ((index ^ member) < distance ? share : []));

  for (let beyond = power; beyond < count; beyond++)
    bringToHub(moves, beyond - power, [beyond], moves.slices);
  for (let distance = power / 2; distance >= 1; distance /= 2) {
    for (let member = 0; member < power; member++) {
      const partner = member ^ distance;
      for (const slice of around(partner, distance)) moves.add(member, partner, slice);
    }
  }
  for (let distance = 1; distance < power; distance *= 2) {
    for (let member = 0; member < power; member++) {
      const partner = member ^ distance;
      // At the first meeting each has its own share, which nobody else has finished.
      for (const slice of around(member, distance)) moves.copy(member, partner, slice, distance === 1);
    }
  }
  for (let beyond = power; beyond < count; beyond++)
    takeFromHub(moves, beyond - power, [beyond], moves.slices, false);
  return moves.ends();
};

/** The largest power of two that is not larger than a positive integer. */
export function largestPowerOfTwo(count: number): number {
  return 2 ** Math.floor(Math.log2(count));
}
