/** Whom a habit goes to, as ranks. Pure; what is drawn by lot depends on the seed and the habit's name alone. */
import type { Habit } from '../../src/persona/index.js';
import { Random } from '../../src/random.js';

/** Of whom the coordinator's books are kept. */
export const COORDINATOR = 0;

export interface Speaker {
  readonly rank: number;
  readonly worldSize: number;
  readonly seed: number;
}

/** In ascending order, never the speaker itself. */
export function targetsOf({ name, to }: Pick<Habit, 'name' | 'to'>, speaker: Speaker): number[] {
  const { rank, worldSize, seed } = speaker;
  const all = Array.from({ length: worldSize }, (_, peer) => peer);
  const others = all.filter((peer) => peer !== rank);
  if (to === 'coordinator') return others.filter((peer) => peer === COORDINATOR);
  if (to === 'every-peer') return others;
  if (to === 'each-pair') return others.filter((peer) => peer > rank);
  if ('neighbours' in to)
    return drawn(others, to.neighbours.value, new Random(seed, `neighbours of rank ${rank}: ${name}`));
  return drawn(all, to.keepers.value, new Random(seed, `keepers: ${name}`)).filter((peer) => peer !== rank);
}

/** So many of the ranks, or all if there are fewer. */
function drawn(ranks: readonly number[], count: number, random: Random): number[] {
  return ranks
    .map((rank) => ({ rank, lot: random.uniform() }))
    .sort((a, b) => a.lot - b.lot)
    .slice(0, count)
    .map(({ rank }) => rank)
    .sort((a, b) => a - b);
}
