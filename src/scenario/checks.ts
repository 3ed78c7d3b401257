/**
 * What must hold between the fields of a scenario, beyond what each may hold by itself: enough nodes, each
 * with a name of its own, in regions that lie at a known distance, and so on. Pure: a scenario in, the
 * problems out; an empty list is a scenario that can be run.
 */
import { GENRES } from './genres.js';
import { checkPersona } from './persona.js';
import { isPreset, PRESET_REGIONS } from './presets.js';
import { wordsAllowed } from './allowed.js';
import { foundText, type Problem } from './problems.js';
import { checkProtocol } from './protocol-checks.js';
import {
  delayBetween,
  addedHostsOf,
  unrollNodes,
  unrollPrograms,
  usedRegions,
  worldSizeOf,
} from './resolve.js';
import { addressesNamed, isTraining } from './programs.js';
import type { AnyScenario, Scenario } from './schema.js';
import { checkTunnel } from './tunnel-checks.js';
import { formatDuration } from './units.js';

export const MIN_NODES = 2;
export const MAX_NODES = 1024;

/** Everything wrong with the relations between a scenario's fields; of far too many nodes only their number. */
export function checkScenario(scenario: AnyScenario): Problem[] {
  if (hostCount(scenario) > MAX_NODES) return checkCount(scenario);
  const problems = [
    checkCount,
    checkNames,
    checkDelayKeys,
    checkRegions,
    checkJitter,
    checkPrograms,
    checkTunnel,
  ].flatMap((check) => check(scenario));
  if (!isTraining(scenario)) return problems;
  return [...problems, ...[checkGenres, checkPersona, checkProtocol].flatMap((check) => check(scenario))];
}

const hostCount = ({ nodes }: AnyScenario) => nodes.reduce((sum, node) => sum + node.count, 0);

/** Enough nodes for what the scenario is, and not too many in all. */
function checkCount(scenario: AnyScenario): Problem[] {
  const problem = (total: number, what: string): Problem => ({
    path: ['nodes'],
    found: `${total} ${total === 1 ? 'node' : 'nodes'}${what}`,
    allowed: `${MIN_NODES} to ${MAX_NODES} nodes in all`,
  });
  const all = hostCount(scenario);
  if (all < MIN_NODES || all > MAX_NODES) return [problem(all, '')];
  const nodes = worldSizeOf(scenario);
  return isTraining(scenario) && nodes < MIN_NODES ? [problem(nodes, ' without exec')] : [];
}

function checkNames(scenario: AnyScenario): Problem[] {
  const entries = new Map<string, number>();
  const all = [...unrollNodes(scenario), ...unrollPrograms(scenario)].sort((a, b) => a.entry - b.entry);
  return all.flatMap(({ name, entry }) => {
    const earlier = entries.get(name);
    entries.set(name, earlier ?? entry);
    if (earlier === undefined) return [];
    const found = `${foundText(name)}, a node of nodes.${earlier} too`;
    return [{ path: ['nodes', entry, 'name'], found, allowed: 'a name of its own for each node' }];
  });
}

/** What belongs to programs stands where programs are, and names hosts that there are. */
function checkPrograms(scenario: AnyScenario): Problem[] {
  const hosts = [...unrollNodes(scenario), ...unrollPrograms(scenario)].map(({ name }) => name);
  return scenario.nodes.flatMap((node, entry): Problem[] => {
    const path = (...keys: (string | number)[]) => ['nodes', entry, ...keys];
    const { exec, environment = {}, genre } = node;
    if (exec === undefined) {
      const lone = (['kind', 'environment', 'mayFail'] as const).filter((key) => node[key] !== undefined);
      const allowed = 'nothing without exec, the program that it says more of';
      const problems = lone.map((key) => ({ path: path(key), found: foundText(node[key]), allowed }));
      if (isTraining(scenario)) return problems;
      const training = 'or a protocol, pace and rounds for nodes that train, instead of a duration';
      return [...problems, { path: path('exec'), found: 'nothing', allowed: `a program; ${training}` }];
    }
    const texts = [
      ...exec.map((text, index) => ({ text, at: path('exec', index) })),
      ...Object.entries(environment).map(([key, text]) => ({ text, at: path('environment', key) })),
    ];
    const problems = texts.flatMap(({ text, at }) =>
      addressesNamed(text)
        .filter((name) => !hosts.includes(name))
        .map((name) => ({
          path: at,
          found: `the address of ${foundText(name)}, which no node is called`,
          allowed: wordsAllowed(name, hosts.slice(0, 20)),
        })),
    );
    if (genre === undefined) return problems;
    return [...problems, { path: path('genre'), found: foundText(genre), allowed: 'no genre, beside exec' }];
  });
}

/** The two regions of a key of `regions.delays`. */
const pairOf = (key: string): [string, string] => {
  const [a = '', b = ''] = key.split('--');
  return [a, b];
};

function checkDelayKeys(scenario: AnyScenario): Problem[] {
  const { regions } = scenario;
  const used = new Set(usedRegions(scenario));
  const keys = Object.keys(regions.delays);
  return keys.flatMap((key) => {
    const [a, b] = pairOf(key);
    const path = ['regions', 'delays', key];
    if (a === b)
      return [
        { path, found: 'one region twice', allowed: 'two regions; within a region, regions.local holds' },
      ];
    const turned = `${b}--${a}`;
    if (Object.hasOwn(regions.delays, turned) && keys.indexOf(turned) < keys.indexOf(key))
      return [
        { path, found: `a second delay for ${turned}`, allowed: 'one delay for a pair; it holds both ways' },
      ];
    return [a, b]
      .filter((region) => !isPreset(region) && !used.has(region))
      .map((region) => ({
        path,
        found: `${foundText(region)}, where no node is`,
        allowed: wordsAllowed(region, [...new Set([...used, ...Object.keys(PRESET_REGIONS)])]),
      }));
  });
}

function checkRegions(scenario: AnyScenario): Problem[] {
  const named = new Set(Object.keys(scenario.regions.delays).flatMap(pairOf));
  const firstEntry = new Map<string, number>();
  const problems: Problem[] = [];
  scenario.nodes.forEach(({ region }, entry) => {
    if (firstEntry.has(region)) return;
    const path = ['nodes', entry, 'region'];
    if (isPreset(region) || named.has(region)) {
      for (const other of firstEntry.keys()) {
        if (delayBetween(scenario, other, region) !== undefined) continue;
        const found = `${foundText(region)}, without a delay to ${foundText(other)}`;
        const allowed = `a region with a delay to every other; add regions.delays "${other}--${region}: 20 ms"`;
        problems.push({ path, found, allowed });
      }
      firstEntry.set(region, entry);
      return;
    }
    const other = scenario.nodes.find((node) => node.region !== region)?.region ?? 'us-east';
    const presets = wordsAllowed(region, Object.keys(PRESET_REGIONS));
    const allowed = `${presets}; or add regions.delays "${other}--${region}: 20 ms"`;
    problems.push({ path, found: `${foundText(region)}, a region without delays`, allowed });
  });
  return problems;
}

function checkGenres({ nodes, data }: Scenario): Problem[] {
  return nodes.flatMap(({ genre }, entry) => {
    if (genre === undefined) return [];
    const path = ['nodes', entry, 'genre'];
    if (data.shards !== 'genres')
      return [{ path, found: foundText(genre), allowed: 'no genre, unless data.shards is genres' }];
    if (GENRES.some((known) => known === genre)) return [];
    return [{ path, found: foundText(genre), allowed: wordsAllowed(genre, GENRES) }];
  });
}

/** A delay that could fall below 0 would have to be cut off, and would no longer be the one configured. */
function checkJitter(scenario: AnyScenario): Problem[] {
  const { jitter } = scenario.wan;
  const counts = new Map<string, number>();
  for (const { region, count } of scenario.nodes) counts.set(region, (counts.get(region) ?? 0) + count);
  for (const { region } of addedHostsOf(scenario)) counts.set(region, (counts.get(region) ?? 0) + 1);
  const regions = [...counts.keys()];
  const delays = regions.flatMap((a, index) => [
    ...((counts.get(a) ?? 0) > 1 ? [scenario.regions.local] : []),
    ...regions.slice(index + 1).map((b) => delayBetween(scenario, a, b) ?? Infinity),
  ]);
  const smallest = Math.min(Infinity, ...delays);
  if (jitter <= smallest) return [];
  const allowed = `at most ${formatDuration(smallest)}, the smallest delay between two nodes`;
  return [{ path: ['wan', 'jitter'], found: formatDuration(jitter), allowed }];
}
