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
import { epochSeconds, toNanoseconds } from '../src/clock.js';
import { Deferred } from '../src/deferred.js';
import { messageOf, RunError } from '../src/errors.js';
import type { TraceHeader } from '../src/run/files.js';
import type { RunDirectory } from '../src/run/directory.js';
import { JsonLines } from '../src/run/json-lines.js';
import { traceOperations } from '../src/run/trace-operations.js';
import type { Scenario } from '../src/scenario/index.js';
import type { Schedule } from '../src/schedule/operation.js';
import { parameterCount, parameterLayout, writeSafetensors } from '../src/training/index.js';
import { toWire } from '../src/transport/wire-operation.js';
import type { Fabric, RunningCapture } from '../src/wan/fabric.js';
import type { RunListener } from '../src/run/events.js';
import type { Members } from './members.js';
import {
  probeChecks,
  RATE_PROBES_AT_ONCE,
  ROUND_TRIP_PROBES_AT_ONCE,
  roundTripPairs,
  sendersOf,
} from './probe.js';
import { compileRound } from './schedules/index.js';

/**
 * A wrongly shaped path fails every time; a busy machine, which only ever slows and loses, does not. So a path fails the gate only if it failed this often.
 */
const PROBE_ATTEMPTS = 5;
/** Before each attempt, seconds: what disturbs the machine may last a while. */
const PROBE_PAUSES = [0, 0.25, 0.5, 1, 2];
/** Times the usual length of a train of datagrams, by attempt; the later ones outlast what disturbs the machine. */
const PROBE_TRAIN_SCALES = [1, 2, 4, 6, 6];
/** Rounds that are with the nodes at any time: the one being played and the next. */
const ROUNDS_AHEAD = 2;

export interface ConductorOptions {
  readonly scenario: Scenario;
  readonly fabric: Fabric;
  readonly members: Members;
  readonly directory: RunDirectory;
  readonly emit: RunListener;
}

/** What a finished run came to. */
export interface Outcome {
  readonly measurements: readonly PathMeasurement__Output[];
  readonly schedules: readonly Schedule[];
  /** From the first round's dispatch to the last round's end, seconds. */
  readonly trainingSeconds: number;
  /** Sum over nodes of the time their devices were at compute operations, seconds. */
  readonly computeSeconds: number;
  readonly initialLoss: number;
  readonly finalLoss: number;
  readonly weightsHashes: readonly string[];
}

export class Conductor {
  readonly #options: ConductorOptions;
  readonly #trace: JsonLines;
  readonly #origin = epochSeconds();
  readonly #rounds: Schedule[] = [];
  /** Nodes that still play each round; the promise is for the last of them. */
  readonly #playing: { left: number; readonly done: Deferred<void> }[] = [];
  #computeSeconds = 0;

  /** Starts trace.jsonl. */
  constructor(options: ConductorOptions) {
    this.#options = options;
    this.#trace = new JsonLines(options.directory.file('trace.jsonl'));
    const header: TraceHeader = {
      type: 'header',
      version: 1,
      originNs: toNanoseconds(this.#origin).toString(),
      nodes: options.fabric.topology.nodes.map(({ rank, name, address }) => ({ rank, name, address })),
    };
    this.#trace.write(header);
    options.members.onMessage((rank, message) => this.#hear(rank, message));
  }

  /** Zero of the times in the trace, seconds since 1970. */
  get origin(): number {
    return this.#origin;
  }

  /** Ends trace.jsonl. Safe to call twice. */
  close(): void {
    this.#trace.close();
  }

  /** The whole run; `startCapture` is called when the shaped network is proven and quiet. */
  async conduct(startCapture: () => Promise<RunningCapture | undefined>): Promise<Outcome> {
    const { members, scenario, emit } = this.#options;
    emit({ type: 'stage', text: 'nodes are joining, compiling the model and reading their text' });
    const initialLoss = (await members.all('ready'))[0]!.initialLoss ?? NaN;
    const first = this.#compile(0);
    emit({ type: 'stage', text: 'probing the shaped paths' });
    const rates = await this.#probeRates(first);
    await startCapture();
    const roundTrips = await this.#probeRoundTrips();
    const measurements = [...rates, ...roundTrips];
    emit({ type: 'gate', checks: probeChecks(measurements, this.#options.fabric.topology), final: false });
    emit({ type: 'stage', text: 'connecting' });
    sendersOf(first).forEach((receiveFrom, rank) => members.tell(rank, { connect: { receiveFrom } }));
    await members.all('connected');
    const start = epochSeconds();
    emit({ type: 'training', time: start });
    await this.#playRounds();
    const trainingSeconds = epochSeconds() - start;
    emit({ type: 'stage', text: 'collecting the weights' });
    this.#options.fabric.topology.nodes.forEach(({ rank }) =>
      members.tell(rank, { finish: { deliverWeights: rank === 0 } }),
    );
    const finished = await members.all('finished');
    await this.#writeWeights(scenario);
    this.close();
    return {
      measurements,
      schedules: this.#rounds,
      trainingSeconds,
      computeSeconds: this.#computeSeconds,
      initialLoss,
      finalLoss: finished[0]!.finalLoss ?? NaN,
      weightsHashes: finished.map(({ weightsSha256 }) => weightsSha256),
    };
  }

  #compile(round: number): Schedule {
    const known = this.#rounds[round];
    if (known !== undefined) return known;
    const { scenario, fabric } = this.#options;
    const worldSize = fabric.topology.nodes.length;
    const parameters = parameterCount(scenario.model);
    const schedule = compileRound({
      protocol: scenario.protocol,
      worldSize,
      parameterCount: parameters,
      round,
    });
    this.#rounds.push(schedule);
    return schedule;
  }

  /** Rate and loss of every path that carries slices. */
  #probeRates(schedule: Schedule): Promise<PathMeasurement__Output[]> {
    const datagrams = this.#options.fabric.packetLevel;
    const probes = sendersOf(schedule).map((rateFrom) => ({ rateFrom, datagrams, roundTripTo: [] }));
    return this.#probe(probes, RATE_PROBES_AT_ONCE);
  }

  #probeRoundTrips(): Promise<PathMeasurement__Output[]> {
    const pairs = roundTripPairs(this.#options.fabric.topology.nodes.length);
    const probes = pairs.map((roundTripTo) => ({ rateFrom: [], datagrams: false, roundTripTo }));
    return this.#probe(probes, ROUND_TRIP_PROBES_AT_ONCE);
  }

  /** Has each rank measure what its probe says, so many at once; who fails has more chances, by itself and for longer. */
  async #probe(probes: readonly Probe[], atOnce: number): Promise<PathMeasurement__Output[]> {
    const { members, fabric } = this.#options;
    const measured: PathMeasurement__Output[][] = probes.map(() => []);
    let ranks = probes.map((_, rank) => rank);
    for (let attempt = 0; attempt < PROBE_ATTEMPTS && ranks.length > 0; attempt++) {
      await Promise.race([sleep(1000 * PROBE_PAUSES[attempt]!), members.failure]);
      const together = attempt === 0 ? atOnce : 1;
      const trainScale = PROBE_TRAIN_SCALES[attempt]!;
      for (let at = 0; at < ranks.length; at += together) {
        const batch = ranks.slice(at, at + together);
        for (const rank of batch) members.tell(rank, { probe: { ...probes[rank]!, trainScale } });
        const answers = await Promise.all(batch.map((rank) => members.next(rank, 'probed')));
        batch.forEach((rank, index) => (measured[rank] = answers[index]!.measurements));
      }
      ranks = ranks.filter((rank) => probeChecks(measured[rank]!, fabric.topology).some(({ ok }) => !ok));
    }
    return measured.flat();
  }

  async #playRounds(): Promise<void> {
    const { members, scenario } = this.#options;
    const { rounds } = scenario;
    for (let round = 0; round < Math.min(ROUNDS_AHEAD, rounds); round++) this.#dispatch(round);
    for (let round = 0; round < rounds; round++) {
      await Promise.race([this.#playing[round]!.done.promise, members.failure]);
      if (round + ROUNDS_AHEAD < rounds) this.#dispatch(round + ROUNDS_AHEAD);
    }
  }

  #dispatch(round: number): void {
    const { parts } = this.#compile(round);
    const done = new Deferred<void>();
    done.promise.catch(() => undefined); // Its turn to be waited for may not have come.
    this.#playing[round] = { left: parts.length, done };
    for (const { rank, operations } of parts) {
      this.#options.members.tell(rank, { round: { round, operations: operations.map(toWire) } });
    }
  }

  #hear(rank: number, message: NodeMessage__Output): void {
    try {
      if (message.message === 'stepDone') this.#options.emit({ type: 'step', rank, ...message.stepDone! });
      else if (message.message === 'roundDone') this.#roundDone(rank, message.roundDone!);
    } catch (error) {
      // The trace can't be written: whoever waits for a round must hear of it.
      for (const { done } of this.#playing) done.reject(error);
    }
  }

  #roundDone(rank: number, done: RoundDone__Output): void {
    const { round, eventLoopLagSeconds, outerOverrunSeconds } = done;
    const part = this.#rounds[round]!.parts[rank]!;
    const node = this.#options.fabric.topology.nodes[rank]!.name;
    const { operations: planned } = part;
    const operations = traceOperations({ ...done, node, rank, operations: planned, origin: this.#origin });
    for (const { kind, start, end } of operations)
      if (kind === 'compute') this.#computeSeconds += end - start;
    for (const operation of operations) this.#trace.write(operation);
    this.#trace.flush();
    this.#options.emit({ type: 'round', rank, round, eventLoopLagSeconds, outerOverrunSeconds, operations });
    const playing = this.#playing[round]!;
    if (--playing.left === 0) playing.done.resolve();
  }

  async #writeWeights(scenario: Scenario): Promise<void> {
    const bytes = await this.#options.members.weights;
    const parameters = new Float32Array(new Uint8Array(bytes).buffer);
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
