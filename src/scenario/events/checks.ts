/**
 * What must hold between a scenario's events and its network: names that are somebody's, groups that are apart,
 * spans that have a length, a heal for each partition that training would wait behind. Pure: a scenario that is
 * sound otherwise in, problems out.
 */
import type { FabricName } from '../fabric-checks.js';
import { foundText, type Problem } from '../problems.js';
import { isTraining } from '../programs.js';
import { topologyOf } from '../resolve.js';
import type { AnyScenario } from '../schema.js';
import { hostsOf, type Topology } from '../topology.js';
import { formatDuration } from '../units.js';
import { jitterQuantile } from '../weather.js';
import { wordsAllowed } from '../words.js';
import { formatEvent, type ScenarioEvent, type SetLinkEvent } from './event.js';
import { crashingHosts, hostsNamed, knownNames } from './names.js';
import { changesOf, pairsOf, timelineOf } from './timeline.js';

/** Most changes that all events of a scenario may come to. */
export const MAX_CHANGES = 10_000;

export function checkEvents(scenario: AnyScenario): Problem[] {
  const { events } = scenario;
  if (events.length === 0) return [];
  const topology = topologyOf(scenario);
  const each = events.flatMap((event, position) =>
    faultsOf(event, topology).map((allowed) => problemOf(event, position, allowed)),
  );
  if (each.length > 0) return each;
  const changes = events.reduce((sum, event) => sum + changesOf(event), 0);
  if (changes > MAX_CHANGES)
    return [{ path: ['events'], found: `${changes} changes in all`, allowed: `${MAX_CHANGES} at most` }];
  return [checkOutages, checkHealed, checkTrainers, checkJitter].flatMap((check) =>
    check(scenario, topology),
  );
}

const problemOf = (event: ScenarioEvent, position: number, allowed: string): Problem => ({
  path: ['events', position],
  found: foundText(formatEvent(event)),
  allowed,
});

/** What would be allowed instead, for everything that is wrong with one event by itself. */
function faultsOf(event: ScenarioEvent, topology: Topology): string[] {
  const names = namesOf(event);
  const unknown = names.filter((name) => hostsNamed(topology, name).length === 0);
  if (unknown.length > 0)
    return unknown.map(
      (name) => `instead of ${name}, a region or node: ${wordsAllowed(name, knownNames(topology))}`,
    );
  const { kind } = event;
  switch (kind) {
    case 'partition':
    case 'heal':
      return overlapOf(event.groups, topology);
    case 'set-link':
      return tracedOf(event, topology);
    case 'set-path':
      return pairsOf(topology, event.pair).length > 0 ? [] : ['two different regions or nodes'];
    case 'flap':
      if (event.to - event.from < event.every)
        return [`an end at least ${formatDuration(event.every)} after the start`];
      return pairsOf(topology, event.pair).length > 0 ? [] : ['two different regions or nodes'];
    case 'crash':
      return [];
    case 'churn':
      if (event.outage >= event.every)
        return [
          `an absence shorter than the ${formatDuration(event.every)} after which the next one crashes`,
        ];
      return event.to - event.from >= event.outage
        ? []
        : [`an end at least ${formatDuration(event.outage)} after the start`];
  }
}

function namesOf(event: ScenarioEvent): readonly string[] {
  switch (event.kind) {
    case 'partition':
    case 'heal':
      return event.groups.flat();
    case 'flap':
    case 'set-path':
      return event.pair;
    case 'set-link':
      return [event.name];
    case 'crash':
    case 'churn':
      return event.names;
  }
}

/** A link with a trace has no one rate that could be set. */
function tracedOf({ name, property }: SetLinkEvent, topology: Topology): string[] {
  const traced = hostsNamed(topology, name)
    .map((host) => hostsOf(topology)[host]!)
    .filter((host) => host[`${property}Trace`] !== undefined);
  return traced.map((host) => `links that have a rate; that of ${host.name} follows a trace`);
}

/** Hosts that are on two sides at once. */
function overlapOf(groups: readonly (readonly string[])[], topology: Topology): string[] {
  const hosts = hostsOf(topology);
  const sides = groups.map((names) => new Set(names.flatMap((name) => hostsNamed(topology, name))));
  const twice = [...hosts.keys()].filter((host) => sides.filter((side) => side.has(host)).length > 1);
  if (twice.length === 0) return [];
  return [
    `groups that have nobody in common; ${twice.map((host) => hosts[host]!.name).join(', ')} would be in two`,
  ];
}

/** Nobody may crash who is down already. */
function checkOutages({ events, seed }: AnyScenario, topology: Topology): Problem[] {
  const hosts = hostsOf(topology);
  const downBy = new Map<number, number>();
  for (const { kind, event, at, hosts: who } of timelineOf(events, topology, seed)) {
    if (kind === 'return') for (const host of who) downBy.delete(host);
    if (kind !== 'crash') continue;
    for (const host of who) {
      const earlier = downBy.get(host);
      if (earlier !== undefined) {
        const allowed = `a crash of hosts that are there; ${hosts[host]!.name} is down at ${formatDuration(at)} by events.${earlier}`;
        return [problemOf(events[event]!, event, allowed)];
      }
      downBy.set(host, event);
    }
  }
  return [];
}

/** Training that is cut in two waits until it is whole again: for ever, without a heal. */
function checkHealed({ events, seed }: AnyScenario, topology: Topology): Problem[] {
  const trainers = trainersOf(topology);
  const cutBy = new Map<string, number>();
  for (const { event, cut, joined } of timelineOf(events, topology, seed)) {
    for (const pair of cut) if (pair.every((host) => trainers.has(host))) cutBy.set(pair.join(), event);
    for (const pair of joined) cutBy.delete(pair.join());
  }
  return [...new Set(cutBy.values())].map((position) =>
    problemOf(
      events[position]!,
      position,
      'a partition of training nodes with a heal after it, e.g. "at 30 s heal"',
    ),
  );
}

/**
 * A training node holds state that would be lost with it. It can be started anew from a checkpoint where a round depends
 * on nothing but what every node has in its memory when it begins.
 */
function checkTrainers(scenario: AnyScenario, topology: Topology): Problem[] {
  const { nodes } = topology;
  const trainers = trainersOf(topology);
  const obstacle = restartObstacle(scenario);
  return scenario.events.flatMap((event, position) => {
    const found = crashingHosts([event], topology).filter((host) => trainers.has(host));
    const lost = obstacle === undefined ? found.filter((host) => host >= nodes.length) : found;
    if (lost.length === 0) return [];
    const names = lost.map((host) => hostsOf(topology)[host]!.name).join(', ');
    const who = obstacle === undefined ? 'nodes and of hosts that run programs' : 'hosts that run programs';
    const why = obstacle === undefined ? '' : `, or of nodes too with ${obstacle}`;
    return [problemOf(event, position, `${event.kind} of ${who}${why}; ${names} would be another`)];
  });
}

/** What would have to be another way for a training node to be started anew; undefined if it can be. */
function restartObstacle(scenario: AnyScenario): string | undefined {
  if (!isTraining(scenario)) return undefined;
  const { protocol, persona } = scenario;
  if (persona !== 'none') return 'persona none';
  if (protocol.kind === 'ddp' || (protocol.kind === 'diloco' && protocol.overlap === 'none'))
    return undefined;
  return 'protocol.kind ddp, or diloco without overlap';
}

/** A delay that could fall below 0 would have to be cut off, and would no longer be the one configured. */
function checkJitter({ events, seed }: AnyScenario, topology: Topology): Problem[] {
  const faults = timelineOf(events, topology, seed).flatMap(({ event, paths }) => {
    const most = Math.max(0, ...paths.map(({ path }) => -jitterQuantile(path.jitter, 0) - path.delay));
    return most > 0 ? [[event, most] as const] : [];
  });
  return [...new Map(faults)].map(([event, most]) =>
    problemOf(
      events[event]!,
      event,
      `${formatDuration(most)} more delay, or less jitter, which would shorten it below 0`,
    ),
  );
}

const PACKET_PROPERTIES: readonly string[] = ['duplicate', 'reorder', 'corrupt'];

/** What of the events a fabric can't make happen. */
export function checkFabricEvents(scenario: AnyScenario, fabric: FabricName): Problem[] {
  const { events } = scenario;
  const refuse = (allowed: string, isMeant: (event: ScenarioEvent) => boolean): Problem[] =>
    events.flatMap((event, position) => (isMeant(event) ? [problemOf(event, position, allowed)] : []));
  switch (fabric) {
    case 'netns':
      return [];
    case 'threads':
      return [
        ...refuse(
          'delay, jitter and loss on threads, where a byte stream is shaped and there are no packets',
          (event) => event.kind === 'set-path' && PACKET_PROPERTIES.includes(event.property),
        ),
        ...refuse(
          'neither crash nor churn on threads, whose hosts have no network of their own; netns has both',
          isCrash,
        ),
      ];
    case 'containers':
      return refuse(
        'neither crash nor churn with nodes that join, since nobody here can start them anew; netns has both',
        isCrash,
      );
  }
}

const isCrash = ({ kind }: ScenarioEvent): boolean => kind === 'crash' || kind === 'churn';

/** Those whom training needs: the nodes, and others that are there without a program, such as an object store. */
function trainersOf(topology: Topology): ReadonlySet<number> {
  const { nodes, hosts = [] } = topology;
  const others = hosts.flatMap(({ program }, index) => (program === undefined ? [nodes.length + index] : []));
  return new Set([...nodes.map(({ rank }) => rank), ...others]);
}
