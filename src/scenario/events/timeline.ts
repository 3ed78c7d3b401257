/**
 * Unrolls events into the changes they come to: each flap into its downs and ups, churn into crashes by lot,
 * names into hosts. Pure: the same scenario and seed give the same timeline.
 *
 * Think of it as a stage manager who walks through the play once beforehand. She notes for each pair of hosts
 * who has cut it: a partition, a flap, a crash, several at once. A pair is cut when the first does and joined
 * when the last lets go, so each change says exactly what differs from then on, and whoever applies it need
 * remember nothing. At one instant the order of the scenario's list holds.
 */
import { Random } from '../../random.js';
import { hostsOf, type Path, type Topology } from '../topology.js';
import type { Change, HostPair, Timeline } from './change.js';
import type { ChurnEvent, FlapEvent, NamePair, PathProperty, ScenarioEvent } from './event.js';
import { hostsNamed } from './names.js';

/** What one event does at one instant, before it is known what that changes. */
type Action =
  | { readonly kind: 'partition'; readonly pairs: readonly HostPair[] }
  /** `pairs` absent: all. */
  | { readonly kind: 'heal'; readonly pairs?: readonly HostPair[] }
  | { readonly kind: 'down'; readonly pairs: readonly HostPair[] }
  | { readonly kind: 'up' }
  | { readonly kind: 'set'; readonly links: Change['links'] }
  | {
      readonly kind: 'set';
      readonly pairs: readonly HostPair[];
      readonly property: PathProperty;
      readonly value: number;
    }
  | {
      readonly kind: 'crash' | 'return';
      readonly hosts: readonly number[];
      readonly pairs: readonly HostPair[];
    };

type Planned = Action & { readonly at: number; readonly event: number };

/** Downs and ups, or crashes and returns, that an event comes to; for a bound before it is unrolled. */
export function changesOf(event: ScenarioEvent): number {
  switch (event.kind) {
    case 'flap':
      return Math.ceil((event.to - event.from) / event.every) + 1;
    case 'churn':
      return 2 * Math.ceil((event.to - event.from) / event.every);
    case 'crash':
      return 2;
    case 'partition':
    case 'heal':
    case 'set-link':
    case 'set-path':
      return 1;
  }
}

/** The changes of a run, in order. The events must have passed checkEvents(). */
export function timelineOf(events: readonly ScenarioEvent[], topology: Topology, seed: number): Timeline {
  const planned = events
    .flatMap((event, position) => unroll(event, topology, seed, position))
    // Stable: what comes at one instant stays in the order of the list.
    .sort((a, b) => a.at - b.at || a.event - b.event);
  const state = new NetworkState(topology, events);
  return planned.flatMap((action) => state.apply(action));
}

function unroll(event: ScenarioEvent, topology: Topology, seed: number, position: number): Planned[] {
  const planned = (at: number, action: Action): Planned => ({ at, event: position, ...action });
  const named = (names: readonly string[]) => [
    ...new Set(names.flatMap((name) => hostsNamed(topology, name))),
  ];
  switch (event.kind) {
    case 'partition':
      return [planned(event.at, { kind: 'partition', pairs: betweenGroups(event.groups.map(named)) })];
    case 'heal':
      return [
        planned(event.at, {
          kind: 'heal',
          ...(event.groups.length === 0 ? {} : { pairs: betweenGroups(event.groups.map(named)) }),
        }),
      ];
    case 'flap': {
      const pairs = pairsOf(topology, event.pair);
      return toggles(event).map(({ at, down }) =>
        planned(at, down ? { kind: 'down', pairs } : { kind: 'up' }),
      );
    }
    case 'set-link': {
      const { property, value: rate } = event;
      return [
        planned(event.at, {
          kind: 'set',
          links: named([event.name]).map((host) => ({ host, property, rate })),
        }),
      ];
    }
    case 'set-path': {
      const { property, value } = event;
      return [planned(event.at, { kind: 'set', pairs: pairsOf(topology, event.pair), property, value })];
    }
    case 'crash':
      return outage(topology, named(event.names), event).map(({ at, action }) => planned(at, action));
    case 'churn': {
      const random = new Random(seed, `churn of event ${position}`);
      const hosts = named(event.names);
      return churnInstants(event).flatMap((at) => {
        const victim = hosts[random.integer(hosts.length)]!;
        return outage(topology, [victim], { at, outage: event.outage }).map((one) =>
          planned(one.at, one.action),
        );
      });
    }
  }
}

/** When a flap's link goes down and comes up; it is up at the end. */
function toggles({ from, to, every }: FlapEvent): { readonly at: number; readonly down: boolean }[] {
  const found: { at: number; down: boolean }[] = [];
  for (let count = 0; from + count * every < to; count++)
    found.push({ at: from + count * every, down: count % 2 === 0 });
  if (found.at(-1)?.down === true) found.push({ at: to, down: false });
  return found;
}

/** When somebody crashes; the last one is back at the end. */
function churnInstants({ from, to, every, outage: away }: ChurnEvent): number[] {
  const found: number[] = [];
  for (let count = 0; from + count * every + away <= to; count++) found.push(from + count * every);
  return found;
}

function outage(
  topology: Topology,
  hosts: readonly number[],
  { at, outage: away }: { readonly at: number; readonly outage: number },
): { readonly at: number; readonly action: Action }[] {
  const everybody = [...hostsOf(topology).keys()];
  const pairs = betweenGroups([hosts, everybody.filter((host) => !hosts.includes(host))]).concat(
    hosts.flatMap((host, index) => hosts.slice(index + 1).map((other) => pair(host, other))),
  );
  return [
    { at, action: { kind: 'crash', hosts, pairs } },
    { at: at + away, action: { kind: 'return', hosts, pairs } },
  ];
}

const pair = (a: number, b: number): HostPair => (a < b ? [a, b] : [b, a]);

/** The pairs of hosts of different groups. */
function betweenGroups(groups: readonly (readonly number[])[]): HostPair[] {
  return groups.flatMap((group, index) =>
    group.flatMap((host) =>
      groups.slice(index + 1).flatMap((other) => other.map((peer) => pair(host, peer))),
    ),
  );
}

/** The pairs with one host of each name. */
export function pairsOf(topology: Topology, [a, b]: NamePair): HostPair[] {
  const others = hostsNamed(topology, b);
  const pairs = hostsNamed(topology, a).flatMap((host) =>
    others.filter((other) => other !== host).map((other) => pair(host, other)),
  );
  return [...new Map(pairs.map((one) => [keyOf(one), one])).values()];
}

const keyOf = ([a, b]: HostPair): string => `${a} ${b}`;

/** The path with another value of one of its properties. */
function withProperty(path: Path, property: PathProperty, value: number): Path {
  switch (property) {
    case 'jitter':
      return { ...path, jitter: value === 0 ? { kind: 'none' } : { kind: 'uniform', halfWidth: value } };
    case 'loss':
      return { ...path, loss: { kind: 'bernoulli', probability: value } };
    case 'delay':
    case 'duplicate':
    case 'reorder':
    case 'corrupt':
      return { ...path, [property]: value };
  }
}

/** What the network is like at an instant, and who has made it so. */
class NetworkState {
  readonly #events: readonly ScenarioEvent[];
  readonly #paths: Path[][];
  /** By event: the pairs that it keeps cut. */
  readonly #cutBy = new Map<number, Map<string, HostPair>>();
  /** By flap: the pairs that a heal has taken out of it. */
  readonly #healed = new Map<number, Set<string>>();

  constructor(topology: Topology, events: readonly ScenarioEvent[]) {
    this.#events = events;
    this.#paths = topology.paths.map((row) => [...row]);
  }

  apply(planned: Planned): Change[] {
    const { at, event, kind } = planned;
    const change: Change = { at, kind, event, cut: [], joined: [], links: [], paths: [], hosts: [] };
    switch (kind) {
      case 'partition':
        return [{ ...change, cut: this.#cut(event, planned.pairs) }];
      case 'heal':
        return [{ ...change, joined: this.#heal(at, planned.pairs) }];
      case 'down': {
        const healed = this.#healed.get(event);
        const pairs = planned.pairs.filter((one) => !(healed?.has(keyOf(one)) ?? false));
        return pairs.length === 0 ? [] : [{ ...change, cut: this.#cut(event, pairs) }];
      }
      case 'up':
        return this.#cutBy.has(event) ? [{ ...change, joined: this.#join([event]) }] : [];
      case 'set':
        if ('links' in planned) return [{ ...change, links: planned.links }];
        return [{ ...change, paths: this.#set(planned.pairs, planned.property, planned.value) }];
      case 'crash':
        return [{ ...change, hosts: planned.hosts, cut: this.#cut(event, planned.pairs) }];
      case 'return':
        return [{ ...change, hosts: planned.hosts, joined: this.#join([event], planned.pairs) }];
    }
  }

  #isCut(key: string): boolean {
    return [...this.#cutBy.values()].some((pairs) => pairs.has(key));
  }

  /** Returns the pairs that nobody had cut before. */
  #cut(event: number, pairs: readonly HostPair[]): HostPair[] {
    const fresh = pairs.filter((one) => !this.#isCut(keyOf(one)));
    const own = this.#cutBy.get(event) ?? new Map<string, HostPair>();
    for (const one of pairs) own.set(keyOf(one), one);
    this.#cutBy.set(event, own);
    return fresh;
  }

  /** Has these events let go of these pairs, or of all; returns the pairs that nobody cuts any more. */
  #join(events: readonly number[], pairs?: readonly HostPair[]): HostPair[] {
    const letGo = new Map<string, HostPair>();
    for (const event of events) {
      const own = this.#cutBy.get(event);
      if (own === undefined) continue;
      for (const one of pairs ?? [...own.values()]) if (own.delete(keyOf(one))) letGo.set(keyOf(one), one);
      if (own.size === 0) this.#cutBy.delete(event);
    }
    return [...letGo.values()].filter((one) => !this.#isCut(keyOf(one)));
  }

  /** Ends partitions and the flaps that are going on, not crashes. */
  #heal(at: number, pairs: readonly HostPair[] | undefined): HostPair[] {
    for (const [position, event] of this.#events.entries()) {
      if (event.kind !== 'flap' || event.from > at || event.to <= at) continue;
      const healed = this.#healed.get(position) ?? new Set<string>();
      for (const one of pairs ?? this.#allPairs()) healed.add(keyOf(one));
      this.#healed.set(position, healed);
    }
    const causes = [...this.#cutBy.keys()].filter((position) => {
      const { kind } = this.#events[position]!;
      return kind === 'partition' || kind === 'flap';
    });
    return this.#join(causes, pairs);
  }

  #allPairs(): HostPair[] {
    return this.#paths.flatMap((_, a) =>
      this.#paths.slice(a + 1).map((_, index): HostPair => [a, a + 1 + index]),
    );
  }

  #set(pairs: readonly HostPair[], property: PathProperty, value: number): Change['paths'] {
    return pairs
      .flatMap(([a, b]) => [
        [a, b],
        [b, a],
      ])
      .map(([from, to]) => {
        const path = withProperty(this.#paths[from!]![to!]!, property, value);
        this.#paths[from!]![to!] = path;
        return { from: from!, to: to!, path };
      });
  }
}
