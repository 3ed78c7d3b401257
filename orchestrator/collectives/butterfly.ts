/**
 * Butterfly all-reduce, as hivemind has it (Ryabinin et al., "Moshpit SGD", arXiv:2103.03239): each member is the
 * server of one chunk. Everybody sends chunk j to member j, who adds the values up and returns the sum.
 *
 * A member so sends N-1 chunks of others and N-1 times its own: 2·V·(N-1)/N, as in a ring. But where a
 * ring has 2·(N-1) hops, one after the other and each between neighbours, here are two, and between
 * all pairs at once: on the wire a clique of equal flows. It suits paths of long delay.
 *
 * Chunk j is summed at member j: its own values first, then the others' in the order of the members.
 */
import type { Collective } from './collective.js';
import { Moves } from './moves.js';
import { bringToHub, takeFromHub } from './star.js';

export const butterflyAllReduce: Collective = (request) => {
  const moves = new Moves(request);
  const others = (hub: number) => [...request.members.keys()].filter((member) => member !== hub);
  for (const [hub, chunk] of moves.chunks.entries()) bringToHub(moves, hub, others(hub), chunk);
  for (const [hub, chunk] of moves.chunks.entries()) takeFromHub(moves, hub, others(hub), chunk, true);
  return moves.ends();
};
