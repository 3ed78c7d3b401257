/**
 * `meshbeat run`: the main job. Reads a scenario, runs it here, shows it live, and reports.
 *
 * Without root the command starts itself once more inside a user namespace (rootless.ts); everything below
 * then happens there.
 */
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { Board } from '../../orchestrator/board.js';
import { Metrics } from '../../orchestrator/metrics.js';
import { forecast } from '../../orchestrator/schedules/forecast.js';
import { sweepRuntimeFolders } from '../run/runtime-folder.js';
import { loadScenario, topologyOf, type Scenario, type Topology } from '../scenario/index.js';
import { parameterCount } from '../training/index.js';
import { chooseFabric, type Choice, type FabricChoice } from '../wan/choose.js';
import { doorsFromLauncher, ENDING_SIGNALS, runInUserNamespace } from './rootless.js';
import { startView } from './run/live-view.js';
import { LocalSite } from './run/local-site.js';
import { performRun, type RunResult } from './run/perform.js';
import { renderReport } from './run/report.js';
import { openServers, portsOf } from './run/servers.js';
import { integerOption } from './text.js';

export interface RunFlags {
  readonly out: string;
  readonly fabric: FabricChoice;
  readonly set: string[];
  readonly seed?: number;
  readonly metrics?: number;
  /** True where no port was named. */
  readonly web?: number | true;
  readonly json?: true;
}

export function runCommand(): Command {
  return new Command('run')
    .description('run a scenario on this machine: train, capture, measure')
    .argument('<scenario>', 'a scenario file (YAML)')
    .option('--out <dir>', 'folder for run directories', 'runs')
    .addOption(
      new Option('--fabric <fabric>', 'where nodes live')
        .choices(['auto', 'netns', 'threads'])
        .default('auto'),
    )
    .option('--seed <n>', 'seed of everything random', integerOption('--seed', 0, 0xffffffff))
    .option('--set <path=value>', 'override a value of the scenario; may be repeated', collect, [])
    .option(
      '--metrics <port>',
      'serve Prometheus metrics on this port of 127.0.0.1',
      integerOption('--metrics', 1, 65535),
    )
    .option(
      '--web [port]',
      'serve a live page on this port of 127.0.0.1; without a port, on 8480 or the next that is free',
      integerOption('--web', 1, 65535),
    )
    .option('--json', 'print the summary as one JSON document on stdout')
    .action(run);
}

async function run(file: string, flags: RunFlags): Promise<void> {
  const scenario = loadScenario(file, {
    sets: flags.set,
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
  });
  const found = chooseFabric(flags.fabric);
  const isInside = doorsFromLauncher() !== undefined;
  if (found.rootless && !isInside) {
    process.exitCode = await runInUserNamespace(portsOf(flags));
    return;
  }
  sweepRuntimeFolders();
  // Inside the user namespace one looks like root to oneself.
  const choice = isInside
    ? { ...found, reason: `${found.reason}, without root, in a user namespace` }
    : found;
  const result = await watched(scenario, choice, flags);
  if (flags.json && result.summary !== undefined) {
    process.stdout.write(JSON.stringify(result.summary, null, 2) + '\n');
  }
  if (result.failure !== undefined || result.summary?.gate.verdict !== 'valid') process.exitCode = 1;
}

/** Runs with a view on stderr, the metrics endpoint if asked for, and an ear for signals. */
async function watched(scenario: Scenario, choice: Choice, flags: RunFlags): Promise<RunResult> {
  const topology = topologyOf(scenario);
  const { protocol, rounds, pace } = scenario;
  const stepsPerRound = protocol.kind === 'diloco' ? protocol.innerSteps : 1;
  const board = new Board(topology, {
    scenario: scenario.name,
    protocol: protocol.kind,
    fabric: choice.kind,
    rounds,
    stepsPerRound,
    pace,
    expectedPeriodSeconds: expectedPeriod(scenario, topology),
  });
  const metrics = new Metrics(topology, {
    scenario: scenario.name,
    protocol: protocol.kind,
    fabric: choice.kind,
  });
  const servers = await openServers(portsOf(flags), {
    snapshot: () => board.snapshot(),
    metrics: () => metrics,
  });
  const title = `meshbeat ${scenario.name}: ${topology.nodes.length} nodes, ${protocol.kind}, ${choice.kind}`;
  const view = startView({ stream: process.stderr, snapshot: () => board.snapshot(), title });
  for (const line of servers.lines) view.line(line);
  const interruption = new AbortController();
  const stopListening = onSignals((signal) => interruption.abort(`interrupted by ${signal}`));
  try {
    const result = await performRun({
      scenario,
      topology,
      site: new LocalSite(choice),
      out: flags.out,
      signal: interruption.signal,
      emit: (event) => {
        board.apply(event);
        metrics.apply(event);
        servers.apply(event);
        if (event.type === 'stage') view.line(event.text);
      },
    });
    view.stop();
    process.stderr.write(reportOf(result));
    return result;
  } finally {
    view.stop();
    stopListening();
    await servers.close();
  }
}

function expectedPeriod(scenario: Scenario, topology: Topology): number {
  const { protocol, pace, outerPace, model, transport } = scenario;
  const plan = { protocol, topology, pace, outerPace, tls: transport.tls };
  return forecast({ ...plan, parameterCount: parameterCount(model), round: 0 }).heartbeat.periodSeconds;
}

function reportOf({ summary, failure, directory }: RunResult): string {
  if (summary !== undefined) {
    const colour = process.stderr.isTTY === true && pc.isColorSupported;
    return renderReport(summary, {
      directory: directory.path,
      colour,
      ...(failure === undefined ? {} : { failure }),
    });
  }
  return `run failed: ${failure}\nwhat was written up to then is in ${directory.path}\n`;
}

/** The first signal ends the run in order; a second one, at once. */
function onSignals(interrupt: (signal: string) => void): () => void {
  let interrupted = false;
  const listener = (signal: NodeJS.Signals): void => {
    if (interrupted) process.exit(1);
    interrupted = true;
    interrupt(signal);
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, listener);
  return () => ENDING_SIGNALS.forEach((signal) => process.off(signal, listener));
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
