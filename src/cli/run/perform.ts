/**
 * A whole run, from scenario to verdict: opens the site's network and members, lets the conductor conduct, or
 * programs run where nobody trains, analyses the capture, and takes everything down again.
 *
 * This is where the rooms of the house meet; each is owned here and ended here, in the reverse of the order
 * in which it was opened, whatever happens in between. Both ends of a run, good and bad, leave a manifest.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Conductor } from '../../../orchestrator/conductor.js';
import type { RunEvent, RunListener } from '../../run/events.js';
import { NetworkEvents } from '../../../orchestrator/network-events.js';
import { paceChecks } from '../../../orchestrator/gate.js';
import { epochSeconds } from '../../clock.js';
import { messageOf } from '../../errors.js';
import { RunDirectory } from '../../run/directory.js';
import type { AnySummary, GateCheck } from '../../run/files.js';
import { JsonLines } from '../../run/json-lines.js';
import { traceHeaderOf } from '../../run/trace-header.js';
import {
  asNetwork,
  isTraining,
  scenarioToYaml,
  withTracesBeside,
  type AnyScenario,
  type ProgramsScenario,
  type Scenario,
  type Topology,
} from '../../scenario/index.js';
import type { CaptureResult, Fabric, RunningCapture } from '../../wan/fabric.js';
import { version } from '../version.js';
import { Lifetime } from './lifetime.js';
import { manifestOf, type RunFacts } from './manifest.js';
import { observe } from './observations.js';
import { Programs } from './programs.js';
import { Sampler } from './sampler.js';
import type { RunContext, Site } from './site.js';
import { programAddresses, summarize, summarizePrograms, type NetworkEvidence } from './summarize.js';

export interface RunOptions {
  readonly scenario: AnyScenario;
  readonly topology: Topology;
  readonly site: Site;
  /** Folder that holds run directories. */
  readonly out: string;
  readonly emit: RunListener;
  /** Aborted with the reason when the run is to end early. */
  readonly signal: AbortSignal;
}

export interface RunResult {
  readonly directory: RunDirectory;
  /** Absent when the run broke off. */
  readonly summary?: AnySummary;
  /** Why it broke off. */
  readonly failure?: string;
}

const CAPTURE_FILE = 'capture.pcapng';
const TRACE_FILE = 'trace.jsonl';
/** Folder for what programs print. */
const PROGRAMS_FOLDER = 'programs';

/** Never rejects for what happens in the run; only when not even a run directory can be made. */
export async function performRun(options: RunOptions): Promise<RunResult> {
  const startedAt = new Date();
  const directory = RunDirectory.create(options.out, options.scenario.name, startedAt);
  const run = new Run(options, directory);
  options.emit({ type: 'run', id: directory.id });
  let summary: AnySummary | undefined;
  let failure: string | undefined;
  try {
    const { scenario, files } = withTracesBeside(options.scenario);
    for (const { name, text } of files) directory.write(name, text);
    directory.write('scenario.yaml', scenarioToYaml(scenario));
    summary = await run.perform();
    options.emit({ type: 'gate', checks: summary.gate.checks, final: true });
  } catch (error) {
    failure = messageOf(error);
  }
  try {
    if (summary !== undefined) directory.writeJson('summary.json', summary);
    const ending = {
      startedAt,
      ...(failure === undefined ? {} : { failure }),
      ...(summary === undefined ? {} : { gate: summary.gate }),
    };
    directory.writeJson('manifest.json', await manifestOf(run.facts(), directory, ending));
  } catch (error) {
    failure ??= messageOf(error);
  }
  options.emit({ type: 'ended', failure: failure ?? null });
  return {
    directory,
    ...(summary === undefined ? {} : { summary }),
    ...(failure === undefined ? {} : { failure }),
  };
}

class Run {
  readonly #options: RunOptions;
  readonly #directory: RunDirectory;
  readonly #context: RunContext<AnyScenario>;
  readonly #lifetime: Lifetime;
  readonly #programs: Programs;
  #capture: RunningCapture | undefined;
  #sampler: Sampler | undefined;
  #fabric: Fabric | undefined;
  #overruns = 0;
  #eventLoopLag = 0;
  /** What the probe said of the paths. */
  #probed: readonly GateCheck[] = [];

  constructor(options: RunOptions, directory: RunDirectory) {
    this.#options = options;
    this.#directory = directory;
    const { scenario, topology } = options;
    const lifetime = new Lifetime(options.signal);
    const stage = (text: string): void => this.#emit({ type: 'stage', text });
    this.#lifetime = lifetime;
    this.#programs = new Programs({ topology, lifetime, logs: directory.file(PROGRAMS_FOLDER), stage });
    this.#context = {
      ...{ scenario, topology, stage },
      run: directory.id,
      own: (close) => lifetime.own(close),
      breakOff: (reason) => lifetime.breakOff(reason),
    };
  }

  async perform(): Promise<AnySummary> {
    const { scenario } = this.#options;
    return isTraining(scenario) ? this.#train(scenario) : this.#runPrograms(scenario);
  }

  async #train(scenario: Scenario): Promise<AnySummary> {
    const context = { ...this.#context, scenario };
    const { played, ...evidence } = await this.#play(async (fabric) => {
      const conductor = await this.#assemble(context, fabric);
      const playing = conductor.conduct({
        startCapture: () => this.#lifetime.open(() => this.#startCapture(fabric)),
        startPrograms: () => this.#programs.start(fabric, conductor.origin),
        stopPrograms: () => this.#programs.stop(),
      });
      playing.catch(() => undefined); // It may fail while everything is being ended for another reason.
      return this.#lifetime.wait(playing);
    });
    const [overruns, eventLoopLag] = [this.#overruns, this.#eventLoopLag];
    return summarize({ scenario, outcome: played, overruns, eventLoopLag, ...evidence });
  }

  async #runPrograms(scenario: ProgramsScenario): Promise<AnySummary> {
    const { emit } = this.#options;
    const { played, ...evidence } = await this.#play(async (fabric) => {
      const origin = epochSeconds();
      const trace = new JsonLines(this.#directory.file(TRACE_FILE));
      this.#lifetime.own(() => trace.close());
      trace.write(traceHeaderOf(fabric.topology, origin));
      trace.flush();
      this.#watch(fabric, asNetwork(fabric.topology), origin);
      await this.#lifetime.open(() => this.#startCapture(fabric));
      await this.#programs.start(fabric, origin);
      const events = new NetworkEvents({
        ...{ scenario, fabric, origin },
        emit: (event) => this.#emit(event),
        write: (line) => this.#lifetime.attempt(() => trace.write(line)),
      });
      const zero = await this.#lifetime.wait(events.begin());
      emit({ type: 'training', time: zero });
      emit({ type: 'stage', text: 'programs are running' });
      await this.#lifetime.wait(sleep(1000 * Math.max(0, zero + scenario.duration - epochSeconds())));
      const facts = events.facts(epochSeconds() - zero);
      const programs = await this.#programs.stop();
      for (const line of programs) trace.write(line);
      return { programs, ...(facts === undefined ? {} : { events: facts }) };
    });
    return summarizePrograms({ scenario, ...played, ...evidence });
  }

  /** Has something played on the site's network, and takes everything down; what it came to, and the network too. */
  async #play<T>(play: (fabric: Fabric) => Promise<T>): Promise<NetworkEvidence & { readonly played: T }> {
    const { topology, site } = this.#options;
    const started = epochSeconds();
    let played: T;
    let fabric: Fabric;
    let captured: CaptureResult | undefined;
    try {
      fabric = await this.#lifetime.open(() => site.openFabric(this.#context));
      this.#fabric = fabric;
      played = await play(fabric);
      captured = await this.#capture?.stop();
    } finally {
      await this.#lifetime.closeAll();
    }
    this.#emit({ type: 'stage', text: 'analysing the capture' });
    return {
      played,
      topology,
      fabric: fabric.kind,
      lateness: fabric.lateness(),
      ...(await this.#analyse(captured)),
      durationSeconds: epochSeconds() - started,
    };
  }

  async #analyse(result: CaptureResult | undefined): Promise<Pick<NetworkEvidence, 'capture'>> {
    if (result === undefined || this.#capture === undefined) return {};
    const { scenario, topology } = this.#options;
    // Training has a heartbeat of its own, which what runs beside it shall not blur.
    const beatless = isTraining(scenario) ? programAddresses(topology) : new Set<string>();
    const seen = await observe({
      capture: this.#directory.file(CAPTURE_FILE),
      ...{ scenario, topology },
      fileOf: (name) => this.#directory.file(name),
      comment: this.#comment,
      beatless,
    });
    return { capture: { file: CAPTURE_FILE, kind: this.#capture.kind, result, ...seen } };
  }

  /** What the manifest says of the run besides its outcome. */
  facts(): RunFacts {
    const { scenario, topology, site } = this.#options;
    const captureKind = this.#capture?.kind ?? null;
    return { scenario, topology, site, captureKind, tunnel: this.#fabric?.tunnel ?? '' };
  }

  /** Has the members on their way, everything watching, and the nodes started. */
  async #assemble(context: RunContext, fabric: Fabric): Promise<Conductor> {
    const { site } = this.#options;
    const members = await this.#lifetime.open(() => site.openMembers(context, fabric));
    const conductor = new Conductor({
      scenario: context.scenario,
      fabric,
      members,
      directory: this.#directory,
      emit: (event) => this.#emit(event),
      ...(site.reviver === undefined ? {} : { reviver: site.reviver }),
    });
    this.#lifetime.own(() => conductor.close());
    this.#watch(fabric, fabric.topology, conductor.origin);
    await this.#lifetime.open(() => site.startNodes(context, fabric, members));
    return conductor;
  }

  /** Reads the fabric's meters from now on, those of the topology's nodes. */
  #watch(fabric: Fabric, topology: Topology, origin: number): void {
    const sampler = new Sampler({
      fabric,
      topology,
      file: this.#directory.file('metrics.jsonl'),
      origin,
      emit: this.#options.emit,
      onFailure: (error) => this.#lifetime.breakOff(error),
    });
    this.#sampler = sampler;
    this.#lifetime.own(() => sampler.close());
  }

  async #startCapture(fabric: Fabric): Promise<RunningCapture | undefined> {
    const { scenario } = this.#options;
    const { kind, snaplen } = scenario.capture;
    if (kind === 'none') return undefined;
    this.#capture = await fabric.capture({
      file: this.#directory.file(CAPTURE_FILE),
      kind,
      snaplen,
      comment: this.#comment,
      onFailure: (error) => this.#lifetime.breakOff(error),
    });
    return this.#capture;
  }

  /** What captures say of where they come from. */
  get #comment(): string {
    const { name, seed } = this.#options.scenario;
    return `meshbeat ${version}: ${name}, seed ${seed}, run ${this.#directory.id}`;
  }

  #emit(event: RunEvent): void {
    if (event.type === 'step') {
      if (event.overrunSeconds > 0) this.#overruns++;
    } else if (event.type === 'round') {
      if (event.outerOverrunSeconds > 0) this.#overruns++;
      this.#eventLoopLag = Math.max(this.#eventLoopLag, event.eventLoopLagSeconds);
    } else if (event.type === 'network') {
      this.#programs.followOutage(event);
    }
    this.#sampler?.apply(event);
    this.#options.emit(event);
    if (event.type === 'gate') this.#probed = event.checks;
    else if (event.type === 'round' && event.rank === 0) this.#showGate();
  }

  /** How the gate stands after a round. */
  #showGate(): void {
    const lateness = this.#fabric?.lateness();
    if (lateness === undefined) return;
    const [overruns, eventLoopLag] = [this.#overruns, this.#eventLoopLag];
    const checks = [...this.#probed, ...paceChecks({ overruns, lateness, eventLoopLag })];
    this.#options.emit({ type: 'gate', checks, final: false });
  }
}
