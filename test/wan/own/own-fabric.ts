/**
 * A fabric made of nodes that furnish their own namespaces: a mesh on container-like networks, each access
 * opened by a thread that lives there. Rank 1 is on another network than the others.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Timeline } from '../../../src/scenario/index.js';
import type { Topology } from '../../../src/scenario/topology.js';
import type { AppliedListener } from '../../../src/wan/agenda.js';
import type {
  CaptureRequest,
  Fabric,
  Lateness,
  NodeCounters,
  Placement,
  RunningCapture,
} from '../../../src/wan/fabric.js';
import { latenessOf, Meters } from '../../../src/wan/meters.js';
import type { Namespace } from '../../../src/wan/netns/namespace.js';
import type { OwnAccessOptions } from '../../../src/wan/own/index.js';
import { filterBetween, startTcpdump } from '../../../src/wan/tcpdump.js';
import { addressIn, DockerLike, FAR, MESH } from './docker-like.js';
import type { ResidentCommand, ResidentReport, ResidentSettings } from './resident.js';

const TCP = { congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 } as const;

/** The number of a rank in its network. */
export const numberOf = (rank: number): number => 10 + rank;

/** The topology with addresses of container networks; rank 1 is far. */
export function atHome(topology: Topology): Topology {
  const nodes = topology.nodes.map((node) => ({
    ...node,
    address: addressIn(node.rank === 1 ? FAR : MESH, numberOf(node.rank)),
  }));
  return { ...topology, nodes };
}

/** One node's access, in a thread. */
export class Resident {
  readonly placement: Placement;
  readonly meters: Meters;
  readonly realTime: boolean;
  readonly #worker: Worker;

  private constructor(worker: Worker, placement: Placement, meters: Meters, realTime: boolean) {
    this.#worker = worker;
    this.placement = placement;
    this.meters = meters;
    this.realTime = realTime;
  }

  static async open(
    namespace: Namespace,
    options: Omit<OwnAccessOptions, 'tcp' | 'interface'>,
  ): Promise<Resident> {
    const workerData: ResidentSettings = {
      namespaceFd: namespace.fd,
      options: { ...options, tcp: TCP, interface: 'eth0' },
    };
    // The TUN device's descriptor is opened by a system call that Node's books for threads know nothing of.
    const worker = new Worker(new URL('./resident.js', import.meta.url), {
      workerData,
      trackUnmanagedFds: false,
    });
    const [report] = (await once(worker, 'message')) as [ResidentReport];
    if (report.type !== 'open') {
      await worker.terminate();
      throw new Error(report.type === 'failed' ? report.message : report.type);
    }
    const meters = new Meters(options.topology.nodes.length, report.meters);
    const placement = { ...report.placement, namespaceFd: namespace.fd };
    return new Resident(worker, placement, meters, report.realTime);
  }

  async close(): Promise<void> {
    await this.#ask({ type: 'close' }, 'closed').finally(() => this.#worker.terminate());
  }

  async play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void> {
    this.#worker.on('message', (report: ResidentReport) => {
      if (report.type === 'applied') onApplied({ index: report.index, time: report.time });
    });
    await this.#ask({ type: 'play', timeline, origin }, 'playing');
  }

  #ask(command: ResidentCommand, expected: ResidentReport['type']): Promise<void> {
    return new Promise((resolve, reject) => {
      const listener = (report: ResidentReport): void => {
        if (report.type === 'failed') reject(new Error(report.message));
        else if (report.type === expected) resolve();
        else return;
        this.#worker.off('message', listener);
      };
      this.#worker.on('message', listener);
      this.#worker.postMessage(command);
    });
  }
}

export class OwnFabric implements Fabric {
  readonly kind = 'containers';
  readonly packetLevel = true;
  readonly description = 'nodes that shape in namespaces of their own';
  readonly topology: Topology;
  readonly placements: readonly Placement[];
  readonly #place: DockerLike;
  readonly #residents: readonly Resident[];
  #closed: Promise<void> | undefined;

  private constructor(topology: Topology, place: DockerLike, residents: readonly Resident[]) {
    this.topology = topology;
    this.#place = place;
    this.#residents = residents;
    this.placements = residents.map(({ placement }) => placement);
  }

  static async create(options: { topology: Topology; seed: number }): Promise<OwnFabric> {
    const topology = atHome(options.topology);
    const place = new DockerLike();
    try {
      const namespaces = topology.nodes.map(({ rank, name }) => {
        const namespace = place.container(name, [rank === 1 ? FAR : MESH], numberOf(rank));
        // Source checks as hosts have them: none, strict, loose.
        const check = String(rank % 3);
        namespace.sysctl({
          'net/ipv4/conf/default/rp_filter': check,
          'net/ipv4/conf/eth0/rp_filter': check,
          'net/ipv4/ip_forward': '0',
        });
        return namespace;
      });
      const residents = await Promise.all(
        namespaces.map((namespace, rank) => Resident.open(namespace, { ...options, topology, rank })),
      );
      return new OwnFabric(topology, place, residents);
    } catch (error) {
      place.close();
      throw error;
    }
  }

  counters(): NodeCounters[] {
    return this.#residents.map(({ meters }, rank) => meters.countersOf(rank));
  }

  lateness(): Lateness {
    return latenessOf(this.#residents.map(({ meters }) => meters.latenessHistogram()));
  }

  capture(request: CaptureRequest): Promise<RunningCapture> {
    const { nodes } = this.topology;
    return startTcpdump({
      ...request,
      tcpdump: 'tcpdump',
      namespace: this.#place.host,
      interface: MESH.bridge,
      filter: filterBetween(nodes.map(({ address }) => address)),
      names: new Map(nodes.map((node) => [node.address, node.name])),
    });
  }

  async play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void> {
    const left = timeline.map(() => this.#residents.length);
    const note: AppliedListener = (applied) => {
      if (--left[applied.index]! === 0) onApplied(applied);
    };
    await Promise.all(this.#residents.map((resident) => resident.play(timeline, origin, note)));
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all(this.#residents.map((resident) => resident.close())).then(() =>
      this.#place.close(),
    );
    return this.#closed;
  }
}
