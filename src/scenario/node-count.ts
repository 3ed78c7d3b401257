/**
 * A scenario for another number of nodes: the same mix in the same order, more or fewer of each.
 *
 * Think of seats in a parliament. The entries of `nodes` are parties, their counts the votes, and the number
 * asked for is the seats, dealt out by the method of the largest remainder (Hamilton's): each entry gets its
 * exact share rounded down, and the seats left over go to the largest fractions. An entry that comes away
 * with none is left out. Nothing else of the scenario is scaled, programs neither; bytes per node, for one, follow
 * from it.
 */
import { z } from 'zod';
import { InputError } from '../errors.js';
import { pathText } from './allowed.js';
import { regionsOf } from './bottlenecks.js';
import { checkScenario, MAX_NODES, MIN_NODES } from './checks.js';
import { pairOf } from './pair.js';
import { isPreset } from './presets.js';
import { problemsOfIssues, type Problem } from './problems.js';
import { usedRegions } from './resolve.js';
import { scenarioSchema, type Scenario } from './schema.js';

/**
 * The scenario with `count` nodes. The order of entries, hence the ring, stays; the count that it has already
 * gives it back as it is. An entry whose count leaves or reaches 1 changes its nodes' names, see `unrollNodes`.
 *
 * @param scenario as loaded
 * @throws InputError that begins with "--nodes" if there can't be so many nodes, or not of these entries: two
 *   nodes would share a name, an entry would have more nodes than allowed, nodes that now share a region would
 *   have less delay between them than jitter
 */
export function withNodeCount(scenario: Scenario, count: number): Scenario {
  if (!Number.isInteger(count) || count < MIN_NODES || count > MAX_NODES)
    throw new InputError(
      `--nodes: found ${count}; allowed: a whole number from ${MIN_NODES} to ${MAX_NODES}`,
    );
  // Who trains is scaled; programs stay as many as they are.
  const training = scenario.nodes.flatMap(({ exec }, entry) => (exec === undefined ? [entry] : []));
  const counts = scenario.nodes.map((node) => node.count);
  apportion(
    training.map((entry) => counts[entry]!),
    count,
  ).forEach((share, index) => (counts[training[index]!] = share));
  if (scenario.nodes.every((node, entry) => node.count === counts[entry])) return scenario;
  // First with the empty entries still there, whose places a message may name.
  const nodes = scenario.nodes.map((node, entry) => ({ ...node, count: counts[entry] ?? 0 }));
  refuse(count, checkScenario({ ...scenario, nodes }));
  const kept = [...counts.keys()].filter((entry) => counts[entry] !== 0);
  const scaled = withoutEmpty({ ...scenario, nodes });
  refuse(
    count,
    [...schemaProblems(scaled), ...checkScenario(scaled)].map((problem) => placedInFile(problem, kept)),
  );
  return scaled;
}

/**
 * Divides `total` in proportion to the weights, by the largest remainder; of equal remainders the earlier wins.
 * Whole numbers throughout, hence exact.
 */
function apportion(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const shares = weights.map((weight) => Math.floor((weight * total) / sum));
  const left = total - shares.reduce((a, b) => a + b, 0);
  const remainders = weights.map((weight, index) => ({ index, remainder: (weight * total) % sum }));
  const largest = remainders.sort((a, b) => b.remainder - a.remainder || a.index - b.index).slice(0, left);
  for (const { index } of largest) shares[index]! += 1;
  return shares;
}

/** Without the entries that have no nodes, and without what was said of regions that went with them. */
function withoutEmpty(scenario: Scenario): Scenario {
  const nodes = scenario.nodes.filter((node) => node.count > 0);
  const used = usedRegions({ ...scenario, nodes });
  const known = (region: string) => isPreset(region) || used.includes(region);
  const { delays, weather, bottlenecks } = scenario.regions;
  const between = <T>(table: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(table).filter(([pair]) => pairOf(pair).every(known)));
  const regions = {
    ...scenario.regions,
    delays: between(delays),
    weather: between(weather),
    bottlenecks: bottlenecks.filter((one) => regionsOf(one).every((region) => used.includes(region))),
  };
  return { ...scenario, nodes, regions };
}

/** What the schema has against it; of what this file changes, only a count can be too large. */
function schemaProblems(scenario: Scenario): Problem[] {
  const encoded = z.safeEncode(scenarioSchema, scenario);
  return encoded.success ? [] : problemsOfIssues(encoded.error.issues, scenario);
}

/** The problem of a scenario of which only these entries were kept, as one of the whole. */
function placedInFile(problem: Problem, kept: readonly number[]): Problem {
  const [top, entry, ...rest] = problem.path;
  if (top !== 'nodes' || typeof entry !== 'number') return problem;
  return { ...problem, path: [top, kept[entry] ?? entry, ...rest] };
}

function refuse(count: number, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(
    ({ path, found, allowed }) => `--nodes ${count}: ${pathText(path)}: found ${found}; allowed: ${allowed}`,
  );
  throw new InputError(lines.join('\n'));
}
