/**
 * Parameter server (Li et al., "Scaling distributed machine learning with the parameter server", OSDI 2014), with
 * one server, who is the first member and trains as well: all others send it all they have, it adds that up in the
 * order of the members, and sends the sum back.
 *
 * A spoke sends V bytes, fewer than in a ring; the hub V·(N-1), and receives as many. So the hub's link sets the
 * pace, and on the wire there is one node with whom everybody speaks, and nobody with anybody else.
 */
import type { Collective } from './collective.js';
import { Moves } from './moves.js';
import { bringToHub, takeFromHub } from './star.js';

const HUB = 0;

export const parameterServer: Collective = (request) => {
  const moves = new Moves(request);
  const spokes = [...request.members.keys()].filter((member) => member !== HUB);
  bringToHub(moves, HUB, spokes, moves.slices);
  takeFromHub(moves, HUB, spokes, moves.slices, true);
  return moves.ends();
};
