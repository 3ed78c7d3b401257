/**
 * From the shared queues of a scenario to those of a topology: each is two queues, one for each direction, and a path
 * leads through those that its two regions have.
 *
 * A packet meets them in the order in which it would on its way: what its own region shares when it leaves, what the
 * pair of regions shares, and what the other region shares when it enters. Within a region it meets none.
 */
import { pairOf } from './pair.js';
import type { AnyScenario } from './schema.js';
import type { Bottleneck } from './topology.js';

type Shared = AnyScenario['regions']['bottlenecks'][number];

/** The regions that a shared queue names. */
export const regionsOf = ({ region, between }: Shared): string[] =>
  between === undefined ? [region ?? ''] : pairOf(between);

/** The directed queues: of the one at `index` in the scenario, those at 2·index and 2·index + 1. */
export function bottlenecksOf({ regions, wan }: AnyScenario): Bottleneck[] {
  return regions.bottlenecks.flatMap((shared) => {
    const { name, rate, queue = wan.queue } = shared;
    const [a, b] = regionsOf(shared);
    const ways = b === undefined ? [`from ${a}`, `to ${a}`] : [`${a}->${b}`, `${b}->${a}`];
    return ways.map((way) => ({ name: `${name} ${way}`, rate, queue }));
  });
}

/** The directed queues on the way from region `from` to region `to`, in order. */
export function bottlenecksBetween({ regions }: AnyScenario, from: string, to: string): number[] {
  if (from === to) return [];
  const leaving: number[] = [];
  const between: number[] = [];
  const entering: number[] = [];
  regions.bottlenecks.forEach((shared, index) => {
    const [a, b] = regionsOf(shared);
    if (b === undefined) {
      if (a === from) leaving.push(2 * index);
      if (a === to) entering.push(2 * index + 1);
    } else if (a === from && b === to) between.push(2 * index);
    else if (b === from && a === to) between.push(2 * index + 1);
  });
  return [...leaving, ...between, ...entering];
}
