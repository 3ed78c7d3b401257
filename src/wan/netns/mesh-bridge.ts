/**
 * The one place that all packets between the nodes of a machine pass: a bridge in a namespace of its own, the
 * switch, with a cable to each node's namespace.
 *
 *     namespace of node 0        namespace of the switch        namespace of node 1
 *              eth0 ───────── veth0 ── mesh0 (bridge) ── veth1 ───────── eth0
 *                                        │
 *                                     tcpdump
 *
 * Addresses of hosts and of devices are fixed and known to all, by permanent neighbour entries: no ARP blurs the
 * capture. What makes a WAN of these cables is not here; each driver shapes at the places that suit it.
 */
import { type Host, type Node, type Topology } from '../../scenario/topology.js';
import {
  CONTROL_PORT,
  MESH_PORT,
  placementsAt,
  type CaptureRequest,
  type Placement,
  type RunningCapture,
} from '../fabric.js';
import { startTcpdump } from '../tcpdump.js';
import { meshAddresses } from '../tunnel/plan.js';
import { Namespace } from './namespace.js';

export const BRIDGE = 'mesh0';
/** The end of each cable that is in a node's namespace. */
export const CABLE = 'eth0';
/** What all nodes' addresses are in. */
export const NETWORK = '10.77.0.0/16';

/** The end of a node's cable that is a port of the bridge, in the namespace of the switch. */
export const portOf = (rank: number): string => `veth${rank}`;

/** A namespace with the bridge in it and no ports yet. */
export function createSwitch(mtu: number): Namespace {
  const hub = Namespace.create('the switch');
  try {
    hub.ip([
      'link set lo up',
      `link add ${BRIDGE} type bridge mcast_snooping 0`,
      `link set ${BRIDGE} mtu ${mtu} up`,
    ]);
    return hub;
  } catch (error) {
    hub.close();
    throw error;
  }
}

/** Lays a cable from the bridge to a node's namespace. The node's end is still down, and without an address. */
export function plugIn(hub: Namespace, namespace: Namespace, rank: number, mtu: number): void {
  hub.ip([
    `link add ${portOf(rank)} type veth peer name ${CABLE} netns ${namespace.path}`,
    `link set ${portOf(rank)} mtu ${mtu} master ${BRIDGE} up`,
  ]);
}

/** Lines of `ip -batch` that bring a node's end of the cable up and tell it where everybody is. */
export function addressLines(node: Node, { nodes, mtu }: Topology): string[] {
  return [
    'link set lo up',
    `link set ${CABLE} address ${hardwareAddress(node.rank)} mtu ${mtu} up`,
    `addr add ${node.address}/16 dev ${CABLE}`,
    ...nodes
      .filter(({ rank }) => rank !== node.rank)
      .map(
        ({ rank, address }) =>
          `neigh add ${address} lladdr ${hardwareAddress(rank)} dev ${CABLE} nud permanent`,
      ),
  ];
}

/** Neighbour discovery and router solicitations would be in the capture and are nobody's training. */
export const WITHOUT_IPV6 = {
  'net/ipv6/conf/all/disable_ipv6': '1',
  'net/ipv6/conf/default/disable_ipv6': '1',
} as const;

/** Where the hosts of a topology are; `namespaces` by their position. */
export function placementsIn(topology: Topology, namespaces: readonly Namespace[]): Placement[] {
  const addresses = meshAddresses(topology);
  const control = placementsAt(addresses, CONTROL_PORT);
  return placementsAt(addresses, MESH_PORT).map((mesh, rank) => ({
    rank,
    namespaceFd: namespaces[rank]!.fd,
    packetLevel: true,
    ...mesh,
    control: control[rank]!,
  }));
}

/** Has tcpdump, whose path this is, write down all IPv4 packets that cross the bridge. */
export function captureBridge(
  hub: Namespace,
  hosts: readonly Host[],
  tcpdump: string,
  request: CaptureRequest,
): Promise<RunningCapture> {
  return startTcpdump({
    ...request,
    tcpdump,
    namespace: hub,
    interface: BRIDGE,
    filter: 'ip',
    names: new Map(hosts.map(({ address, name }) => [address, name])),
  });
}

/** A fixed hardware address for each rank, from the range for local use. */
function hardwareAddress(rank: number): string {
  return ['02', '4d', '42', '00', hex(rank >> 8), hex(rank & 255)].join(':');
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
