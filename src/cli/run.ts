/**
 * `meshbeat run`: the main job. Reads a scenario, runs it here, shows it live, and reports.
 *
 * Without root the command starts itself once more inside a user namespace (rootless.ts); everything below
 * then happens there.
 */
import { Command } from 'commander';
import { sweepRuntimeFolders } from '../run/runtime-folder.js';
import { isTraining, loadAnyScenario, placeInFile, topologyOf, type AnyScenario } from '../scenario/index.js';
import { chooseFabric, requireDriver, type Choice, type FabricChoice } from '../wan/choose.js';
import { listenForInterruption } from './interruption.js';
import { doorsFromLauncher, runInUserNamespace } from './rootless.js';
import { startView } from './run/live-view.js';
import { LocalSite } from './run/local-site.js';
import { conclude, reportOf } from './run/outcome.js';
import { performRun, type RunResult } from './run/perform.js';
import { openServers, portsOf } from './run/servers.js';
import { checkPrograms } from './run/runnable.js';
import { Watch, type Plan } from './run/watch.js';
import { fabricOption, withScenarioOptions } from './scenario-options.js';
import type { ScenarioFlags } from './scenario-options.js';
import { integerOption, networkText } from './text.js';

export interface RunFlags extends ScenarioFlags {
  readonly out: string;
  readonly fabric: FabricChoice;
  readonly metrics?: number;
  /** True where no port was named. */
  readonly web?: number | true;
  readonly json?: true;
}

export function runCommand(): Command {
  const command = new Command('run')
    .description('run a scenario on this machine: train, capture, measure')
    .argument('<scenario>', 'a scenario file (YAML)')
    .option('--out <dir>', 'folder for run directories', 'runs')
    .addOption(fabricOption())
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
  return withScenarioOptions(command);
}

async function run(file: string, flags: RunFlags): Promise<void> {
  const found = chooseFabric(flags.fabric);
  const scenario = loadAnyScenario(file, {
    sets: flags.set,
    seed: flags.seed,
    nodes: flags.nodes,
    fabric: found.kind,
  });
  checkPrograms(scenario, file);
  requireDriver(scenario.wan.driver, found, placeInFile(file, ['wan', 'driver']));
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
  process.exitCode = conclude(await watched(scenario, choice, flags), flags.json === true);
}

/** Runs with a view on stderr, the servers asked for, and an ear for signals. */
async function watched(scenario: AnyScenario, choice: Choice, flags: RunFlags): Promise<RunResult> {
  const plan = { scenario, topology: topologyOf(scenario), fabric: choice.kind };
  const watch = new Watch(plan);
  const servers = await openServers(portsOf(flags), watch);
  const title = `meshbeat ${scenario.name}: ${castText(plan)}, ${choice.kind}`;
  const view = startView({ stream: process.stderr, snapshot: watch.snapshot, title });
  for (const line of servers.lines) view.line(line);
  const interruption = listenForInterruption();
  try {
    const result = await performRun({
      ...plan,
      site: new LocalSite(choice),
      out: flags.out,
      signal: interruption.signal,
      emit: (event) => {
        watch.apply(event);
        servers.apply(event);
        if (event.type === 'stage') view.line(event.text);
        else if (event.type === 'network') view.line(networkText(event));
      },
    });
    view.stop();
    process.stderr.write(reportOf(result));
    return result;
  } finally {
    view.stop();
    interruption.close();
    await servers.close();
  }
}

/** "4 nodes, diloco and 3 programs". */
function castText({
  scenario,
  topology: { nodes, hosts = [] },
}: Pick<Plan, 'scenario' | 'topology'>): string {
  const programs = hosts.filter(({ program }) => program !== undefined).length;
  const cast = [
    ...(isTraining(scenario) ? [`${nodes.length} nodes, ${scenario.protocol.kind}`] : []),
    ...(programs === 0 ? [] : [`${programs} ${programs === 1 ? 'program' : 'programs'}`]),
  ];
  return cast.join(' and ');
}
