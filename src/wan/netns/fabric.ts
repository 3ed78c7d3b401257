/**
 * The `netns` fabric: every node in a Linux network namespace of its own, on one bridge.
 *
 *     namespace of node 0                     namespace of the switch            namespace of node 1
 *     program ─► wan0 ─► shaper ─► wan0 ─► eth0 ───── mesh0 (bridge) ───── eth0 ─► wan0 ─► shaper ─► wan0 ─► program
 *                                                        │
 *                                                     tcpdump
 *
 * Policy routing (detour.ts) sends what the node originates into the TUN device wan0, where the shaper reads
 * it; written back, the kernel forwards it out of eth0. What arrives on eth0 takes the same loop before it is
 * delivered. So each packet crosses the bridge once, at MTU size, between the nodes' own addresses, and
 * TCP on both sides lives through every delay, queue and loss. The nodes' addresses are resolved by fixed
 * neighbour entries: no ARP blurs the capture.
 *
 * All namespaces are anonymous (see namespace.ts): a crash leaves nothing behind.
 */
import { closeSync } from 'node:fs';
import { Deferred } from '../../deferred.js';
import { messageOf, RunError } from '../../errors.js';
import { asNetwork, hostsOf, type Node, type Topology } from '../../scenario/topology.js';
import type { Timeline } from '../../scenario/events/change.js';
import type { AppliedListener } from '../agenda.js';
import type {
  CaptureRequest,
  CaptureResult,
  Fabric,
  Lateness,
  NodeCounters,
  Placement,
  RunningCapture,
} from '../fabric.js';
import { Shaper, type ShaperPort } from '../shaper/shaper.js';
import { MeshTunnel } from '../tunnel/mesh-tunnel.js';
import { detourLines, SHAPED_DEVICE, type TcpOptions } from './detour.js';
import { kernelSettings } from './kernel.js';
import {
  addressLines,
  CABLE,
  captureBridge,
  createSwitch,
  NETWORK,
  placementsIn,
  plugIn,
  WITHOUT_IPV6,
} from './mesh-bridge.js';
import { Namespace } from './namespace.js';
import { findProgram } from './programs.js';
import { openTun } from './syscalls.js';

export interface NetnsOptions extends TcpOptions {
  readonly topology: Topology;
  readonly seed: number;
}

export class NetnsFabric implements Fabric {
  readonly kind = 'netns';
  readonly packetLevel = true;
  readonly topology: Topology;
  readonly placements: readonly Placement[];
  readonly #switch: Namespace;
  readonly #rooms: readonly Room[];
  readonly #shaper: Shaper;
  readonly #tunnel: MeshTunnel | undefined;
  readonly failure: Promise<never>;
  readonly #captures = new Set<RunningCapture>();
  #closed: Promise<void> | undefined;

  private constructor({ topology, hub, rooms, shaper, tunnel, failure }: Parts) {
    this.topology = topology;
    this.#tunnel = tunnel;
    this.failure = failure;
    this.#switch = hub;
    this.#rooms = rooms;
    this.#shaper = shaper;
    this.placements = placementsIn(
      topology,
      rooms.map(({ namespace }) => namespace),
    );
  }

  static async create({ topology, ...others }: NetnsOptions): Promise<NetnsFabric> {
    const network = asNetwork(topology);
    const rooms: Room[] = [];
    const hub = createSwitch(network.mtu);
    let shaper: Shaper | undefined;
    try {
      for (const node of network.nodes) rooms.push(furnish(node, hub, { topology: network, ...others }));
      const ports: ShaperPort[] = rooms.map((room, rank) => ({ rank, fd: room.tun }));
      shaper = await Shaper.start(network, ports, others.seed);
      const broken = new Deferred<never>();
      broken.promise.catch(() => undefined); // Nobody may be listening when it happens.
      const tunnel = await openTunnel(topology, rooms, others, (error) => broken.reject(error));
      return new NetnsFabric({ topology, hub, rooms, shaper, tunnel, failure: broken.promise });
    } catch (error) {
      await shaper?.close();
      for (const room of rooms) vacate(room);
      hub.close();
      throw error;
    }
  }

  get description(): string {
    const priority = this.#shaper.realTime ? 'real-time' : 'normal';
    return `one Linux network namespace per node, packets shaped in user space (TUN; ${priority} priority)`;
  }

  get tunnel(): string | undefined {
    return this.#tunnel?.implementation;
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
        : await captureBridge(this.#switch, hostsOf(this.topology), tcpdump, request);
    this.#captures.add(running);
    return running;
  }

  play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void> {
    return this.#shaper.play(timeline, origin, onApplied);
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
    await this.#tunnel?.close();
    await this.#shaper.close();
    for (const room of this.#rooms) vacate(room);
    this.#switch.close();
  }
}

interface Parts {
  readonly topology: Topology;
  readonly hub: Namespace;
  readonly rooms: readonly Room[];
  readonly shaper: Shaper;
  readonly tunnel: MeshTunnel | undefined;
  readonly failure: Promise<never>;
}

async function openTunnel(
  topology: Topology,
  rooms: readonly Room[],
  tcp: TcpOptions,
  onFailure: (error: Error) => void,
): Promise<MeshTunnel | undefined> {
  const { tunnel: layout } = topology;
  if (layout === undefined) return undefined;
  const places = rooms.map(({ namespace }) => namespace);
  return MeshTunnel.open({ topology, layout, places, tcp, onFailure });
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

function furnish(node: Node, hub: Namespace, options: NetnsOptions): Room {
  const namespace = Namespace.create(`node ${node.name}`);
  let tun: number | undefined;
  try {
    tun = namespace.inside(() => openTun(SHAPED_DEVICE));
    plugIn(hub, namespace, node.rank, options.topology.mtu);
    namespace.sysctl(settingsOf(options));
    namespace.ip(addressing(node, options));
    return { namespace, tun };
  } catch (error) {
    if (tun !== undefined) closeSync(tun);
    namespace.close();
    throw error instanceof RunError ? error : new RunError(`node ${node.name}: ${messageOf(error)}`);
  }
}

function settingsOf(options: NetnsOptions): Record<string, string> {
  const forwarding = Object.fromEntries(
    ['all', 'default', CABLE, SHAPED_DEVICE].flatMap((device) => [
      [`net/ipv4/conf/${device}/rp_filter`, '0'],
      [`net/ipv4/conf/${device}/accept_local`, '1'],
      [`net/ipv4/conf/${device}/send_redirects`, '0'],
    ]),
  ) as Record<string, string>;
  return {
    ...WITHOUT_IPV6,
    'net/ipv4/ip_forward': '1',
    ...forwarding,
    ...kernelSettings(options),
  };
}

function addressing(node: Node, options: NetnsOptions): string[] {
  return [
    ...addressLines(node, options.topology),
    ...detourLines({
      address: node.address,
      device: CABLE,
      mtu: options.topology.mtu,
      destinations: [NETWORK],
      sources: 'all',
      tcp: { ...options, congestion: node.congestion ?? options.congestion },
    }),
  ];
}
