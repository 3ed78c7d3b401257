/** Gossip: who meets whom in which round, drawn by lot anew each time. */
import { Random } from '../../src/random.js';

export type Pair = readonly [number, number];

/**
 * Pairs of ranks, drawn so that all pairings are equally likely, and the same for the same seed and round. With an
 * odd number of ranks one rests: it is in none.
 */
export function drawPairs(worldSize: number, seed: number, round: number): Pair[] {
  const random = new Random(seed, `pairs of round ${round}`);
  const ranks = [...Array(worldSize).keys()];
  // Fisher and Yates.
  for (let left = worldSize - 1; left > 0; left--) {
    const drawn = random.integer(left + 1);
    [ranks[left], ranks[drawn]] = [ranks[drawn]!, ranks[left]!];
  }
  return Array.from({ length: Math.floor(worldSize / 2) }, (_, pair) => [
    ranks[2 * pair]!,
    ranks[2 * pair + 1]!,
  ]);
}

/** Whom a rank meets; undefined if it rests. */
export function peerIn(pairs: readonly Pair[], rank: number): number | undefined {
  const pair = pairs.find((one) => one.includes(rank));
  return pair?.find((one) => one !== rank);
}
