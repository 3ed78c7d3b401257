/**
 * A node's own access to the WAN: the shaper of one node, in a network namespace that others made.
 *
 * The fabric `netns` builds a room for each node and furnishes it. Here the room is there already, a
 * container with an interface to the mesh or a whole machine, and the node furnishes it from inside: a TUN
 * device, a detour through it (src/wan/netns/detour.ts) for what passes between this node and its peers, and a
 * thread that shapes. Peers may be anywhere that can be routed to. All other traffic, the orchestrator's,
 * Prometheus', DNS, goes its usual way, even over the same interface.
 *
 * It needs the capability NET_ADMIN and the device /dev/net/tun. Its owner closes it, and then the namespace
 * is as it was. What a process that was killed has left there, the next one removes.
 */
import { closeSync } from 'node:fs';
import { messageOf, RunError } from '../../errors.js';
import type { Topology } from '../../scenario/topology.js';
import type { Timeline } from '../../scenario/events/change.js';
import type { AppliedListener } from '../agenda.js';
import { CONTROL_PORT, MESH_PORT, placementsAt, type NodeCounters, type Placement } from '../fabric.js';
import type { Meters } from '../meters.js';
import {
  detourLines,
  SHAPED_DEVICE,
  withoutDetourLines,
  type RuleShown,
  type TcpOptions,
} from '../netns/detour.js';
import { askIp, runIp } from '../netns/ip.js';
import { openTun, SystemCallError } from '../netns/syscalls.js';
import { Shaper } from '../shaper/shaper.js';
import { meshAddresses } from '../tunnel/plan.js';
import { mtuOf, ownAddresses } from './mesh-address.js';
import { furnishSettings, procSys } from './settings.js';

export interface OwnAccessOptions {
  readonly topology: Topology;
  /** Which node of the topology this is; its address there must be one of `interface`. */
  readonly rank: number;
  readonly seed: number;
  /** The interface to the mesh. */
  readonly interface: string;
  readonly tcp: TcpOptions;
}

/** What error messages call the place. */
const HERE = 'this node';

export class OwnAccess {
  readonly placement: Placement;
  /** Meters of the whole mesh, of which only this node's run. */
  readonly meters: Meters;
  readonly #shaper: Shaper;
  readonly #undo: () => void;
  #closed: Promise<void> | undefined;

  private constructor(options: OwnAccessOptions, shaper: Shaper, undo: () => void) {
    const { topology, rank } = options;
    const addresses = meshAddresses(topology);
    const control = placementsAt(addresses, CONTROL_PORT)[rank]!;
    this.placement = { rank, packetLevel: true, ...placementsAt(addresses, MESH_PORT)[rank]!, control };
    this.meters = shaper.meters;
    this.#shaper = shaper;
    this.#undo = undo;
  }

  /**
   * Furnishes the network namespace of the calling thread. Throws a RunError that says what is missing, and
   * leaves everything as it was then.
   */
  static async open(options: OwnAccessOptions): Promise<OwnAccess> {
    checkInterface(options);
    const steps: (() => void)[] = [];
    const undo = (): void => undoAll(steps.splice(0));
    try {
      const tun = claimDevice();
      steps.push(() => closeSync(tun));
      steps.push(furnishSettings(options.interface, options.tcp, procSys));
      removeDetour();
      steps.push(removeDetour);
      runIp(linesFor(options), HERE);
      const ports = [{ rank: options.rank, fd: tun }];
      return new OwnAccess(options, await Shaper.start(options.topology, ports, options.seed), undo);
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Whether the shaper's thread got real-time priority. */
  get realTime(): boolean {
    return this.#shaper.realTime;
  }

  /** Why the shaper's thread died, if it did. */
  get failure(): Error | undefined {
    return this.#shaper.failure;
  }

  /** Has this node's part of the network change as a timeline says; see Shaper.play(). */
  play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void> {
    return this.#shaper.play(timeline, origin, onApplied);
  }

  /** Counters of this node since it opened. */
  counters(): NodeCounters {
    return this.meters.countersOf(this.placement.rank);
  }

  /** How late packets left here, for `latenessOf` (src/wan/meters.ts). */
  latenessHistogram(): Float64Array {
    return this.meters.latenessHistogram();
  }

  /**
   * Ends the shaper and leaves the namespace as it was; safe to call twice. Connections between nodes that
   * are still open go on unshaped.
   */
  close(): Promise<void> {
    this.#closed ??= this.#shaper.close().finally(this.#undo);
    return this.#closed;
  }
}

/** Undoes what was done, the latest first: every step, even if one fails. */
function undoAll(steps: readonly (() => void)[]): void {
  const failures: unknown[] = [];
  for (const step of steps.toReversed()) {
    try {
      step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function checkInterface({ topology, rank, interface: device }: OwnAccessOptions): void {
  const node = topology.nodes[rank];
  if (node === undefined) throw new RunError(`the mesh has no rank ${rank}`);
  const addresses = ownAddresses().filter((own) => own.interface === device);
  if (!addresses.some(({ address }) => address === node.address)) {
    const found = addresses.map(({ address }) => address).join(', ') || 'no IPv4 address';
    throw new RunError(`${node.name} is to have the address ${node.address}, but ${device} has ${found}`);
  }
  const mtu = mtuOf(device);
  if (mtu < topology.mtu) {
    throw new RunError(
      `${device} takes packets of ${mtu} bytes at most, but wan.mtu is ${topology.mtu}: ` +
        `packets would not have the size that they are meant to have. ` +
        `Give the network a larger MTU, or the scenario a smaller one (--set wan.mtu=${mtu})`,
    );
  }
}

function linesFor({ topology, rank, interface: device, tcp }: OwnAccessOptions): string[] {
  const { address, congestion = tcp.congestion } = topology.nodes[rank]!;
  const peers = topology.nodes.filter((node) => node.rank !== rank).map((node) => node.address);
  return detourLines({
    address,
    device,
    mtu: topology.mtu,
    destinations: peers,
    sources: peers,
    tcp: { ...tcp, congestion },
  });
}

function removeDetour(): void {
  runIp(withoutDetourLines(askIp(['rule', 'show'], HERE) as RuleShown[]), HERE);
}

/** Opens wan0. That there can be only one keeps two nodes out of one namespace. */
function claimDevice(): number {
  try {
    return openTun(SHAPED_DEVICE);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new RunError(`${obstacle(error)} (${messageOf(error)})`, { cause: error });
  }
}

function obstacle({ call, code }: SystemCallError): string {
  const options = 'docker run --cap-add NET_ADMIN --device /dev/net/tun';
  if (call.startsWith('ioctl')) {
    return code === 'EBUSY'
      ? 'another node already shapes in this network namespace'
      : `a node needs the capability NET_ADMIN to shape packets: ${options}`;
  }
  if (code === 'EACCES') {
    return (
      'this user may not open /dev/net/tun, which a node needs to shape packets: ' +
      'its mode in the container is the one on the host, chmod 666 /dev/net/tun there'
    );
  }
  return `a node needs the device /dev/net/tun (kernel module tun) to shape packets: ${options}`;
}
