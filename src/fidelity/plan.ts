/**
 * What to measure of a network so that each property that was set has been measured somewhere: of every link its rate
 * and its queue, of every pair the round trip, of the way between every two regions the weather, of every shared queue
 * how it is shared.
 *
 * Each on a path that shows it and nothing else: a rate where TCP meets no loss and the link is the narrowest, a queue
 * likewise. Where there is no such path the property is not measured, and the plan says why; it is never left out in
 * silence. Pure: a topology in, a plan out.
 */
import { hostsOf, type Topology } from '../scenario/topology.js';
import { meanLoss } from '../scenario/weather.js';
import { expectedRate } from './expected.js';
import { pathName } from './judge.js';
import { roundTripPairs, type PathEnds } from './paths.js';

/** A link, and the paths that fill it when they are used together. */
export interface LinkPlan {
  readonly property: string;
  readonly name: string;
  /** bit/s. */
  readonly rate: number;
  readonly paths: readonly PathEnds[];
}

export interface Unmeasured {
  readonly property: string;
  readonly path: string;
  readonly reason: string;
}

export interface Plan {
  /** Unordered pairs. */
  readonly roundTrips: readonly PathEnds[];
  readonly rates: readonly LinkPlan[];
  /** Uplinks that are overfilled, each by one path of which it is the narrowest link. */
  readonly overfills: readonly LinkPlan[];
  /** Paths whose weather is measured. */
  readonly trains: readonly PathEnds[];
  /** Shared queues, each with two flows that have nothing else in common. */
  readonly shared: readonly LinkPlan[];
  readonly unmeasured: readonly Unmeasured[];
}

/** Flows that share a queue should each be able to bring so much of what it lets through. */
const EACH_OF_TWO = 0.7;
/** Above this rate no program here sends datagrams fast enough to overfill a queue, bit/s. */
const FASTEST_OVERFILL = 300e6;

const BYTE_STREAMS =
  'this fabric carries byte streams and no packets; measured with --fabric netns, where that works';

/** @param packetLevel whether datagrams pass, see Fabric.packetLevel */
export function planOf(topology: Topology, packetLevel: boolean): Plan {
  const hosts = hostsOf(topology);
  const ranks = hosts.map((_, rank) => rank);
  const unmeasured: Unmeasured[] = [];
  const rates: LinkPlan[] = [];
  const overfills: LinkPlan[] = [];

  const cleanFrom = (from: number, to: number): boolean => from !== to && isCleanBothWays(topology, from, to);
  const byDelay = (paths: readonly PathEnds[]): PathEnds[] =>
    [...paths].sort((a, b) => delayOf(topology, a) - delayOf(topology, b));

  for (const [rank, host] of hosts.entries()) {
    const uplink = `${host.name} ↑`;
    const downlink = `${host.name} ↓`;
    const outwards = byDelay(
      ranks.filter((to) => cleanFrom(rank, to)).map((to): PathEnds => ({ from: rank, to })),
    );
    const free = outwards.find(({ from, to }) => expectedRate(topology, from, to) === host.uplink);
    if (host.uplinkTrace !== undefined) {
      unmeasured.push({
        property: 'TCP rate of an uplink',
        path: uplink,
        reason: 'its rate follows a trace',
      });
    } else if (free === undefined) {
      const reason = 'no path without loss leads through it to somebody with as fast a downlink';
      unmeasured.push({ property: 'TCP rate of an uplink', path: uplink, reason });
    } else {
      const link = { name: uplink, rate: host.uplink, paths: [free] };
      rates.push({ property: 'TCP rate of an uplink', ...link });
      if (packetLevel && host.uplink <= FASTEST_OVERFILL)
        overfills.push({ property: 'UDP rate, queue', ...link });
      else if (packetLevel)
        unmeasured.push({
          property: 'UDP rate, queue',
          path: uplink,
          reason: 'it is faster than datagrams can be sent here',
        });
    }
    const inwards = byDelay(
      ranks.filter((from) => cleanFrom(from, rank)).map((from): PathEnds => ({ from, to: rank })),
    );
    const senders = fillers(topology, inwards, host.downlink);
    if (host.downlinkTrace !== undefined) {
      const reason = 'its rate follows a trace';
      unmeasured.push({ property: 'TCP rate of a downlink', path: downlink, reason });
    } else if (senders === undefined) {
      const reason = 'the uplinks of the others, on paths without loss, do not fill it';
      unmeasured.push({ property: 'TCP rate of a downlink', path: downlink, reason });
    } else {
      rates.push({
        property: 'TCP rate of a downlink',
        name: downlink,
        rate: host.downlink,
        paths: senders,
      });
    }
  }
  const bottlenecks = sharedQueues(topology);
  unmeasured.push(...bottlenecks.unmeasured);
  const trains = packetLevel ? oneByRegions(topology) : [];
  if (!packetLevel) {
    for (const property of ['UDP rate', 'queue', 'loss', 'duplicate', 'reorder', 'corrupt'])
      unmeasured.push({ property, path: 'all', reason: BYTE_STREAMS });
  }
  const roundTrips = roundTripPairs(hosts.length).flatMap((peers, from) => peers.map((to) => ({ from, to })));
  return { roundTrips, rates, overfills, trains, shared: bottlenecks.measured, unmeasured };
}

/** Whether nothing was set that loses, copies, damages or reorders what goes this way. */
export function isClean({ paths }: Topology, { from, to }: PathEnds): boolean {
  const { loss, reorder, corrupt, duplicate } = paths[from]![to]!;
  return meanLoss(loss) + reorder + corrupt + duplicate === 0;
}

/** Whether TCP meets nothing on the way there and back but delay and rates. */
const isCleanBothWays = (topology: Topology, from: number, to: number): boolean =>
  isClean(topology, { from, to }) && isClean(topology, { from: to, to: from });

const delayOf = ({ paths }: Topology, { from, to }: PathEnds): number => paths[from]![to]!.delay;

/** Of paths to one host, the first that fill its downlink; the one that does so alone, if there is one. */
function fillers(topology: Topology, inwards: readonly PathEnds[], downlink: number): PathEnds[] | undefined {
  const rateOf = ({ from, to }: PathEnds): number => expectedRate(topology, from, to);
  const alone = inwards.find((path) => rateOf(path) === downlink);
  if (alone !== undefined) return [alone];
  const chosen: PathEnds[] = [];
  const used = new Set<number>();
  let sum = 0;
  for (const path of inwards) {
    // Two that come through the same shared queue would bring no more than one.
    const shared = topology.paths[path.from]![path.to]!.bottlenecks ?? [];
    if (shared.some((index) => used.has(index))) continue;
    shared.forEach((index) => used.add(index));
    chosen.push(path);
    sum += rateOf(path);
    if (sum >= downlink) return chosen;
  }
  return undefined;
}

/** For each ordered pair of regions one path; within a region one. */
function oneByRegions(topology: Topology): PathEnds[] {
  const hosts = hostsOf(topology);
  const found = new Map<string, PathEnds>();
  for (const [from, sender] of hosts.entries()) {
    for (const [to, receiver] of hosts.entries()) {
      const name = `${sender.region} ${receiver.region}`;
      if (from !== to && !found.has(name)) found.set(name, { from, to });
    }
  }
  return [...found.values()];
}

function sharedQueues(topology: Topology): { measured: LinkPlan[]; unmeasured: Unmeasured[] } {
  const hosts = hostsOf(topology);
  const measured: LinkPlan[] = [];
  const unmeasured: Unmeasured[] = [];
  for (const [index, { name, rate }] of (topology.bottlenecks ?? []).entries()) {
    const through = hosts
      .flatMap((_, from) => hosts.map((__, to): PathEnds => ({ from, to })))
      .filter(
        ({ from, to }) =>
          from !== to &&
          (topology.paths[from]![to]!.bottlenecks ?? []).includes(index) &&
          isCleanBothWays(topology, from, to) &&
          Math.min(hosts[from]!.uplink, hosts[to]!.downlink) >= EACH_OF_TWO * rate,
      );
    const pair = through
      .flatMap((one) => through.map((other) => [one, other] as const))
      .find(([one, other]) => one.from !== other.from && one.to !== other.to && one.from < other.from);
    if (pair === undefined) {
      const reason = 'no two paths without loss lead through it whose own links are fast enough to fill it';
      unmeasured.push({ property: 'shared queue', path: name, reason });
    } else {
      measured.push({ property: 'TCP rate of a shared queue', name, rate, paths: pair });
    }
  }
  return { measured, unmeasured };
}

/** "a → b" for each path. */
export const pathNames = (topology: Topology, paths: readonly PathEnds[]): string[] =>
  paths.map(({ from, to }) => pathName(topology, from, to));
