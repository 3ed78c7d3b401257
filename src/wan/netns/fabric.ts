/**
 * The `netns` fabric: every node in a Linux network namespace of its own, on one bridge.
 *
 *     namespace of node 0                     namespace of the switch            namespace of node 1
 *     program ─► wan0 ─► shaper ─► wan0 ─► eth0 ───── mesh0 (bridge) ───── eth0 ─► wan0 ─► shaper ─► wan0 ─► program
 *                                                        │
 *                                                     tcpdump
 *
 * Policy routing sends what the node originates into the TUN device wan0, where the shaper reads it; written
 * back, the kernel forwards it out of eth0. What arrives on eth0 takes the same loop before it is
 * delivered. So each packet crosses the bridge once, at MTU size, between the nodes' own addresses, and
 * TCP on both sides lives through every delay, queue and loss. The nodes' addresses are resolved by fixed
 * neighbour entries: no ARP blurs the capture.
 *
 * All namespaces are anonymous (see namespace.ts): a crash leaves nothing behind.
 */
import { closeSync } from 'node:fs';
import { messageOf, RunError } from '../../errors.js';
import type { Node, Topology } from '../../scenario/topology.js';
import {
  MESH_PORT,
  type CaptureRequest,
  type CaptureResult,
  type Fabric,
  type Lateness,
  type NodeCounters,
  type Placement,
  type RunningCapture,
} from '../fabric.js';
import { Shaper, type ShaperPort } from '../shaper/shaper.js';
import { Namespace } from './namespace.js';
import { findProgram } from './programs.js';
import { openTun } from './syscalls.js';
import { startTcpdump } from './tcpdump.js';

export interface NetnsOptions {
  readonly topology: Topology;
  readonly seed: number;
  /** TCP congestion control of all nodes. */
  readonly congestion: 'cubic' | 'reno' | 'bbr';
  /** Whether TCP forgets its window after an idle time (Linux default: yes). */
  readonly slowStartAfterIdle: boolean;
  /** Segments that a new TCP connection sends before it has heard anything (Linux default: 10). */
  readonly initialWindow: number;
}

const BRIDGE = 'mesh0';
/** Routing tables of each node: what it sends, and what it receives, goes to wan0. */
const SEND_TABLE = 100;
const RECEIVE_TABLE = 101;
/** Packets the kernel keeps for the shaper's thread: deep, so that drops happen in the modelled queue only. */
const TUN_QUEUE = 10_000;
/** Socket buffers up to this size: room for 1 Gbit/s at 250 ms. */
const LARGEST_WINDOW = 32 * 1024 * 1024;

export class NetnsFabric implements Fabric {
  readonly kind = 'netns';
  readonly packetLevel = true;
  readonly topology: Topology;
  readonly placements: readonly Placement[];
  readonly #switch: Namespace;
  readonly #rooms: readonly Room[];
  readonly #shaper: Shaper;
  readonly #captures = new Set<RunningCapture>();
  #closed: Promise<void> | undefined;

  private constructor(topology: Topology, hub: Namespace, rooms: readonly Room[], shaper: Shaper) {
    this.topology = topology;
    this.#switch = hub;
    this.#rooms = rooms;
    this.#shaper = shaper;
    const peers = topology.nodes.map((node) => ({ host: node.address, port: MESH_PORT }));
    this.placements = rooms.map((room, rank) => ({
      rank,
      namespaceFd: room.namespace.fd,
      packetLevel: true,
      listen: { host: topology.nodes[rank]!.address, port: MESH_PORT },
      peers,
    }));
  }

  static async create(options: NetnsOptions): Promise<NetnsFabric> {
    const { topology } = options;
    const rooms: Room[] = [];
    const hub = Namespace.create('the switch');
    try {
      hub.ip([
        'link set lo up',
        `link add ${BRIDGE} type bridge`,
        `link set ${BRIDGE} mtu ${topology.mtu} up`,
      ]);
      for (const node of topology.nodes) rooms.push(furnish(node, hub, options));
      const ports: ShaperPort[] = rooms.map((room, rank) => ({ rank, fd: room.tun }));
      const shaper = await Shaper.start(topology, ports, options.seed);
      return new NetnsFabric(topology, hub, rooms, shaper);
    } catch (error) {
      for (const room of rooms) vacate(room);
      hub.close();
      throw error;
    }
  }

  get description(): string {
    const priority = this.#shaper.realTime ? 'real-time' : 'normal';
    return `one Linux network namespace per node, packets shaped in user space (TUN; ${priority} priority)`;
  }

  counters(): NodeCounters[] {
    return this.#shaper.meters.counters();
  }

  lateness(): Lateness {
    return this.#shaper.meters.lateness();
  }

  async capture(request: CaptureRequest): Promise<RunningCapture> {
    const tcpdump = request.kind === 'shaper' ? undefined : findProgram('tcpdump');
    if (request.kind === 'tcpdump' && tcpdump === undefined) {
      throw new RunError('capture.kind is tcpdump, but tcpdump is not installed; allowed here: auto, shaper');
    }
    const running =
      tcpdump === undefined
        ? await this.#record(request)
        : await startTcpdump({
            ...request,
            tcpdump,
            namespace: this.#switch,
            interface: BRIDGE,
            topology: this.topology,
          });
    this.#captures.add(running);
    return running;
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #record(request: CaptureRequest): Promise<RunningCapture> {
    await this.#shaper.record(
      { file: request.file, snaplen: request.snaplen, comment: request.comment },
      request.onFailure,
    );
    const before = this.#emitted();
    let stopped: Promise<CaptureResult> | undefined;
    return {
      kind: 'shaper',
      packets: () => this.#emitted() - before,
      stop: () => (stopped ??= this.#shaper.stopRecording().then((packets) => ({ packets, missed: 0 }))),
    };
  }

  #emitted(): number {
    return this.counters().reduce((sum, node) => sum + node.egressPackets, 0);
  }

  async #end(): Promise<void> {
    for (const capture of this.#captures) await capture.stop().catch(() => undefined);
    await this.#shaper.close();
    for (const room of this.#rooms) vacate(room);
    this.#switch.close();
  }
}

/** A node's namespace and the descriptor of its TUN device. */
interface Room {
  readonly namespace: Namespace;
  readonly tun: number;
}

function vacate(room: Room): void {
  closeSync(room.tun);
  room.namespace.close();
}

/** A fixed hardware address for each rank, from the range for local use. */
function hardwareAddress(rank: number): string {
  return ['02', '4d', '42', '00', hex(rank >> 8), hex(rank & 255)].join(':');
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

function furnish(node: Node, hub: Namespace, options: NetnsOptions): Room {
  const namespace = Namespace.create(`node ${node.name}`);
  let tun: number | undefined;
  try {
    tun = namespace.inside(() => openTun('wan0'));
    hub.ip([
      `link add veth${node.rank} type veth peer name eth0 netns ${namespace.path}`,
      `link set veth${node.rank} mtu ${options.topology.mtu} master ${BRIDGE} up`,
    ]);
    namespace.sysctl(kernelSettings(options));
    namespace.ip(addressing(node, options));
    return { namespace, tun };
  } catch (error) {
    if (tun !== undefined) closeSync(tun);
    namespace.close();
    throw error instanceof RunError ? error : new RunError(`node ${node.name}: ${messageOf(error)}`);
  }
}

function kernelSettings(options: NetnsOptions): Record<string, string> {
  const forwarding = Object.fromEntries(
    ['all', 'default', 'eth0', 'wan0'].flatMap((device) => [
      [`net/ipv4/conf/${device}/rp_filter`, '0'],
      [`net/ipv4/conf/${device}/accept_local`, '1'],
      [`net/ipv4/conf/${device}/send_redirects`, '0'],
    ]),
  ) as Record<string, string>;
  return {
    // Neighbour discovery and router solicitations would be in the capture and are nobody's training.
    'net/ipv6/conf/all/disable_ipv6': '1',
    'net/ipv6/conf/default/disable_ipv6': '1',
    'net/ipv4/ip_forward': '1',
    // A probe's fate must not set the first window of the connection that trains.
    'net/ipv4/tcp_no_metrics_save': '1',
    // Otherwise the kernel pairs an arriving packet with its socket before routing, and then won't forward it.
    'net/ipv4/ip_early_demux': '0',
    ...forwarding,
    'net/ipv4/tcp_slow_start_after_idle': options.slowStartAfterIdle ? '1' : '0',
    'net/ipv4/tcp_rmem': `4096 1048576 ${LARGEST_WINDOW}`,
    'net/ipv4/tcp_wmem': `4096 1048576 ${LARGEST_WINDOW}`,
  };
}

function addressing(node: Node, options: NetnsOptions): string[] {
  const { topology, congestion, initialWindow } = options;
  const tcp = `congctl ${congestion} initcwnd ${initialWindow} initrwnd ${Math.max(initialWindow, 20)}`;
  const others = topology.nodes.filter((other) => other.rank !== node.rank);
  return [
    'link set lo up',
    `link set eth0 address ${hardwareAddress(node.rank)} mtu ${topology.mtu} up`,
    `link set wan0 mtu ${topology.mtu} txqueuelen ${TUN_QUEUE} up`,
    `addr add ${node.address}/16 dev eth0`,
    ...others.map(
      (other) => `neigh add ${other.address} lladdr ${hardwareAddress(other.rank)} dev eth0 nud permanent`,
    ),
    // TCP is set by route: the sysctl is closed to namespaces for algorithms the host has not allowed to all.
    `route add 10.77.0.0/16 dev wan0 src ${node.address} ${tcp} table ${SEND_TABLE}`,
    `route add default dev wan0 table ${RECEIVE_TABLE}`,
    // The kernel delivers packets to its own addresses before any other rule unless that rule comes later.
    `rule add pref 5 iif lo to ${node.address} lookup local`,
    `rule add pref 10 iif lo to 10.77.0.0/16 lookup ${SEND_TABLE}`,
    `rule add pref 20 iif eth0 lookup ${RECEIVE_TABLE}`,
    'rule add pref 30 lookup local',
    'rule del pref 0 lookup local',
  ];
}
