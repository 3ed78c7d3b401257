/**
 * Has the members measure the paths between them: the gate's first half, on the orchestrator's side.
 *
 * It says who measures which path when, so that no two measurements share a link, and has what failed repeated. Which
 * paths, and what a measurement must come to, is in probe.ts; how a node measures, in nodes/prober.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PathMeasurement__Output } from '../proto/types/meshbeat/control/v1/PathMeasurement.js';
import type { Probe } from '../proto/types/meshbeat/control/v1/Probe.js';
import { disjointPaths, roundTripPairs, steadyPaths } from '../src/fidelity/paths.js';
import type { RunListener } from '../src/run/events.js';
import type { Fabric } from '../src/wan/fabric.js';
import type { Members } from './members.js';
import {
  probeChecks,
  RATE_PROBES_AT_ONCE,
  ratePaths,
  ROUND_TRIP_PROBES_AT_ONCE,
  storePaths,
} from './probe.js';
import type { Senders } from './schedules/senders.js';

/** Before each attempt at measuring a path, seconds: what disturbs the machine may last a while. The last is of all that follow. */
const PROBE_PAUSES = [0, 0.25, 0.5, 1, 2];
/** How much longer than usual to measure, by attempt; the later ones outlast what disturbs the machine. */
const PROBE_SCALES = [1, 2, 4, 6];

/** What one rank is to measure. */
interface ProbeTask {
  readonly rank: number;
  readonly probe: Probe;
}

export interface ProbingOptions {
  readonly members: Members;
  readonly fabric: Pick<Fabric, 'topology' | 'packetLevel'>;
  /** How often a path that is off is measured at most. */
  readonly attempts: number;
  readonly emit: RunListener;
}

export class Probing {
  readonly #options: ProbingOptions;

  constructor(options: ProbingOptions) {
    this.#options = options;
  }

  /** Rate and loss of every path that carries slices; with an object store, all there is to measure of its paths. */
  rates(senders: Senders): Promise<PathMeasurement__Output[]> {
    const { topology, packetLevel: datagrams } = this.#options.fabric;
    const paths = steadyPaths([...ratePaths(senders), ...storePaths(topology)], topology);
    // What goes through hosts that all share has their links to itself.
    const { hub, relays = [] } = topology.tunnel ?? {};
    const sharing = hub !== undefined || relays.length > 0;
    const groups = disjointPaths(paths, sharing ? 1 : RATE_PROBES_AT_ONCE, topology);
    return this.#measure(
      groups.map((paths) =>
        paths.map(({ from, to }) => ({ rank: to, probe: { rateFrom: [from], datagrams, roundTripTo: [] } })),
      ),
    );
  }

  /** Between all pairs of nodes, or between enough of many. */
  roundTrips(): Promise<PathMeasurement__Output[]> {
    const pairs = roundTripPairs(this.#options.fabric.topology.nodes.length);
    const tasks = pairs.map((roundTripTo, rank) => ({
      rank,
      probe: { rateFrom: [], datagrams: false, roundTripTo },
    }));
    const groups: ProbeTask[][] = [];
    for (let at = 0; at < tasks.length; at += ROUND_TRIP_PROBES_AT_ONCE)
      groups.push(tasks.slice(at, at + ROUND_TRIP_PROBES_AT_ONCE));
    return this.#measure(groups);
  }

  /**
   * Has one group after the other measure; what fails has more chances, by itself and for longer. A wrongly shaped
   * path fails every time; a busy machine, which only ever slows and loses, does not.
   */
  async #measure(groups: readonly (readonly ProbeTask[])[]): Promise<PathMeasurement__Output[]> {
    const { members, fabric, attempts, emit } = this.#options;
    const measured = new Map<ProbeTask, readonly PathMeasurement__Output[]>();
    const failed = (task: ProbeTask) =>
      probeChecks(measured.get(task) ?? [], fabric.topology).some(({ ok }) => !ok);
    let left = groups;
    for (let attempt = 0; attempt < attempts && left.length > 0; attempt++) {
      if (attempt > 0)
        emit({
          type: 'stage',
          text: `probing ${left.length} once more (${attempt + 1} of at most ${attempts})`,
        });
      await Promise.race([sleep(1000 * (PROBE_PAUSES[attempt] ?? PROBE_PAUSES.at(-1)!)), members.failure]);
      const scale = PROBE_SCALES[attempt] ?? PROBE_SCALES.at(-1)!;
      for (const group of left) {
        for (const { rank, probe } of group) members.tell(rank, { probe: { ...probe, scale } });
        const answers = await Promise.all(group.map(({ rank }) => members.next(rank, 'probed')));
        group.forEach((task, index) => measured.set(task, answers[index]!.measurements));
      }
      left = left
        .flat()
        .filter(failed)
        .map((task) => [task]);
    }
    return [...measured.values()].flat();
  }
}
