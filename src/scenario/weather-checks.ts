/** What must hold between a scenario's weather, its regions and its delays; a part of checks.ts. */
import { isPreset, PRESET_REGIONS } from './presets.js';
import { wordsAllowed, type Path } from './allowed.js';
import { regionsOf } from './bottlenecks.js';
import { isDirected, keysFor, pairOf } from './pair.js';
import { foundText, type Problem } from './problems.js';
import { addedHostsOf, delayBetween, usedRegions } from './resolve.js';
import type { AnyScenario } from './schema.js';
import { formatDuration } from './units.js';
import { jitterQuantile, type Jitter } from './weather.js';

export const checkWeather = (scenario: AnyScenario): Problem[] =>
  [checkPairs, checkBottlenecks, checkJitter].flatMap((check) => check(scenario));

/** The keys of the two tables that are by pairs of regions. */
function checkPairs(scenario: AnyScenario): Problem[] {
  const { delays, weather } = scenario.regions;
  return [...pairProblems(scenario, 'delays', delays), ...pairProblems(scenario, 'weather', weather)];
}

function pairProblems(scenario: AnyScenario, table: 'delays' | 'weather', entries: object): Problem[] {
  const used = new Set(usedRegions(scenario));
  const keys = Object.keys(entries);
  return keys.flatMap((key) => {
    const [a, b] = pairOf(key);
    const path = ['regions', table, key];
    if (a === b && table === 'delays')
      return [
        { path, found: 'one region twice', allowed: 'two regions; within a region, regions.local holds' },
      ];
    const turned = `${b}--${a}`;
    if (!isDirected(key) && a !== b && keys.includes(turned) && keys.indexOf(turned) < keys.indexOf(key)) {
      const [found, allowed] =
        table === 'delays'
          ? [`a second delay for ${turned}`, 'one delay for a pair; it holds both ways']
          : [`a second entry for ${turned}`, 'one entry for a pair; it holds both ways'];
      return [{ path, found, allowed }];
    }
    return [...new Set([a, b])]
      .filter((region) => !isPreset(region) && !used.has(region))
      .map((region) => ({
        path,
        found: `${foundText(region)}, where no node is`,
        allowed: wordsAllowed(region, [...new Set([...used, ...Object.keys(PRESET_REGIONS)])]),
      }));
  });
}

/** Each shared queue has a name of its own, and one place, in regions where somebody is. */
function checkBottlenecks(scenario: AnyScenario): Problem[] {
  const used = [...new Set(usedRegions(scenario))];
  const names = scenario.regions.bottlenecks.map(({ name }) => name);
  return scenario.regions.bottlenecks.flatMap((shared, index): Problem[] => {
    const path = ['regions', 'bottlenecks', index];
    const { name, region, between } = shared;
    if (names.indexOf(name) < index) {
      const allowed = 'a name of its own for each shared queue';
      return [{ path: [...path, 'name'], found: `${foundText(name)} again`, allowed }];
    }
    if ((region === undefined) === (between === undefined)) {
      const found = region === undefined ? 'neither region nor between' : 'both region and between';
      return [{ path, found, allowed: 'one of the two, region or between' }];
    }
    const place = [...path, region === undefined ? 'between' : 'region'];
    const regions = regionsOf(shared);
    if (regions.length > new Set(regions).size)
      return [{ path: place, found: 'one region twice', allowed: 'two regions' }];
    return regions
      .filter((one) => !used.includes(one))
      .map((one) => ({
        path: place,
        found: `${foundText(one)}, where no node is`,
        allowed: wordsAllowed(one, used),
      }));
  });
}

/** A delay that could fall below 0 would have to be cut off, and would no longer be the one configured. */
function checkJitter(scenario: AnyScenario): Problem[] {
  const smallest = new Map<
    string,
    { readonly path: Path; readonly jitter: Jitter; readonly delay: number }
  >();
  for (const [a, b] of connectedRegions(scenario)) {
    const { path, jitter } = jitterBetween(scenario, a, b);
    const delay = delayBetween(scenario, a, b) ?? Infinity;
    const key = path.join(' ');
    if (delay < (smallest.get(key)?.delay ?? Infinity)) smallest.set(key, { path, jitter, delay });
  }
  return [...smallest.values()].flatMap(({ path, jitter, delay }) => {
    const shortens = -jitterQuantile(jitter, 0);
    if (shortens <= delay) return [];
    const plain = formatDuration(shortens);
    const found =
      jitter.kind === 'uniform' ? plain : `${jitter.kind}, which shortens a delay by up to ${plain}`;
    const between = path[0] === 'wan' ? 'between two nodes' : 'of these paths';
    return [{ path, found, allowed: `at most ${formatDuration(delay)}, the smallest delay ${between}` }];
  });
}

/** Each ordered pair of regions, and each region with itself, between which there is a path. */
function connectedRegions(scenario: AnyScenario): [string, string][] {
  const counts = new Map<string, number>();
  for (const { region, count } of scenario.nodes) counts.set(region, (counts.get(region) ?? 0) + count);
  for (const { region } of addedHostsOf(scenario)) counts.set(region, (counts.get(region) ?? 0) + 1);
  const regions = [...counts.keys()];
  return regions.flatMap((a) =>
    regions.filter((b) => a !== b || (counts.get(a) ?? 0) > 1).map((b): [string, string] => [a, b]),
  );
}

/** The jitter from one region to another, and where the scenario says it. */
function jitterBetween({ regions, wan }: AnyScenario, a: string, b: string): { path: Path; jitter: Jitter } {
  for (const key of keysFor(regions.weather, a, b).reverse()) {
    const jitter = regions.weather[key]?.jitter;
    if (jitter !== undefined) return { path: ['regions', 'weather', key, 'jitter'], jitter };
  }
  return { path: ['wan', 'jitter'], jitter: wan.jitter };
}
