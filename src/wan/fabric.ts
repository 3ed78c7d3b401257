/**
 * A fabric places the nodes of a mesh and puts the WAN between them.
 *
 * Think of it as the building the mesh is moved into: it has one room per node, wires between the rooms
 * whose properties the topology sets, meters on the wires, and a window through which the traffic can be
 * photographed. Whoever uses it never asks what the walls are made of: `netns` builds them from Linux
 * network namespaces and shapes packets, `threads` from loopback sockets and shapes byte streams,
 * `containers` are rooms that others built and that shape packets themselves. One compliance suite
 * (test/wan/compliance.ts) holds for all.
 *
 * A fabric knows nothing of training. It owns what it makes, and close() ends all of it.
 */
import type { AppliedListener } from './agenda.js';
import type { CaptureKind } from '../run/files.js';
import type { Timeline } from '../scenario/events/change.js';
import type { Topology } from '../scenario/topology.js';

/** Port on which nodes serve each other; below those that systems hand out to clients. */
export const MESH_PORT = 8470;
/** Port on which nodes carry what is no tensor: the control traffic of a persona. TCP, and UDP where it passes. */
export const CONTROL_PORT = 8473;

/** Where one node lives and how it reaches the others. Plain data: it travels to the node's thread. */
export interface Placement {
  /** Of a host that is no node: its position among all, see hostsOf(). */
  readonly rank: number;
  /**
   * Descriptor (of this process) of the network namespace that the node's thread must enter, with
   * enterNamespace(), before it opens its first socket; absent where there is none.
   */
  readonly namespaceFd?: number;
  /** Whether whole packets are shaped between the nodes, so that datagrams pass. */
  readonly packetLevel: boolean;
  /** Where the node's servers listen: any free port of `host`, except that the mesh port is fixed. */
  readonly listen: { readonly host: string; readonly port: number };
  /** What the node dials to reach the mesh port of each rank, by rank (its own entry is never used). */
  readonly peers: readonly { readonly host: string; readonly port: number }[];
  /** The same for control traffic; absent where the fabric was built without. */
  readonly control?: Pick<Placement, 'listen' | 'peers'>;
}

/** Listening and dialing at the nodes' own addresses, as on any real network. */
export function placementsAt(
  addresses: readonly string[],
  port: number,
): Pick<Placement, 'listen' | 'peers'>[] {
  const peers = addresses.map((host) => ({ host, port }));
  return peers.map((listen) => ({ listen, peers }));
}

/** Counters of one node since the fabric started. Bytes are Ethernet frame bytes (threads: TCP payload bytes). */
export interface NodeCounters {
  egressPackets: number;
  egressBytes: number;
  ingressPackets: number;
  ingressBytes: number;
  /** Packets that found the uplink or the downlink queue full. */
  dropped: number;
  /** Packets lost on a path, as configured. */
  lost: number;
  /** Bytes now waiting in the uplink and the downlink queue. */
  queuedBytes: number;
  /** What of egressBytes went to each rank, by rank. */
  egressBytesTo: number[];
}

/** How late packets left, against the instant at which the model wanted them out; seconds. */
export interface Lateness {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface CaptureRequest {
  /** The pcapng file to write. */
  readonly file: string;
  readonly kind: 'auto' | 'tcpdump' | 'shaper';
  readonly snaplen: number;
  /** Written into the file's section header. */
  readonly comment: string;
  /** Called when the capture breaks off by itself: disk full, tcpdump killed. */
  readonly onFailure: (error: Error) => void;
}

export interface CaptureResult {
  readonly packets: number;
  /** Packets that the capture itself missed; null where it cannot tell. */
  readonly missed: number | null;
}

export interface RunningCapture {
  readonly kind: CaptureKind;
  /** Packets written so far. */
  packets(): number;
  /** Ends the capture and closes its file, all blocks written. */
  stop(): Promise<CaptureResult>;
}

export type FabricKind = 'netns' | 'threads' | 'containers';

export interface Fabric {
  readonly kind: FabricKind;
  readonly topology: Topology;
  /** By rank; the other hosts of the topology after the nodes. Likewise counters(). */
  readonly placements: readonly Placement[];
  /** One line that says what this fabric is, for people. */
  readonly description: string;
  /** What carries the tunnels of the topology, where it has any, e.g. "wireguard-go 0.0.20220316". */
  readonly tunnel?: string | undefined;
  /** Rejects when something that the fabric started breaks off by itself; absent where nothing can. */
  readonly failure?: Promise<never>;
  /** Whether whole packets are shaped (so UDP passes and loss is real) or only byte streams. */
  readonly packetLevel: boolean;
  counters(): NodeCounters[];
  /** Lateness since the start, over all nodes. */
  lateness(): Lateness;
  capture(request: CaptureRequest): Promise<RunningCapture>;
  /**
   * Has the network change as a timeline says, at the instants it says; resolves when all who move packets know it.
   * Once in the life of a fabric.
   *
   * @param origin time zero of the timeline, seconds since 1970
   * @param onApplied called with every change when it has been applied everywhere, in their order
   */
  play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void>;
  /** Ends threads, processes, interfaces and namespaces. Safe to call twice. */
  close(): Promise<void>;
}
