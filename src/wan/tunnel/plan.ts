/**
 * Who has a tunnel to whom: the tunnels of a mesh as data, from the topology alone.
 *
 *     full mesh      a ═══ b        hub      a ═══ hub ═══ b        relays      a ═══ r1 ═══ r2 ═══ b
 *                     ╲   ╱                         ║
 *                       c                           c
 *
 * Think of the network outside as streets and of the tunnels as pipes below them. Hosts of the mesh are at ends of
 * pipes and have a second address for what goes through them (the overlay). Relays only pass on what they can't
 * read: they have no such address. Every pipe has a lower and an upper end; where one end must wait for the other's
 * call, as OpenVPN's server does, it is the lower one, or the hub.
 *
 * Pure: which kernel or program carries it out is told elsewhere.
 */
import { hostsOf, type Topology, type TunnelKind, type TunnelLayout } from '../../scenario/topology.js';
import { innerMtu } from './framing.js';

/** What all overlay addresses are in. */
export const OVERLAY_NETWORK = '10.78.0.0/16';
export const OVERLAY_MASK = '255.255.0.0';

/** Address inside the tunnel of a host, by its position; none ends in .0 or .255. */
export const overlayAddress = (position: number): string =>
  `10.78.${Math.floor(position / 254)}.${(position % 254) + 1}`;

/** Where programs of the mesh listen and dial, by position: inside the tunnel, if there is one. */
export const meshAddresses = (topology: Topology): string[] =>
  hostsOf(topology).map(({ address }, position) =>
    topology.tunnel === undefined ? address : overlayAddress(position),
  );

/** A tunnel between two hosts, by position. */
export interface TunnelLink {
  /** Number of the tunnel, from 0: with relays, which of their ports is its. */
  readonly index: number;
  /** Waits for the call. */
  readonly server: number;
  readonly client: number;
}

/** An address and a UDP port outside. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Somebody at the other end of a tunnel. */
export interface TunnelPeer {
  readonly position: number;
  readonly name: string;
  /** Outside. A certificate bears it as its name, since a node that joins knows no other of its own. */
  readonly outerAddress: string;
  /** Where to send tunnel packets for it. */
  readonly endpoint: Endpoint;
  /** Whether this end waits for its call. */
  readonly calls: boolean;
  /** Whom one reaches through it: addresses or networks of the overlay. */
  readonly reaches: readonly string[];
}

/** One host's end of all its tunnels. */
export interface TunnelEndPlan {
  readonly kind: TunnelKind;
  readonly position: number;
  readonly name: string;
  /** Inside the tunnel. */
  readonly address: string;
  /** Bytes of the largest IP packet inside. */
  readonly mtu: number;
  /** UDP port outside. */
  readonly port: number;
  /** Seconds. */
  readonly keepalive: number;
  /** Whether it passes on what its peers send each other. */
  readonly forwards: boolean;
  readonly peers: readonly TunnelPeer[];
}

/** A relay's part in one tunnel: what comes from one side goes on to the other. */
export interface RelaySession {
  readonly port: number;
  readonly sides: readonly [Endpoint, Endpoint];
}

/** Everybody with an address inside: all but the relays. */
export function membersOf(topology: Topology, { relays }: TunnelLayout): number[] {
  return [...hostsOf(topology).keys()].filter((position) => !relays.includes(position));
}

/** All tunnels. Of a full mesh the one with the lower position waits. */
export function linksOf(topology: Topology, layout: TunnelLayout): TunnelLink[] {
  const members = membersOf(topology, layout);
  const { hub } = layout;
  const pairs =
    hub === undefined
      ? members.flatMap((server, index) => members.slice(index + 1).map((client) => ({ server, client })))
      : members.filter((member) => member !== hub).map((client) => ({ server: hub, client }));
  return pairs.map((pair, index) => ({ index, ...pair }));
}

/**
 * The hosts on the way of a tunnel, its ends among them, from the side that the relays are counted from: the lower end
 * of a mesh's tunnel, the node's end of a hub's.
 */
export function stationsOf({ server, client }: TunnelLink, { hub, relays }: TunnelLayout): number[] {
  return hub === undefined ? [server, ...relays, client] : [client, ...relays, server];
}

/** The end of one member. */
export function endPlan(topology: Topology, layout: TunnelLayout, position: number): TunnelEndPlan {
  const hosts = hostsOf(topology);
  const { kind, hub, port, keepalive } = layout;
  const ofMine = linksOf(topology, layout).filter(
    ({ server, client }) => server === position || client === position,
  );
  const peers = ofMine.map((link): TunnelPeer => {
    const calls = link.server === position;
    const peer = calls ? link.client : link.server;
    const stations = stationsOf(link, layout);
    const next = stations[0] === position ? stations[1]! : stations.at(-2)!;
    return {
      position: peer,
      name: hosts[peer]!.name,
      outerAddress: hosts[peer]!.address,
      endpoint: endpointOf(topology, layout, link, next),
      calls,
      reaches: peer === hub ? [OVERLAY_NETWORK] : [`${overlayAddress(peer)}/32`],
    };
  });
  return {
    kind,
    position,
    name: hosts[position]!.name,
    address: overlayAddress(position),
    mtu: innerMtu(topology.mtu),
    port,
    keepalive,
    forwards: position === hub,
    peers,
  };
}

/** What one relay passes on: a session for each tunnel, each on a port of its own. */
export function relaySessions(topology: Topology, layout: TunnelLayout, relay: number): RelaySession[] {
  return linksOf(topology, layout).map((link) => {
    const stations = stationsOf(link, layout);
    const at = stations.indexOf(relay);
    const [before, after] = [stations[at - 1]!, stations[at + 1]!];
    return {
      port: layout.port + link.index,
      sides: [endpointOf(topology, layout, link, before), endpointOf(topology, layout, link, after)],
    };
  });
}

/** Where a station of a tunnel takes its packets. */
function endpointOf(topology: Topology, layout: TunnelLayout, link: TunnelLink, station: number): Endpoint {
  const isRelay = layout.relays.includes(station);
  return {
    host: hostsOf(topology)[station]!.address,
    port: isRelay ? layout.port + link.index : layout.port,
  };
}
