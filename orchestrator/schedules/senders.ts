/**
 * From whom a rank receives slices, over a whole run. Lines between nodes are laid before the first round, and paths
 * probed, so it must be known which ones will be used, also by rounds that have not been compiled.
 */
import type { Schedule } from '../../src/schedule/operation.js';
import { drawPairs } from './pairs.js';

/** By rank: the ranks it receives from, in ascending order. */
export type Senders = readonly (readonly number[])[];

/** Those of one round. */
export function sendersOf(schedule: Schedule): Senders {
  return schedule.parts.map(({ operations }) =>
    ascending(operations.flatMap((operation) => (operation.kind === 'recv' ? [operation.peer] : []))),
  );
}

/** Those of any of the first rounds, which are compiled one at a time. */
export function sendersOfRounds(rounds: number, compile: (round: number) => Schedule): Senders {
  let all: Senders = [];
  for (let round = 0; round < rounds; round++)
    all = sendersOf(compile(round)).map((ofRank, rank) => ascending([...(all[rank] ?? []), ...ofRank]));
  return all;
}

/** Those that pairs drawn by lot come to in so many rounds: see pairs.ts. */
export function sendersInPairs(worldSize: number, seed: number, rounds: number): Senders {
  const met = Array.from({ length: worldSize }, () => new Set<number>());
  for (let round = 0; round < rounds && met.some(({ size }) => size < worldSize - 1); round++) {
    for (const [a, b] of drawPairs(worldSize, seed, round)) {
      met[a]!.add(b);
      met[b]!.add(a);
    }
  }
  return met.map(ascending);
}

function ascending(ranks: Iterable<number>): number[] {
  return [...new Set(ranks)].sort((a, b) => a - b);
}
