/**
 * A scenario made definite: its nodes one by one, the delay of every pair, and the file that says it all.
 *
 * A scenario groups nodes and leaves things out; a topology leaves nothing out. Both directions live here:
 * `topologyOf` unrolls for the machine, `scenarioToYaml` writes for the reader, every default filled in.
 * Nothing here judges a scenario: it was checked when it was loaded.
 */
import { isIPv4 } from 'node:net';
import { stringify } from 'yaml';
import { z } from 'zod';
import { RunError } from '../errors.js';
import { STORE_NAME } from '../object-store/objects.js';
import { bottlenecksBetween, bottlenecksOf } from './bottlenecks.js';
import { genreInTurn } from './genres.js';
import { entriesFor } from './pair.js';
import { presetDelay } from './presets.js';
import { isTraining, kindOf } from './programs.js';
import { meanRate, type RateTrace } from './rate-trace.js';
import { programsSchema, scenarioSchema, type AnyScenario, type NodeEntry } from './schema.js';
import type { Host, Node, Path, Program, Topology, TunnelLayout } from './topology.js';
import { tunnelMapSchema } from './tunnel-schema.js';
import type { Weather } from './weather.js';

/** A node of the scenario's list, unrolled; `entry` is the index of its entry there. */
export interface UnrolledNode extends Omit<Node, 'address'> {
  readonly entry: number;
}

/** A host that runs a program, unrolled likewise. */
export interface UnrolledProgram extends Omit<Host, 'address'> {
  readonly entry: number;
  readonly program: Program;
}

/** The scenario with what a node takes over from itself filled in: name from region, downlink from uplink. */
export function withNodeDefaults<S extends AnyScenario>(scenario: S): S {
  const nodes = scenario.nodes.map((node) => ({
    ...node,
    name: node.name ?? node.region,
    downlink: node.downlink ?? node.uplink,
    ...(node.exec === undefined ? {} : { kind: kindOf(node.exec, node.kind) }),
  }));
  return { ...scenario, nodes };
}

const trains = ({ exec }: NodeEntry): boolean => exec === undefined;

/** How many nodes train. */
export const worldSizeOf = ({ nodes }: AnyScenario): number =>
  nodes.filter(trains).reduce((sum, { count }) => sum + count, 0);

/** A link of an access in the two forms that it has in a topology: its rate, and its trace if it has one. */
function linkOf<Name extends 'uplink' | 'downlink'>(
  name: Name,
  link: number | RateTrace,
): Pick<Host, Name | `${Name}Trace`> {
  const fields =
    typeof link === 'number' ? { [name]: link } : { [name]: meanRate(link), [`${name}Trace`]: link };
  return fields as Pick<Host, Name | `${Name}Trace`>;
}

/** The hosts of the scenario's list one by one; `index` is the place among those of the same entry. */
function unroll(scenario: AnyScenario) {
  return withNodeDefaults(scenario).nodes.flatMap((node, entry) =>
    Array.from({ length: node.count }, (_, index) => ({
      entry,
      index,
      node,
      host: {
        name: `${node.name ?? node.region}${node.count > 1 ? `-${index}` : ''}`,
        region: node.region,
        ...linkOf('uplink', node.uplink),
        ...linkOf('downlink', node.downlink ?? node.uplink),
        ...(node.congestion === undefined ? {} : { congestion: node.congestion }),
      },
    })),
  );
}

/** The nodes that train one by one, in rank order. */
export function unrollNodes(scenario: AnyScenario): UnrolledNode[] {
  const byGenre = isTraining(scenario) && scenario.data.shards === 'genres';
  return unroll(scenario)
    .filter(({ node }) => trains(node))
    .map(({ entry, node, host }, rank) => ({
      entry,
      ...host,
      rank,
      ...(byGenre ? { genre: node.genre ?? genreInTurn(rank) } : {}),
    }));
}

/** The hosts that run programs one by one, in the order of the list. */
export function unrollPrograms(scenario: AnyScenario): UnrolledProgram[] {
  return unroll(scenario).flatMap(({ entry, index, node, host }) => {
    const { exec, kind, environment = {}, mayFail = false } = node;
    if (exec === undefined) return [];
    return [{ entry, ...host, program: { exec, kind: kindOf(exec, kind), environment, mayFail, index } }];
  });
}

/** One-way delay from region `a` to `b` in seconds; undefined if neither the scenario nor a preset gives it. */
export function delayBetween(scenario: AnyScenario, a: string, b: string): number | undefined {
  const { delays, local } = scenario.regions;
  return a === b ? local : (entriesFor(delays, a, b).at(-1) ?? presetDelay(a, b));
}

/** The weather from region `a` to `b`: that of the whole mesh, but for what is said of this pair. */
export function weatherBetween(scenario: AnyScenario, a: string, b: string): Weather {
  const { jitter, loss, duplicate, reorder, corrupt } = scenario.wan;
  const weather = { jitter, loss, duplicate, reorder, corrupt };
  for (const special of entriesFor(scenario.regions.weather, a, b))
    Object.assign(weather, withoutAbsent(special));
  return weather;
}

const withoutAbsent = (special: object) =>
  Object.fromEntries(Object.entries(special).filter(([, value]) => value !== undefined));

/** A host's address in 10.77.0.0/16; no address ends in .0 or .255, so every /24 of it is valid too. */
const addressOf = (position: number) => `10.77.${Math.floor(position / 254)}.${(position % 254) + 1}`;

/** The object store, if the protocol has one. */
export function storeOf(scenario: AnyScenario): Omit<Host, 'address'> | undefined {
  if (!isTraining(scenario) || scenario.protocol.kind !== 'object-store') return undefined;
  const { region, uplink, downlink } = scenario.protocol.store;
  return { name: STORE_NAME, region, uplink, downlink };
}

/** How all addresses inside of tunnels begin: see src/wan/tunnel/plan.ts. */
const OVERLAY_START = '10.78.';

/** Standard port of each kind of tunnel: the one in WireGuard's manual; IANA's for OpenVPN. */
const TUNNEL_PORTS = { wireguard: 51_820, 'openvpn-udp': 1194 } as const;

/** The tunnel, if there is one, in its long form. */
export function tunnelOf({ tunnel }: AnyScenario): TunnelSettings | undefined {
  if (tunnel === 'none') return undefined;
  const settings = typeof tunnel === 'string' ? tunnelMapSchema.parse({ kind: tunnel }) : tunnel;
  return { ...settings, port: settings.port ?? TUNNEL_PORTS[settings.kind] };
}

export type TunnelSettings = z.output<typeof tunnelMapSchema> & { readonly port: number };

/** The hosts that a tunnel brings, and where the scenario says so: its hub, then its relays. */
export function tunnelHostsOf(
  scenario: AnyScenario,
): (Omit<Host, 'address'> & { readonly path: (string | number)[] })[] {
  const { hub, relays = [] } = tunnelOf(scenario) ?? {};
  return [
    ...(hub === undefined ? [] : [{ ...hub, name: 'vpn-server', path: ['tunnel', 'hub'] }]),
    ...relays.map((relay, index) => ({
      ...relay,
      name: `vpn-relay-${index + 1}`,
      path: ['tunnel', 'relays', index],
    })),
  ];
}

/** Who is there besides those of the scenario's list: the object store first, then what the tunnel brings. */
export function addedHostsOf(scenario: AnyScenario): Omit<Host, 'address'>[] {
  const store = storeOf(scenario);
  const ofTunnel = tunnelHostsOf(scenario).map(({ path: _, ...host }) => host);
  return [...(store === undefined ? [] : [store]), ...ofTunnel];
}

/** All hosts but the nodes that train: the object store first, then programs, what the tunnel brings last. */
function otherHostsOf(scenario: AnyScenario): Omit<Host, 'address'>[] {
  const programs = unrollPrograms(scenario).map(({ entry: _, ...host }) => host);
  const added = addedHostsOf(scenario);
  const stores = storeOf(scenario) === undefined ? 0 : 1;
  return [...added.slice(0, stores), ...programs, ...added.slice(stores)];
}

/** `hosts`: how many there are in all, of whom those that the tunnel brings are the last. */
function tunnelLayoutOf(scenario: AnyScenario, hosts: number): TunnelLayout | undefined {
  const tunnel = tunnelOf(scenario);
  if (tunnel === undefined) return undefined;
  const { kind, hub, relays, port, keepalive } = tunnel;
  const firstRelay = hosts - relays.length;
  return {
    kind,
    ...(hub === undefined ? {} : { hub: firstRelay - 1 }),
    relays: relays.map((_, index) => firstRelay + index),
    port,
    keepalive,
  };
}

/** The regions in which somebody is, with repetitions. */
export function usedRegions(scenario: AnyScenario): string[] {
  return [...scenario.nodes, ...addedHostsOf(scenario)].map(({ region }) => region);
}

/**
 * The scenario's nodes, its object store if it has one, its programs, the hosts of its tunnel, and the paths between them.
 *
 * @throws Error if a pair of regions has no delay, which loading a scenario rules out
 */
export function topologyOf(scenario: AnyScenario): Topology {
  const { queue, mtu } = scenario.wan;
  const bottlenecks = bottlenecksOf(scenario);
  const nodes = unrollNodes(scenario).map(({ entry: _, ...node }) => ({
    ...node,
    address: addressOf(node.rank),
  }));
  const known = new Map<string, Path>();
  const pathBetween = (a: string, b: string): Path => {
    const path = known.get(`${a}--${b}`);
    if (path !== undefined) return path;
    const delay = delayBetween(scenario, a, b);
    if (delay === undefined) throw new Error(`no delay between ${a} and ${b}`);
    const shared = bottlenecksBetween(scenario, a, b);
    const made = {
      delay,
      ...weatherBetween(scenario, a, b),
      ...(shared.length === 0 ? {} : { bottlenecks: shared }),
    };
    known.set(`${a}--${b}`, made);
    return made;
  };
  const hosts = otherHostsOf(scenario).map((host, index) => ({
    ...host,
    address: addressOf(nodes.length + index),
  }));
  const all: readonly Host[] = [...nodes, ...hosts];
  const paths = all.map((from) => all.map((to) => pathBetween(from.region, to.region)));
  const tunnel = tunnelLayoutOf(scenario, all.length);
  return {
    nodes,
    ...(hosts.length === 0 ? {} : { hosts }),
    paths,
    ...(bottlenecks.length === 0 ? {} : { bottlenecks }),
    queue,
    mtu,
    ...(tunnel === undefined ? {} : { tunnel }),
  };
}

/**
 * The topology of nodes that brought networks of their own, at the addresses that they have there, by rank.
 *
 * @throws RunError unless there is an IPv4 address for each node, and no two are the same
 */
export function withAddresses(topology: Topology, addresses: readonly string[]): Topology {
  if (addresses.length !== topology.nodes.length)
    throw new RunError(`${topology.nodes.length} nodes, but ${addresses.length} addresses`);
  const owners = new Map<string, string>();
  const nodes = topology.nodes.map((node, rank) => {
    const address = addresses[rank] ?? '';
    const owner = owners.get(address);
    if (!isIPv4(address))
      throw new RunError(`${node.name} has the address ${JSON.stringify(address)}, which is not IPv4`);
    if (topology.tunnel !== undefined && address.startsWith(OVERLAY_START))
      throw new RunError(
        `${node.name} has the address ${address}, but ${OVERLAY_START}* is inside the tunnels`,
      );
    if (owner !== undefined)
      throw new RunError(`${owner} and ${node.name} have the same address, ${address}`);
    owners.set(address, node.name);
    return { ...node, address };
  });
  return { ...topology, nodes };
}

/** The scenario as a YAML file with every default filled in; loads back to an equal scenario. */
export function scenarioToYaml(scenario: AnyScenario): string {
  const document = isTraining(scenario)
    ? z.encode(scenarioSchema, withNodeDefaults(scenario))
    : z.encode(programsSchema, withNodeDefaults(scenario));
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
