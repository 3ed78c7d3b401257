/** What a tunnel asks of the rest of a scenario: its hosts lie somewhere, and its ports are free. */
import { foundText, type Problem } from './problems.js';
import {
  delayBetween,
  tunnelHostsOf,
  tunnelOf,
  unrollNodes,
  unrollPrograms,
  usedRegions,
} from './resolve.js';
import type { AnyScenario } from './schema.js';

/** Ports of what talks inside the tunnel and listens at the same host: see src/wan/fabric.ts. */
const TAKEN_PORTS = [8470, 8473];
const LAST_PORT = 65_535;

export function checkTunnel(scenario: AnyScenario): Problem[] {
  return tunnelOf(scenario) === undefined
    ? []
    : [checkPort, checkHosts, checkNames].flatMap((check) => check(scenario));
}

function checkPort(scenario: AnyScenario): Problem[] {
  const { port, hub, relays } = tunnelOf(scenario)!;
  const members = unrollNodes(scenario).length + unrollPrograms(scenario).length;
  const tunnels = hub === undefined ? (members * (members - 1)) / 2 : members;
  // With an object store there are a few more.
  const last = relays.length === 0 ? LAST_PORT : LAST_PORT - tunnels - members;
  if (port <= last && !TAKEN_PORTS.includes(port)) return [];
  const allowed = `1024 to ${last}, but for ${TAKEN_PORTS.join(' and ')}`;
  return [{ path: ['tunnel', 'port'], found: `${port}`, allowed }];
}

function checkHosts(scenario: AnyScenario): Problem[] {
  return tunnelHostsOf(scenario).flatMap(({ region, path }) => {
    const far = usedRegions(scenario).find((other) => delayBetween(scenario, other, region) === undefined);
    if (far === undefined) return [];
    const found = `${foundText(region)}, without a delay to ${foundText(far)}`;
    const allowed = `a region with a delay to every other; add regions.delays "${far}--${region}: 20 ms"`;
    return [{ path: [...path, 'region'], found, allowed }];
  });
}

function checkNames(scenario: AnyScenario): Problem[] {
  const taken = new Set(tunnelHostsOf(scenario).map(({ name }) => name));
  return [...unrollNodes(scenario), ...unrollPrograms(scenario)]
    .filter(({ name }) => taken.has(name))
    .map(({ name, entry }) => ({
      path: ['nodes', entry, 'name'],
      found: foundText(name),
      allowed: 'another name, as a host of the tunnel has this one',
    }));
}
