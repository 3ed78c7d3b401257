/**
 * The WAN as qdiscs: which goes on which device, as lines of `tc -batch`. Nothing here runs them.
 *
 *     namespace of node 0                         the switch                          namespace of node 1
 *     program ─► eth0 ════════════► veth0 ─► up0 ─► mesh0 (bridge) ─► veth1 ════════════► eth0 ─► down0 ─► program
 *                path, if held here          uplink                   path, if held here           downlink
 *
 * There are two kinds of places. What a device sends passes its root qdisc, an HTB without any limit that is there to
 * sort: each peer has a class with a netem, which holds packets for the path's delay and loses some. What a device
 * receives is sent on at once to an IFB, a device whose only use is the qdisc in front of it: a TBF, which has the rate
 * and the one drop-tail queue of an access link. So a packet meets the same stages in the same order as with the TUN
 * driver (src/wan/shaper/access.ts): path and uplink before the bridge, path and downlink after it.
 *
 * The end that was dialed holds packets in both directions (docs/wan.md says why). The TUN driver learns who dialed from
 * the SYN; a filter keeps no state, so here the ports tell: what goes from a port of the range that systems hand out to
 * clients to one below it goes to the end that was dialed. It passes on its way out and is held after the bridge; all
 * else is held before. The lower end of the range is a power of two, so one bit of each port decides.
 */
import type { Topology } from '../../scenario/topology.js';
import { CABLE, portOf } from '../netns/mesh-bridge.js';
import { BOUNDLESS, netemWords, rateWords } from './words.js';

/** The IFB in front of what a node receives, in its namespace. */
export const DOWNLINK = 'down0';
/** The IFB in front of what the bridge receives from a node, in the namespace of the switch. */
export const uplinkOf = (rank: number): string => `up${rank}`;

/** Ports that the kernel hands out to clients; the lower end is {@link TOWARDS_DIALED}'s bit. */
export const CLIENT_PORTS = '32768 60999';
const TOWARDS_DIALED = 'match ip protocol 6 0xff match ip sport 0x8000 0x8000 match ip dport 0x0000 0x8000';

/** Packets that are waiting for the link level, which takes them at once. */
const DIRECT_QUEUE = 1_000_000;
/** Least and most: a class without a limit that never has to wait for its turn. */
const CLASS = `htb rate ${BOUNDLESS}bit burst 1mb quantum 60000`;

/** What goes into a node's namespace, whose eth0 and down0 must be there. */
export function nodeLines(topology: Topology, rank: number): string[] {
  const node = nodeAt(topology, rank);
  const peers = peersOf(topology, rank);
  return [
    `qdisc add dev ${CABLE} root handle 1: htb default 0 direct_qlen ${DIRECT_QUEUE}`,
    filter(CABLE, 1, TOWARDS_DIALED, 'flowid 1:0'),
    ...peers.flatMap((peer) => [
      ...netemClass(CABLE, peer, topology.paths[rank]?.[peer]),
      filter(CABLE, 2, `match ip dst ${nodeAt(topology, peer).address}/32`, `flowid ${classOf(peer)}`),
    ]),
    ...redirect(CABLE, DOWNLINK),
    `qdisc add dev ${DOWNLINK} root handle 1: tbf ${rateWords(node.downlink, topology.queue, topology.mtu)}`,
  ];
}

/** What goes into the namespace of the switch for one node, whose port and IFB must be there. */
export function portLines(topology: Topology, rank: number): string[] {
  const node = nodeAt(topology, rank);
  const port = portOf(rank);
  const size = topology.nodes.length;
  return [
    `qdisc add dev ${port} root handle 1: htb default 0 direct_qlen ${DIRECT_QUEUE}`,
    ...peersOf(topology, rank).flatMap((peer) => {
      const from = `match ip src ${nodeAt(topology, peer).address}/32`;
      const [held, passing] = meterIndices({ from: peer, to: rank }, size);
      return [
        ...netemClass(port, peer, topology.paths[peer]?.[rank]),
        filter(port, 1, `${from} ${TOWARDS_DIALED}`, `flowid ${classOf(peer)} action ok index ${held}`),
        filter(port, 2, from, `flowid 1:0 action ok index ${passing}`),
      ];
    }),
    ...redirect(port, uplinkOf(rank)),
    `qdisc add dev ${uplinkOf(rank)} root handle 1: tbf ${rateWords(node.uplink, topology.queue, topology.mtu)}`,
  ];
}

export interface Pair {
  readonly from: number;
  readonly to: number;
}

/**
 * The filters that a pair's packets meet when they have crossed the bridge count them, each under an index of its own:
 * these two, for packets that are held there and for those that pass. Index 0 means "any" to the kernel.
 */
export function meterIndices({ from, to }: Pair, size: number): [held: number, passing: number] {
  const first = 2 * (from * size + to) + 2;
  return [first, first + 1];
}

/** The pair whose packets are counted under an index. */
export function pairOfMeter(index: number, size: number): Pair {
  const pair = (index >> 1) - 1;
  return { from: Math.floor(pair / size), to: pair % size };
}

/** Minor numbers of classes are hexadecimal, and 0 is the qdisc itself. */
const classOf = (peer: number): string => `1:${(peer + 1).toString(16)}`;

function netemClass(device: string, peer: number, path: Topology['paths'][number][number] | undefined) {
  if (path === undefined) throw new RangeError(`no path to or from rank ${peer}`);
  return [
    `class add dev ${device} parent 1: classid ${classOf(peer)} ${CLASS}`,
    `qdisc add dev ${device} parent ${classOf(peer)} netem ${netemWords(path)}`,
  ];
}

/** Filters of a lower priority number are asked first. */
const filter = (device: string, priority: number, match: string, then: string): string =>
  `filter add dev ${device} parent 1: protocol ip prio ${priority} u32 ${match} ${then}`;

const redirect = (device: string, ifb: string): string[] => [
  `qdisc add dev ${device} ingress`,
  `filter add dev ${device} parent ffff: protocol ip prio 1 u32 match u32 0 0 action mirred egress redirect dev ${ifb}`,
];

function nodeAt({ nodes }: Topology, rank: number): Topology['nodes'][number] {
  const node = nodes[rank];
  if (node === undefined) throw new RangeError(`no rank ${rank}`);
  return node;
}

const peersOf = ({ nodes }: Topology, rank: number): number[] =>
  nodes.map((node) => node.rank).filter((peer) => peer !== rank);
