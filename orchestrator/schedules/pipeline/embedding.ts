/**
 * The tied embedding, which the first and the last stage of a pipeline both hold: the first reads bytes with it,
 * the last writes them. Each rank has its own share of the gradient, and both copies must stay equal, to the bit.
 *
 * Both ways of seeing to it are collectives of two members, the first stage's rank and the last one's, and
 * what they exchange is never compressed.
 */
import { collectives, type Collective } from '../../collectives/index.js';
import { Moves } from '../../collectives/moves.js';

/** Both end with the sum of what the two have: for gradients, as Megatron-LM does it after every step. */
export const sumEmbedding: Collective = collectives.ring;

/** The second takes over what the first has: for what the first alone has exchanged with its like. */
export const copyEmbedding: Collective = (request) => {
  const moves = new Moves(request);
  for (const slice of moves.slices) moves.copy(0, 1, slice);
  return moves.ends();
};
