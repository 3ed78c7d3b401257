/**
 * Conducts a run: probe, capture, rounds, weights, verdict.
 *
 * It holds the score and the watch and touches no tensor: it compiles each round for the members it has,
 * hands every node its part one round ahead (so that no node waits for the orchestrator between rounds),
 * and writes down what they say they played. Where nodes live is none of its business; it sees them through
 * Members, and their network through a Fabric.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeMessage__Output } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { RoundDone__Output } from '../proto/types/meshbeat/control/v1/RoundDone.js';
import type { Probe } from '../proto/types/meshbeat/control/v1/Probe.js';
import type { PathMeasurement__Output } from '../proto/types/meshbeat/control/v1/PathMeasurement.js';
import { epochSeconds } from '../src/clock.js';
import { Deferred } from '../src/deferred.js';
import { messageOf, RunError } from '../src/errors.js';
import { disjointPaths, roundTripPairs, steadyPaths } from '../src/fidelity/paths.js';
import type { TraceEvent, TraceProgram } from '../src/run/files.js';
import type { RunDirectory } from '../src/run/directory.js';
import { JsonLines } from '../src/run/json-lines.js';
import { traceHeaderOf } from '../src/run/trace-header.js';
import { traceOperations } from '../src/run/trace-operations.js';
import type { Scenario } from '../src/scenario/index.js';
import type { Schedule } from '../src/schedule/operation.js';
import {
  finalWeights,
  heldOutLoss,
  parameterCount,
  parameterLayout,
  placedValues,
  trainingSettingsOf,
  writeSafetensors,
} from '../src/training/index.js';
import { packPart } from '../src/transport/wire-operation.js';
import type { Fabric, RunningCapture } from '../src/wan/fabric.js';
import type { RunEvent, RunListener } from '../src/run/events.js';
import { expectedPayload, payloadBesides } from './gate.js';
import type { Members } from './members.js';
import { NetworkEvents, type EventFacts } from './network-events.js';
import { PersonaRun, type Control } from './persona-run.js';
import {
  probeChecks,
  RATE_PROBES_AT_ONCE,
  ratePaths,
  ROUND_TRIP_PROBES_AT_ONCE,
  storePaths,
} from './probe.js';
import { compileRound, holdingsOf, requestOf, sendersInRun, type Holding } from './schedules/index.js';
import { Recovery, type Reviver } from './recovery.js';
import type { Senders } from './schedules/senders.js';

/** Before each attempt at measuring a path, seconds: what disturbs the machine may last a while. The last is of all that follow. */
const PROBE_PAUSES = [0, 0.25, 0.5, 1, 2];
/** How much longer than usual to measure, by attempt; the later ones outlast what disturbs the machine. */
const PROBE_SCALES = [1, 2, 4, 6];
/** Rounds that are with the nodes at any time: the one being played and the next. */
const ROUNDS_AHEAD = 2;

export interface ConductorOptions {
  readonly scenario: Scenario;
  readonly fabric: Fabric;
  readonly members: Members;
  readonly directory: RunDirectory;
  readonly emit: RunListener;
  /** Absent where nodes can't be started anew. */
  readonly reviver?: Reviver;
}

/** What else there is in a run, and when its turn comes. */
export interface Cues {
  /** The shaped network is proven and quiet: the capture is to start. */
  readonly startCapture: () => Promise<RunningCapture | undefined>;
  /** The nodes are connected, and the first round is about to begin: programs are to start. */
  readonly startPrograms: () => Promise<void>;
  /** The last round is over: programs are to end; gives what they leave in the trace. */
  readonly stopPrograms: () => Promise<readonly TraceProgram[]>;
}

/** What a finished run came to. */
export interface Outcome {
  readonly measurements: readonly PathMeasurement__Output[];
  /** TCP payload that all rounds should have come to, bytes. */
  readonly expectedPayload: number;
  /** The same of rounds that were abandoned on their way and played again, bytes: how much of it was sent is not known. */
  readonly abandonedPayload: number;
  /** From the first round's dispatch to the last round's end, seconds. */
  readonly trainingSeconds: number;
  /** Sum over nodes of the time their devices were at compute operations, seconds. */
  readonly computeSeconds: number;
  readonly initialLoss: number;
  readonly finalLoss: number;
  /** By rank: the hash of what it holds, and of which group it is: see Holding. */
  readonly weightsHashes: readonly { readonly group: number; readonly hash: string }[];
  /** Of the run: see src/training/final-weights.ts. */
  readonly weightsSha256: string;
  /** How the scenario's events were kept; absent if it has none. */
  readonly events?: EventFacts;
  /** What nodes said besides tensors; absent without a persona. */
  readonly control?: Control;
  /** Each time that a program ran beside. */
  readonly programs: readonly TraceProgram[];
}

/** What one rank is to measure. */
interface ProbeTask {
  readonly rank: number;
  readonly probe: Probe;
}

/** Bytes of a part of a large object. */
function partOf({ protocol }: Scenario): number {
  return protocol.kind === 'object-store' ? protocol.store.part : Infinity;
}

type FinalWeights = ReturnType<typeof finalWeights>;

function firstOfEachGroup(holdings: readonly Holding[]): number[] {
  return [...new Set(holdings.map(({ group }) => group))].map((group) =>
    holdings.findIndex((holding) => holding.group === group),
  );
}

export class Conductor {
  readonly #options: ConductorOptions;
  readonly #trace: JsonLines;
  readonly #origin = epochSeconds();
  /** Those that are with the nodes, by number; a run may have too many rounds to keep all. */
  readonly #rounds = new Map<number, Schedule>();
  /** Nodes that still play each round; the promise is for the last of them. */
  readonly #playing: { left: number; readonly done: Deferred<void> }[] = [];
  readonly #persona: PersonaRun | undefined;
  #computeSeconds = 0;
  #expectedPayload = 0;
  #abandonedPayload = 0;
  readonly #recovery: Recovery;
  readonly #senders: Senders;

  /** Starts trace.jsonl. */
  constructor(options: ConductorOptions) {
    this.#options = options;
    this.#senders = sendersInRun(requestOf(options.scenario), options.scenario.rounds);
    this.#persona = PersonaRun.of(options.scenario, options.fabric);
    this.#trace = new JsonLines(options.directory.file('trace.jsonl'));
    this.#trace.write(traceHeaderOf(options.fabric.topology, this.#origin));
    options.members.onMessage((rank, message) => this.#hear(rank, message));
    this.#recovery = new Recovery({
      members: options.members,
      reviver: options.reviver,
      worldSize: options.fabric.topology.nodes.length,
      senders: this.#senders,
      oldestRound: () => Math.min(this.#playing.length, ...this.#rounds.keys()),
      playFrom: (round) => this.#playAgain(round),
    });
  }

  /** Zero of the times in the trace, seconds since 1970. */
  get origin(): number {
    return this.#origin;
  }

  /** Ends trace.jsonl. Safe to call twice. */
  close(): void {
    this.#trace.close();
  }

  /** The whole run. */
  async conduct({ startCapture, startPrograms, stopPrograms }: Cues): Promise<Outcome> {
    const { members, scenario, emit } = this.#options;
    emit({ type: 'stage', text: 'nodes are joining, compiling the model and reading their text' });
    const ready = (await members.all('ready'))[0]!;
    const senders = this.#senders;
    emit({ type: 'stage', text: 'probing the shaped paths' });
    const rates = await this.#probeRates(senders);
    await startCapture();
    // Where no node talks to another, no echo shall be the first to do so.
    const meeting = senders.some((ranks) => ranks.length > 0);
    const roundTrips = meeting ? await this.#probeRoundTrips() : [];
    const measurements = [...rates, ...roundTrips];
    emit({ type: 'gate', checks: probeChecks(measurements, this.#options.fabric.topology), final: false });
    await this.#persona?.open(members, emit);
    emit({ type: 'stage', text: 'connecting' });
    senders.forEach((ranks, rank) => members.tell(rank, { connect: { receiveFrom: [...ranks] } }));
    await members.all('connected');
    const buckets = scenario.protocol.kind === 'object-store' ? senders.length : 0;
    this.#expectedPayload = payloadBesides({ buckets }, scenario.transport.tls);
    await startPrograms();
    const events = this.#networkEvents();
    const start = await events.begin();
    emit({ type: 'training', time: start });
    await this.#playRounds();
    const trainingSeconds = epochSeconds() - start;
    const eventFacts = events.facts(trainingSeconds);
    const programs = await stopPrograms();
    for (const line of programs) this.#trace.write(line);
    emit({ type: 'stage', text: 'collecting the weights' });
    const holdings = holdingsOf(requestOf(scenario));
    const deliverers = firstOfEachGroup(holdings);
    holdings.forEach((_, rank) =>
      members.tell(rank, { finish: { deliverWeights: deliverers.includes(rank) } }),
    );
    const finished = await members.all('finished');
    const tallies = finished.map(({ control }) => control);
    for (const line of this.#persona?.trace(tallies, this.#origin) ?? []) this.#trace.write(line);
    const final = await this.#collectWeights(holdings, deliverers);
    await this.#writeWeights(scenario, final.parameters);
    this.close();
    const { initialLoss = NaN, finalLoss = NaN } =
      ready.initialLoss === undefined
        ? heldOutLoss(trainingSettingsOf(scenario), final.parameters)
        : { initialLoss: ready.initialLoss, finalLoss: finished[0]!.finalLoss };
    return {
      measurements,
      expectedPayload: this.#expectedPayload,
      abandonedPayload: this.#abandonedPayload,
      trainingSeconds,
      computeSeconds: this.#computeSeconds,
      initialLoss,
      finalLoss,
      weightsHashes: finished.map(({ weightsSha256 }, rank) => ({
        group: holdings[rank]!.group,
        hash: weightsSha256,
      })),
      weightsSha256: final.weightsSha256,
      ...(eventFacts === undefined ? {} : { events: eventFacts }),
      ...(this.#persona === undefined ? {} : { control: this.#persona.control(tallies) }),
      programs,
    };
  }

  #networkEvents(): NetworkEvents {
    const { scenario, fabric, emit } = this.#options;
    const write = (line: TraceEvent): void => {
      try {
        this.#trace.write(line);
        this.#trace.flush();
      } catch (error) {
        this.#break(error);
      }
    };
    const tell: RunListener = (event) => {
      emit(event);
      if (event.type === 'network') this.#followOutage(event);
    };
    return new NetworkEvents({ scenario, fabric, origin: this.#origin, emit: tell, write });
  }

  /** Rate and loss of every path that carries slices; with an object store, all there is to measure of its paths. */
  #probeRates(senders: Senders): Promise<PathMeasurement__Output[]> {
    const datagrams = this.#options.fabric.packetLevel;
    const { topology } = this.#options.fabric;
    const paths = steadyPaths([...ratePaths(senders), ...storePaths(topology)], topology);
    // What goes through hosts that all share has their links to itself.
    const { hub, relays = [] } = topology.tunnel ?? {};
    const sharing = hub !== undefined || relays.length > 0;
    const groups = disjointPaths(paths, sharing ? 1 : RATE_PROBES_AT_ONCE, topology);
    return this.#probe(
      groups.map((paths) =>
        paths.map(({ from, to }) => ({ rank: to, probe: { rateFrom: [from], datagrams, roundTripTo: [] } })),
      ),
    );
  }

  #probeRoundTrips(): Promise<PathMeasurement__Output[]> {
    const pairs = roundTripPairs(this.#options.fabric.topology.nodes.length);
    const tasks = pairs.map((roundTripTo, rank) => ({
      rank,
      probe: { rateFrom: [], datagrams: false, roundTripTo },
    }));
    const groups: ProbeTask[][] = [];
    for (let at = 0; at < tasks.length; at += ROUND_TRIP_PROBES_AT_ONCE)
      groups.push(tasks.slice(at, at + ROUND_TRIP_PROBES_AT_ONCE));
    return this.#probe(groups);
  }

  /**
   * Has one group after the other measure; what fails has more chances, by itself and for longer. A wrongly shaped
   * path fails every time; a busy machine, which only ever slows and loses, does not.
   */
  async #probe(groups: readonly (readonly ProbeTask[])[]): Promise<PathMeasurement__Output[]> {
    const { members, fabric, scenario, emit } = this.#options;
    const { attempts } = scenario.gate;
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

  async #playRounds(): Promise<void> {
    const { members, scenario } = this.#options;
    const { rounds } = scenario;
    for (let round = 0; round < Math.min(ROUNDS_AHEAD, rounds); round++) this.#dispatch(round);
    for (let round = 0; round < rounds; round++) {
      await Promise.race([this.#playing[round]!.done.promise, members.failure, this.#recovery.failure]);
      if (round + ROUNDS_AHEAD < rounds) this.#dispatch(round + ROUNDS_AHEAD);
    }
    // Who is down at the end comes back, too, for everybody hands in what they have.
    await Promise.race([this.#recovery.settled(), members.failure]);
  }

  #dispatch(round: number): void {
    const { scenario } = this.#options;
    const schedule = compileRound({ ...requestOf(scenario), round });
    const { parts } = schedule;
    this.#rounds.set(round, schedule);
    this.#expectedPayload += expectedPayload([schedule], scenario.transport.tls, partOf(scenario));
    const done = new Deferred<void>();
    done.promise.catch(() => undefined); // Its turn to be waited for may not have come.
    this.#playing[round] = { left: parts.length, done };
    // While somebody is down, it is dispatched with what is played again.
    if (this.#recovery.whole) this.#handOut(round, schedule);
  }

  #handOut(round: number, { parts }: Schedule): void {
    for (const part of parts)
      this.#options.members.tell(part.rank, { round: { round, part: packPart(part) } });
  }

  /** Everybody is as at the start of this round: dispatches it once more, and those after it. */
  #playAgain(from: number): void {
    const { scenario, emit } = this.#options;
    emit({ type: 'rewound', round: from });
    this.#abandonedPayload += expectedPayload(
      this.#rounds.values(),
      scenario.transport.tls,
      partOf(scenario),
    );
    for (const [round, schedule] of [...this.#rounds].sort(([a], [b]) => a - b)) {
      this.#playing[round]!.left = schedule.parts.length;
      this.#handOut(round, schedule);
    }
  }

  /** Nodes that crash with their hosts, and come back with them. */
  #followOutage({ kind, hosts }: Pick<Extract<RunEvent, { type: 'network' }>, 'kind' | 'hosts'>): void {
    const ranks = hosts.filter((host) => host < this.#options.fabric.topology.nodes.length);
    if (ranks.length === 0) return;
    if (kind === 'crash') this.#recovery.crash(ranks);
    else if (kind === 'return') this.#recovery.comeBack(ranks);
  }

  #hear(rank: number, message: NodeMessage__Output): void {
    try {
      if (message.message === 'stepDone') this.#options.emit({ type: 'step', rank, ...message.stepDone! });
      else if (message.message === 'roundDone') this.#roundDone(rank, message.roundDone!);
    } catch (error) {
      this.#break(error);
    }
  }

  /** The trace can't be written: whoever waits for a round must hear of it. */
  #break(error: unknown): void {
    for (const { done } of this.#playing) done.reject(error);
  }

  #roundDone(rank: number, done: RoundDone__Output): void {
    const { round, eventLoopLagSeconds, outerOverrunSeconds, vainLooks, storeConnections } = done;
    const { tls } = this.#options.scenario.transport;
    this.#expectedPayload += payloadBesides({ vainLooks, connections: storeConnections }, tls);
    const part = this.#rounds.get(round)!.parts[rank]!;
    const node = this.#options.fabric.topology.nodes[rank]!.name;
    const { operations: planned } = part;
    const operations = traceOperations({ ...done, node, rank, operations: planned, origin: this.#origin });
    for (const { kind, start, end } of operations)
      if (kind === 'compute' || kind === 'stage') this.#computeSeconds += end - start;
    for (const operation of operations) this.#trace.write(operation);
    this.#trace.flush();
    this.#options.emit({ type: 'round', rank, round, eventLoopLagSeconds, outerOverrunSeconds, operations });
    const playing = this.#playing[round]!;
    if (--playing.left > 0) return;
    this.#rounds.delete(round);
    playing.done.resolve();
  }

  /** The final weights, put together from what the first rank of each group holds. */
  async #collectWeights(holdings: readonly Holding[], ranks: readonly number[]): Promise<FinalWeights> {
    const count = parameterCount(this.#options.scenario.model);
    const held = await Promise.all(
      ranks.map(async (rank) => {
        const bytes = await this.#options.members.weightsOf(rank);
        const values = new Float32Array(new Uint8Array(bytes).buffer);
        const { ranges, group } = holdings[rank]!;
        return { rank, group, ranges, parameters: placedValues(ranges, values, count) };
      }),
    );
    return finalWeights(held, count);
  }

  async #writeWeights(scenario: Scenario, parameters: Float32Array): Promise<void> {
    const file = this.#options.directory.file('weights.safetensors');
    const metadata = {
      scenario: scenario.name,
      seed: String(scenario.seed),
      rounds: String(scenario.rounds),
    };
    try {
      await writeSafetensors(file, { layout: parameterLayout(scenario.model), parameters, metadata });
    } catch (error) {
      await rm(file, { force: true }); // Half a file would pass for weights.
      throw new RunError(`can't write ${file}: ${messageOf(error)}`);
    }
  }
}
