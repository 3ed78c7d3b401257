/**
 * The `netns` fabric as the kernel's own qdiscs shape it (`wan.driver: netem`): the same rooms, bridge and cables as
 * with the TUN driver (src/wan/netns/fabric.ts), the same compliance suite, but no thread of ours touches a packet.
 *
 * Which qdisc is where, and why, plan.ts tells. Here they are set up, read and taken down; the namespaces are anonymous,
 * so a crash leaves nothing behind.
 *
 * What it cannot do: say how late packets leave (the kernel counts no such thing), write a capture by itself, change in
 * the middle of a run, or draw its chances from the scenario's seed.
 */
import { InputError, messageOf, RunError } from '../../errors.js';
import { asNetwork, hostsOf, type Node, type Topology } from '../../scenario/topology.js';
import type { CaptureRequest, Fabric, Lateness, NodeCounters, Placement, RunningCapture } from '../fabric.js';
import { tcpWords, type TcpOptions } from '../netns/detour.js';
import { askTc, runTc } from '../netns/ip.js';
import { kernelSettings } from '../netns/kernel.js';
import {
  addressLines,
  CABLE,
  captureBridge,
  createSwitch,
  NETWORK,
  placementsIn,
  plugIn,
  WITHOUT_IPV6,
} from '../netns/mesh-bridge.js';
import { Namespace } from '../netns/namespace.js';
import { findProgram } from '../netns/programs.js';
import { callTool } from '../netns/tool.js';
import { CLIENT_PORTS, DOWNLINK, nodeLines, portLines, uplinkOf } from './plan.js';
import { countersFrom, READ_NODE, READ_SWITCH } from './readings.js';

export interface NetemOptions extends TcpOptions {
  readonly topology: Topology;
}

/** Of a kernel that does not measure it. */
const UNKNOWN_LATENESS: Lateness = { count: 0, p50: 0, p99: 0, max: 0 };

export class NetemFabric implements Fabric {
  readonly kind = 'netns';
  readonly packetLevel = true;
  readonly description = 'one Linux network namespace per node, packets shaped by the kernel (netem and TBF)';
  readonly topology: Topology;
  readonly placements: readonly Placement[];
  readonly #switch: Namespace;
  readonly #rooms: readonly Namespace[];
  readonly #captures = new Set<RunningCapture>();
  /** What was last read; after the end, for good. */
  #counters: NodeCounters[];
  #closed: Promise<void> | undefined;

  private constructor(topology: Topology, hub: Namespace, rooms: readonly Namespace[]) {
    this.topology = topology;
    this.#switch = hub;
    this.#rooms = rooms;
    this.placements = placementsIn(topology, rooms);
    this.#counters = this.#read();
  }

  static create({ topology, ...tcp }: NetemOptions): Promise<NetemFabric> {
    return Promise.resolve().then(() => build(topology, tcp, (...parts) => new NetemFabric(...parts)));
  }

  /** Asks the kernel, in one process for each namespace: some milliseconds each, in which the thread waits. */
  counters(): NodeCounters[] {
    if (this.#closed === undefined) this.#counters = this.#read();
    return this.#counters;
  }

  /** Nothing: the kernel does not tell. Whoever judges a run by it must see that `count` is 0. */
  lateness(): Lateness {
    return UNKNOWN_LATENESS;
  }

  async capture(request: CaptureRequest): Promise<RunningCapture> {
    if (request.kind === 'shaper') {
      throw new InputError(
        'capture.kind: found shaper, but with wan.driver netem the kernel shapes; allowed: auto, tcpdump, none',
      );
    }
    const tcpdump = findProgram('tcpdump');
    if (tcpdump === undefined) throw new RunError("a capture needs the program 'tcpdump' (package tcpdump)");
    const running = await captureBridge(this.#switch, hostsOf(this.topology), tcpdump, request);
    this.#captures.add(running);
    return running;
  }

  /** Refused: see src/scenario/driver-checks.ts, which says so before a run. */
  play(): Promise<void> {
    return Promise.reject(
      new InputError(
        'events: found some, but with wan.driver netem the network does not change; allowed: none',
      ),
    );
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  #read(): NodeCounters[] {
    const hub = this.#switch.inside(() => askTc(READ_SWITCH, this.#switch.label));
    const nodes = this.#rooms.map((room) => room.inside(() => askTc(READ_NODE, room.label)));
    return countersFrom(hub, nodes);
  }

  async #end(): Promise<void> {
    for (const capture of this.#captures) await capture.stop().catch(() => undefined);
    this.#counters = this.#read();
    for (const room of this.#rooms) room.close();
    this.#switch.close();
  }
}

function build(
  topology: Topology,
  tcp: TcpOptions,
  make: (topology: Topology, hub: Namespace, rooms: readonly Namespace[]) => NetemFabric,
): NetemFabric {
  const network = asNetwork(topology);
  const rooms: Namespace[] = [];
  const hub = createSwitch(network.mtu);
  try {
    for (const node of network.nodes) rooms.push(furnish(node, hub, network, tcp));
    return make(topology, hub, rooms);
  } catch (error) {
    for (const room of rooms) room.close();
    hub.close();
    throw error;
  }
}

function furnish(node: Node, hub: Namespace, network: Topology, tcp: TcpOptions): Namespace {
  const room = Namespace.create(`node ${node.name}`);
  const own = { ...tcp, congestion: node.congestion ?? tcp.congestion };
  try {
    plugIn(hub, room, node.rank, network.mtu);
    hub.ip(deviceLines(uplinkOf(node.rank), network.mtu));
    hub.inside(() => runTc(portLines(network, node.rank), `the port of node ${node.name}`));
    room.sysctl({
      ...WITHOUT_IPV6,
      'net/ipv4/ip_local_port_range': CLIENT_PORTS,
      ...kernelSettings(own),
    });
    room.inside(() => callTool(...withoutOffloads(room.label)));
    room.ip([
      ...addressLines(node, network),
      `route replace ${NETWORK} dev ${CABLE} src ${node.address} ${tcpWords(own)}`,
      ...deviceLines(DOWNLINK, network.mtu),
    ]);
    room.inside(() => runTc(nodeLines(network, node.rank), room.label));
    return room;
  } catch (error) {
    room.close();
    throw error instanceof RunError ? error : new RunError(`node ${node.name}: ${messageOf(error)}`);
  }
}

const deviceLines = (device: string, mtu: number): string[] => [
  `link add ${device} type ifb`,
  `link set ${device} mtu ${mtu} up`,
];

/**
 * Otherwise TCP hands its device up to 64 KiB at once, which netem loses or delays as one packet and the capture shows
 * as one; and check sums would be left to a device that is not there.
 */
const withoutOffloads = (place: string): Parameters<typeof callTool> => [
  { program: 'ethtool', source: 'ethtool' },
  ['-K', CABLE, ...['tx', 'sg', 'tso', 'gso', 'gro'].flatMap((feature) => [feature, 'off'])],
  place,
];
