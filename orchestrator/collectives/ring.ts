/**
 * Ring all-reduce, expanded into sends and receives.
 *
 * Cut the buffer into one chunk per member and let the chunks travel around a ring, each member passing on to
 * its successor what it got from its predecessor. On the first trip (reduce-scatter) every stop adds its
 * own values to the chunk that passes; after N-1 hops a chunk holds the sum of all members. On the second
 * trip (all-gather) the finished chunks are copied to everyone. Each member so sends 2·(N-1) chunks, that is
 * 2·V·(N-1)/N for a buffer of V bytes, which is the least any all-reduce can do (Patarasu and Yuan,
 * "Bandwidth optimal all-reduce algorithms for clusters of workstations", JPDC 2009).
 *
 * Chunks are cut further into slices, and a member may pass a slice on as soon as that slice has come, not
 * when its chunk has. Over a wide-area link this matters: what is in flight then fills the path.
 *
 * The order of summation is the order of the ring: chunk c starts at member c and is summed there first, then
 * at c+1, c+2, …. So the result depends on nothing but the members and the encoding, and, being copied in
 * the second trip, it is the same on every member, bit for bit.
 */
import type { Collective } from './collective.js';
import { Moves, type Slice } from './moves.js';

export const ringAllReduce: Collective = (request) => {
  const moves = new Moves(request);
  const members = request.members.map((_, member) => member);
  moveAround(moves, members, moves.chunks);
  return moves.ends();
};

/**
 * The two trips around a ring of some members: at step s (0 … 2N-3; the first N-1 are the reduce-scatter) the
 * i-th sends chunk (i-s) mod N to the one after it. Nothing when there is one member only.
 *
 * @param ring The members, in order.
 * @param chunks As many as there are members in the ring.
 */
export function moveAround(
  moves: Moves,
  ring: readonly number[],
  chunks: readonly (readonly Slice[])[],
): void {
  const count = ring.length;
  for (let step = 0; step < 2 * (count - 1); step++) {
    for (const [index, member] of ring.entries()) {
      const next = ring[(index + 1) % count]!;
      for (const slice of chunks[(index - step + 2 * count) % count]!) {
        if (step < count - 1) moves.add(member, next, slice);
        // A chunk of the first step of the second trip is finished here, and nowhere else.
        else moves.copy(member, next, slice, step === count - 1);
      }
    }
  }
}
