/**
 * A whole run, from scenario to verdict: opens the site's network and members, lets the conductor conduct, or
 * programs run where nobody trains, analyses the capture, and takes everything down again.
 *
 * This is where the rooms of the house meet; each is owned here and ended here, in the reverse of the order
 * in which it was opened, whatever happens in between. Both ends of a run, good and bad, leave a manifest.
 */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgramHost } from '../../../nodes/program-host.js';
import { Conductor } from '../../../orchestrator/conductor.js';
import type { RunEvent, RunListener } from '../../run/events.js';
import { NetworkEvents } from '../../../orchestrator/network-events.js';
import { paceChecks } from '../../../orchestrator/gate.js';
import { epochSeconds } from '../../clock.js';
import { Deferred } from '../../deferred.js';
import { messageOf, RunError } from '../../errors.js';
import { RunDirectory } from '../../run/directory.js';
import type { AnySummary, GateCheck, GateVerdict, RunManifest, TraceProgram } from '../../run/files.js';
import { JsonLines } from '../../run/json-lines.js';
import { traceHeaderOf } from '../../run/trace-header.js';
import {
  asNetwork,
  hostsOf,
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
import { observe } from './observations.js';
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
    directory.writeJson('manifest.json', await run.manifest(startedAt, failure, summary?.gate));
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
  /** Ends what was opened; the newest first. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  /** What is being opened, or has been. */
  readonly #openings: Promise<unknown>[] = [];
  #closing = false;
  /** Rejects when the run must end early. */
  readonly #broken = new Deferred<never>();
  #capture: RunningCapture | undefined;
  #sampler: Sampler | undefined;
  #programs: ProgramHost | undefined;
  /** By host: ends and starts of its program, one after the other. */
  readonly #outages = new Map<number, Promise<void>>();
  #fabric: Fabric | undefined;
  #overruns = 0;
  #eventLoopLag = 0;
  /** What the probe said of the paths. */
  #probed: readonly GateCheck[] = [];

  constructor(options: RunOptions, directory: RunDirectory) {
    this.#options = options;
    this.#directory = directory;
    this.#context = {
      scenario: options.scenario,
      topology: options.topology,
      run: directory.id,
      stage: (text) => this.#emit({ type: 'stage', text }),
      own: (close) => void this.#closers.push(close),
      breakOff: (reason) => this.#broken.reject(reason),
    };
    this.#broken.promise.catch(() => undefined);
    const abort = (): void => this.#broken.reject(new RunError(String(options.signal.reason)));
    if (options.signal.aborted) abort();
    options.signal.addEventListener('abort', abort, { once: true });
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
        startCapture: () => this.#open(() => this.#startCapture(fabric)),
        startPrograms: () => this.#startPrograms(fabric, conductor.origin),
        stopPrograms: () => this.#stopPrograms(),
      });
      playing.catch(() => undefined); // It may fail while everything is being ended for another reason.
      return this.#orBroken(playing);
    });
    const [overruns, eventLoopLag] = [this.#overruns, this.#eventLoopLag];
    return summarize({ scenario, outcome: played, overruns, eventLoopLag, ...evidence });
  }

  async #runPrograms(scenario: ProgramsScenario): Promise<AnySummary> {
    const { emit } = this.#options;
    const { played, ...evidence } = await this.#play(async (fabric) => {
      const origin = epochSeconds();
      const trace = new JsonLines(this.#directory.file(TRACE_FILE));
      this.#closers.push(() => trace.close());
      trace.write(traceHeaderOf(fabric.topology, origin));
      trace.flush();
      this.#watch(fabric, asNetwork(fabric.topology), origin);
      await this.#open(() => this.#startCapture(fabric));
      await this.#startPrograms(fabric, origin);
      const events = new NetworkEvents({
        ...{ scenario, fabric, origin },
        emit: (event) => this.#emit(event),
        write: (line) => this.#orBreak(() => trace.write(line)),
      });
      const zero = await this.#orBroken(events.begin());
      emit({ type: 'training', time: zero });
      emit({ type: 'stage', text: 'programs are running' });
      await this.#orBroken(sleep(1000 * Math.max(0, zero + scenario.duration - epochSeconds())));
      const facts = events.facts(epochSeconds() - zero);
      const programs = await this.#stopPrograms();
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
      fabric = await this.#open(() => site.openFabric(this.#context));
      this.#fabric = fabric;
      played = await play(fabric);
      captured = await this.#capture?.stop();
    } finally {
      await this.#closeAll();
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

  async manifest(
    startedAt: Date,
    failure: string | undefined,
    gate: GateVerdict | undefined,
  ): Promise<RunManifest> {
    const { scenario, site } = this.#options;
    return {
      meshbeat: version,
      id: this.#directory.id,
      scenario: scenario.name,
      seed: scenario.seed,
      startedAt: startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      fabric: site.fabric,
      fabricReason: site.reason,
      wanDriver: site.fabric === 'threads' ? 'relay' : scenario.wan.driver,
      tunnel: this.#tunnel(),
      captureKind: this.#capture?.kind ?? null,
      outcome: failure ?? 'done',
      gate: gate ?? { verdict: 'invalid', checks: [] },
      host: {
        platform: process.platform,
        kernel: os.release(),
        cores: os.availableParallelism(),
        node: process.version,
      },
      files: await this.#directory.files(),
    };
  }

  #tunnel(): RunManifest['tunnel'] {
    const { topology } = this.#options;
    const { tunnel } = topology;
    if (tunnel === undefined) return null;
    const nameOf = (position: number) => hostsOf(topology)[position]!.name;
    return {
      kind: tunnel.kind,
      implementation: this.#fabric?.tunnel ?? '',
      hub: tunnel.hub === undefined ? null : nameOf(tunnel.hub),
      relays: tunnel.relays.map(nameOf),
    };
  }

  /** Has the members on their way, everything watching, and the nodes started. */
  async #assemble(context: RunContext, fabric: Fabric): Promise<Conductor> {
    const { site } = this.#options;
    const members = await this.#open(() => site.openMembers(context, fabric));
    const conductor = new Conductor({
      scenario: context.scenario,
      fabric,
      members,
      directory: this.#directory,
      emit: (event) => this.#emit(event),
      ...(site.reviver === undefined ? {} : { reviver: site.reviver }),
    });
    this.#closers.push(() => conductor.close());
    this.#watch(fabric, fabric.topology, conductor.origin);
    await this.#open(() => site.startNodes(context, fabric, members));
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
      onFailure: (error) => this.#broken.reject(error),
    });
    this.#sampler = sampler;
    this.#closers.push(() => sampler.close());
  }

  /** Starts the programs, if there are any. */
  async #startPrograms(fabric: Fabric, origin: number): Promise<void> {
    const { topology } = this.#options;
    if (hostsOf(topology).every(({ program }) => program === undefined)) return;
    this.#emit({ type: 'stage', text: 'starting the programs' });
    this.#programs = await this.#open(async () => {
      // Only here, since it brings system calls that not every platform has.
      const { ProgramHost } = await import('../../../nodes/program-host.js');
      const programs = ProgramHost.start({
        topology,
        placements: fabric.placements,
        logs: this.#directory.file(PROGRAMS_FOLDER),
        origin,
        onFailure: (error) => this.#broken.reject(error),
      });
      this.#closers.push(() => programs.close());
      return programs;
    });
  }

  /** A host that crashes takes its program with it; back again, it starts it anew. */
  #followOutage({ kind, hosts }: Extract<RunEvent, { type: 'network' }>): void {
    const programs = this.#programs;
    if (programs === undefined || (kind !== 'crash' && kind !== 'return')) return;
    for (const host of hosts) {
      const work = (this.#outages.get(host) ?? Promise.resolve()).then(() =>
        kind === 'crash' ? programs.kill(host) : programs.start(host),
      );
      work.catch((error: unknown) => this.#broken.reject(error));
      this.#outages.set(host, work);
    }
  }

  /** Asks them to end; what they leave in the trace. */
  async #stopPrograms(): Promise<readonly TraceProgram[]> {
    await this.#orBroken(Promise.all(this.#outages.values()));
    await this.#programs?.stop();
    return this.#programs?.ended ?? [];
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
      onFailure: (error) => this.#broken.reject(error),
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
      this.#followOutage(event);
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

  /** Does something; what goes wrong with it ends the run. */
  #orBreak(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#broken.reject(error);
    }
  }

  #orBroken<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#broken.promise]);
  }

  /** Opens something. A run that breaks off meanwhile goes on to its end at once, but closes it all the same. */
  async #open<T>(open: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new RunError('the run is ending');
    const opening = open();
    this.#openings.push(opening);
    return this.#orBroken(opening);
  }

  /** Closes everything, even if closing one thing fails; the first failure is thrown at the end. */
  async #closeAll(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.#openings);
    const failures: unknown[] = [];
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#closers.length = 0;
    if (failures.length > 0) throw new RunError(messageOf(failures[0]));
  }
}
