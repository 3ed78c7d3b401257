/**
 * Conducts a run: probe, capture, rounds, weights, verdict.
 *
 * It holds the score and the watch and touches no tensor: it compiles each round for the members it has,
 * hands every node its part one round ahead (so that no node waits for the orchestrator between rounds),
 * and writes down what they say they played. Where nodes live is none of its business; it sees them through
 * Members, and their network through a Fabric.
 */
import type { NodeMessage__Output } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { RoundDone__Output } from '../proto/types/meshbeat/control/v1/RoundDone.js';
import type { PathMeasurement__Output } from '../proto/types/meshbeat/control/v1/PathMeasurement.js';
import { epochSeconds } from '../src/clock.js';
import { Deferred } from '../src/deferred.js';
import type { TraceEvent, TraceProgram } from '../src/run/files.js';
import type { RunDirectory } from '../src/run/directory.js';
import { JsonLines } from '../src/run/json-lines.js';
import { traceHeaderOf } from '../src/run/trace-header.js';
import { traceOperations } from '../src/run/trace-operations.js';
import type { Scenario } from '../src/scenario/index.js';
import type { Schedule } from '../src/schedule/operation.js';
import { heldOutLoss, parameterCount, trainingSettingsOf } from '../src/training/index.js';
import { packPart } from '../src/transport/wire-operation.js';
import type { Fabric, RunningCapture } from '../src/wan/fabric.js';
import type { RunEvent, RunListener } from '../src/run/events.js';
import { expectedPayload, payloadBesides } from './gate.js';
import { collectWeights, deliverersOf, writeWeights } from './handover.js';
import type { Members } from './members.js';
import { NetworkEvents, type EventFacts } from './network-events.js';
import { PersonaRun, type Control } from './persona-run.js';
import { probeChecks } from './probe.js';
import { Probing } from './probing.js';
import { compileRound, holdingsOf, requestOf, sendersInRun } from './schedules/index.js';
import { Recovery, type Reviver } from './recovery.js';
import type { Senders } from './schedules/senders.js';

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

/** Bytes of a part of a large object. */
function partOf({ protocol }: Scenario): number {
  return protocol.kind === 'object-store' ? protocol.store.part : Infinity;
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
    const probing = new Probing({ ...this.#options, attempts: scenario.gate.attempts });
    const rates = await probing.rates(senders);
    await startCapture();
    // Where no node talks to another, no echo shall be the first to do so.
    const meeting = senders.some((ranks) => ranks.length > 0);
    const roundTrips = meeting ? await probing.roundTrips() : [];
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
    const deliverers = deliverersOf(holdings);
    holdings.forEach((_, rank) =>
      members.tell(rank, { finish: { deliverWeights: deliverers.includes(rank) } }),
    );
    const finished = await members.all('finished');
    const tallies = finished.map(({ control }) => control);
    for (const line of this.#persona?.trace(tallies, this.#origin) ?? []) this.#trace.write(line);
    const count = parameterCount(scenario.model);
    const final = await collectWeights(members, { holdings, ranks: deliverers, count });
    await writeWeights(this.#options.directory.file('weights.safetensors'), scenario, final.parameters);
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
}
