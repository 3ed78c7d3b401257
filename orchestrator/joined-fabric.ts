/**
 * The `containers` fabric, as the orchestrator sees it: rooms that others built.
 *
 * Each node has come with a network of its own and shapes its packets itself (src/wan/own); it reports its
 * meters over the control stream, and here they are put side by side. The capture is the observer's, who
 * sits at the bridge. There is nothing to take down: what the nodes and the observer made is theirs to end.
 */
import type { Metered__Output } from '../proto/types/meshbeat/control/v1/Metered.js';
import type { Timeline, Topology } from '../src/scenario/index.js';
import type { AppliedListener } from '../src/wan/agenda.js';
import {
  CONTROL_PORT,
  MESH_PORT,
  placementsAt,
  type CaptureRequest,
  type Fabric,
  type Lateness,
  type NodeCounters,
  type Placement,
  type RunningCapture,
} from '../src/wan/fabric.js';
import { meshAddresses } from '../src/wan/tunnel/plan.js';
import { latenessOf, Meters } from '../src/wan/meters.js';
import type { Members } from './members.js';
import type { Observer } from './observer.js';

export class JoinedFabric implements Fabric {
  readonly kind = 'containers';
  readonly packetLevel = true;
  readonly topology: Topology;
  readonly placements: readonly Placement[];
  readonly description = 'nodes that joined, each with a network and a packet shaper of its own';
  readonly #meters: Meters;
  readonly #lateness: (readonly number[])[];
  readonly #observer: Observer | undefined;
  /** What carries the tunnels, as the last node to be ready said. */
  #tunnel: string | undefined;
  #members: Members | undefined;

  constructor(topology: Topology, observer?: Observer) {
    this.topology = topology;
    this.#observer = observer;
    this.#meters = new Meters(topology.nodes.length);
    this.#lateness = topology.nodes.map(() => []);
    const addresses = meshAddresses(topology);
    const control = placementsAt(addresses, CONTROL_PORT);
    this.placements = placementsAt(addresses, MESH_PORT).map((mesh, rank) => {
      return { rank, packetLevel: true, ...mesh, control: control[rank]! };
    });
  }

  /** Reads the meters that members report from now on. */
  follow(members: Members): void {
    this.#members = members;
    members.onMessage((rank, message) => {
      if (message.message === 'metered') this.#take(rank, message.metered!);
      else if (message.message === 'ready' && message.ready!.tunnel !== '')
        this.#tunnel = message.ready!.tunnel;
    });
  }

  get tunnel(): string | undefined {
    return this.#tunnel;
  }

  counters(): NodeCounters[] {
    return this.#meters.counters();
  }

  lateness(): Lateness {
    return latenessOf(this.#lateness);
  }

  async capture(request: CaptureRequest): Promise<RunningCapture> {
    if (this.#observer === undefined) throw new Error('a capture without an observer');
    return this.#observer.capture(request, this.topology);
  }

  /** Each node's shaper has the timeline and its own clock; those of different machines must agree. */
  async play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void> {
    const members = this.#members;
    if (members === undefined) throw new Error('a timeline for nobody');
    const nodes = this.topology.nodes;
    const reports = timeline.map(() => ({ left: nodes.length, latest: 0 }));
    members.onMessage((_, { message, applied }) => {
      if (message !== 'applied') return;
      const report = reports[applied!.index];
      if (report === undefined) return;
      report.latest = Math.max(report.latest, applied!.time);
      if (--report.left === 0) onApplied({ index: applied!.index, time: report.latest });
    });
    const timelineJson = JSON.stringify(timeline);
    for (const { rank } of nodes) members.tell(rank, { play: { timelineJson, origin } });
    await members.all('playing');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #take(rank: number, { lateness, ...counters }: Metered__Output): void {
    this.#meters.load(rank, counters);
    this.#lateness[rank] = lateness;
  }
}
