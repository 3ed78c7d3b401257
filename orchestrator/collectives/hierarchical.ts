/**
 * Hierarchical all-reduce: first within each region, to its first member, who adds its neighbours' values up; then
 * a ring among these first members; then back out within each region. So each byte crosses between regions
 * once per ring step and not once per member: what is scarce is used least. Goyal et al. (arXiv:1706.02677) did it
 * with machines in place of regions.
 *
 * With M members in R regions, one of m members: its first one sends 2·V·(R-1)/R to another region and V·(m-1) to
 * its neighbours, each of these V.
 *
 * The order of summation: within a region that of the members, across regions that of the ring, see ring.ts. Regions
 * are in the order of their first members.
 */
import type { Collective } from './collective.js';
import { Moves } from './moves.js';
import { moveAround } from './ring.js';
import { sharesOf } from './shares.js';
import { bringToHub, takeFromHub } from './star.js';

export const hierarchicalAllReduce: Collective = (request) => {
  const moves = new Moves(request);
  const groups = membersByRegion(request.regions);
  const leaders = groups.map(([leader]) => leader!);
  for (const [leader, ...others] of groups) bringToHub(moves, leader!, others, moves.slices);
  moveAround(moves, leaders, sharesOf(moves.chunks, leaders.length));
  // Without a ring it is here that a sum is finished.
  const settle = leaders.length === 1;
  for (const [leader, ...others] of groups) takeFromHub(moves, leader!, others, moves.slices, settle);
  return moves.ends();
};

/** The members of each region, in their order; regions in the order of their first members. */
export function membersByRegion(regions: readonly string[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [member, region] of regions.entries()) {
    const group = groups.get(region);
    if (group) group.push(member);
    else groups.set(region, [member]);
  }
  return [...groups.values()];
}
