/**
 * What must hold between the fields of a scenario, beyond what each may hold by itself: enough nodes, each
 * with a name of its own, in regions that lie at a known distance, and so on. Pure: a scenario in, the
 * problems out; an empty list is a scenario that can be run.
 */
import { checkEvents } from './events/checks.js';
import { GENRES } from './genres.js';
import { checkPersona } from './persona.js';
import { pairOf } from './pair.js';
import { isPreset, PRESET_REGIONS } from './presets.js';
import { wordsAllowed } from './allowed.js';
import { foundText, type Problem } from './problems.js';
import { checkPoints } from './points-checks.js';
import { checkProtocol } from './protocol-checks.js';
import { delayBetween, unrollNodes, unrollPrograms, worldSizeOf } from './resolve.js';
import { addressesNamed, isTraining } from './programs.js';
import type { AnyScenario, Scenario } from './schema.js';
import { checkTunnel } from './tunnel-checks.js';
import { checkWeather } from './weather-checks.js';

export const MIN_NODES = 2;
export const MAX_NODES = 1024;

/** Everything wrong with the relations between a scenario's fields; of far too many nodes only their number. */
export function checkScenario(scenario: AnyScenario): Problem[] {
  if (hostCount(scenario) > MAX_NODES) return checkCount(scenario);
  const problems = [
    checkCount,
    checkNames,
    checkRegions,
    checkWeather,
    checkPrograms,
    checkTunnel,
    checkPoints,
  ].flatMap((check) => check(scenario));
  if (isTraining(scenario))
    problems.push(...[checkGenres, checkPersona, checkProtocol].flatMap((check) => check(scenario)));
  // Events need to know who is where.
  return problems.length > 0 ? problems : checkEvents(scenario);
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

function checkRegions(scenario: AnyScenario): Problem[] {
  const named = new Set(Object.keys(scenario.regions.delays).flatMap(pairOf));
  const firstEntry = new Map<string, number>();
  const problems: Problem[] = [];
  scenario.nodes.forEach(({ region }, entry) => {
    if (firstEntry.has(region)) return;
    const path = ['nodes', entry, 'region'];
    if (isPreset(region) || named.has(region)) {
      for (const other of firstEntry.keys()) {
        if (haveDelays(scenario, other, region)) continue;
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

/** Whether both ways between two regions have a delay. */
const haveDelays = (scenario: AnyScenario, a: string, b: string): boolean =>
  delayBetween(scenario, a, b) !== undefined && delayBetween(scenario, b, a) !== undefined;

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
