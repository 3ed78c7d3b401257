/**
 * `meshbeat orchestrate`: conducts a run of nodes that join by themselves, in containers here or elsewhere.
 *
 * It opens its door, leaves the join token where the nodes look for it, and waits in sight of the web page
 * and of Prometheus until all are there. The run itself is the same as anywhere (run/perform.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { RunEvent } from '../run/events.js';
import type { Gathered, Quorum } from '../../orchestrator/lobby.js';
import { InputError, RunError } from '../errors.js';
import { loadScenario, topologyOf, withAddresses, withNodeCount, type Scenario } from '../scenario/index.js';
import { dealDocuments, trainingSettingsOf } from '../training/index.js';
import { hostAndPortOption, type HostAndPort } from './host-and-port.js';
import { listenForInterruption } from './interruption.js';
import { startLog } from './log.js';
import { TOKEN_FILE } from './node.js';
import { Gathering, QUIET_SECONDS } from './run/gathering.js';
import { conclude, reportOf } from './run/outcome.js';
import { performRun, type RunResult } from './run/perform.js';
import { openServers } from './run/servers.js';
import { Watch, type Plan } from './run/watch.js';
import { withSeedAndSets } from './scenario-options.js';
import { integerOption, networkText } from './text.js';

interface OrchestrateFlags {
  readonly listen: HostAndPort;
  readonly tokenFile: string;
  readonly nodes?: Quorum['nodes'];
  readonly out: string;
  readonly seed?: number;
  readonly set: string[];
  readonly web?: HostAndPort;
  readonly linger: number;
  readonly json?: true;
}

export function orchestrateCommand(): Command {
  const command = new Command('orchestrate')
    .description('run a scenario with nodes that join by themselves (meshbeat node, meshbeat capture)')
    .argument('<scenario>', 'a scenario file (YAML)')
    .addOption(
      new Option('--listen <host:port>', 'where nodes join')
        .argParser(hostAndPortOption('--listen'))
        .default({ host: '0.0.0.0', port: 8471 }, '0.0.0.0:8471'),
    )
    .option('--token-file <file>', 'where to leave the join token for them', TOKEN_FILE)
    .option(
      '--nodes <n>',
      'how many nodes to wait for, or "joined": all who have come when nobody new came for ' +
        `${QUIET_SECONDS} s; default: as many as the scenario has. Its mix of nodes is kept`,
      quorumOption,
    )
    .option('--out <dir>', 'folder for run directories', 'runs')
    .option('--web <host:port>', 'serve the live page and /metrics there', hostAndPortOption('--web'))
    .option(
      '--linger <seconds>',
      'after the run, go on serving for so long',
      integerOption('--linger', 0, 3600),
      0,
    )
    .option('--json', 'print the summary as one JSON document on stdout')
    .action(orchestrate);
  return withSeedAndSets(command);
}

function quorumOption(text: string): Quorum['nodes'] {
  return text === 'joined' ? text : integerOption('--nodes', 2, 1024, '"joined"')(text);
}

async function orchestrate(file: string, flags: OrchestrateFlags): Promise<void> {
  const { seed, nodes } = flags;
  const scenario = loadScenario(file, {
    sets: flags.set,
    seed,
    ...(typeof nodes === 'number' ? { nodes } : {}),
    fabric: 'containers',
  });
  checkJoinable(scenario);
  const interruption = listenForInterruption();
  try {
    const result = await conducted(scenario, flags, interruption.signal);
    process.exitCode = conclude(result, flags.json === true);
  } finally {
    interruption.close();
  }
}

/** Whether its mesh can be made of nodes that join; an InputError if not. */
function checkJoinable({ protocol }: Scenario): void {
  if (protocol.kind !== 'object-store') return;
  throw new InputError(
    'protocol.kind: found object-store, whose store nobody joins as; allowed with nodes that join: any other. ' +
      '"meshbeat run" has a store, on both its fabrics, netns and threads',
  );
}

/** Serves the page, gathers the nodes, and runs. */
async function conducted(
  scenario: Scenario,
  flags: OrchestrateFlags,
  signal: AbortSignal,
): Promise<RunResult> {
  const log = startLog();
  const watch = new Watch({ scenario, topology: topologyOf(scenario), fabric: 'containers' });
  const servers = await openServers(flags.web === undefined ? {} : { web: flags.web }, watch);
  const emit = (event: RunEvent): void => {
    watch.apply(event);
    servers.apply(event);
    if (event.type === 'stage') log(event.text);
    else if (event.type === 'network') log(networkText(event));
  };
  for (const line of servers.lines) log(line);
  let gathering: Gathering | undefined;
  try {
    const quorum = quorumOf(scenario, flags);
    gathering = await Gathering.open({ ...flags, quorum, log });
    const gathered = await gathering.gather(signal, ({ joined, text }) => {
      watch.attendance(joined, quorum.nodes === 'joined' ? joined : quorum.nodes);
      emit({ type: 'stage', text });
    });
    const plan = planFor(scenario, gathered);
    watch.change(plan);
    watch.attendance(gathered.nodes.length, gathered.nodes.length);
    const site = gathering.siteOf(gathered);
    const result = await performRun({ ...plan, site, out: flags.out, emit, signal });
    process.stderr.write(reportOf(result));
    await sleep(1000 * flags.linger, undefined, { signal }).catch(() => undefined);
    return result;
  } catch (error) {
    // Interrupted before the run began: nothing was begun that could have failed.
    throw signal.aborted ? new RunError(String(signal.reason)) : error;
  } finally {
    await gathering?.close();
    await servers.close();
  }
}

function quorumOf(scenario: Scenario, { nodes }: OrchestrateFlags): Quorum {
  checkDocuments(scenario); // A node would find out, but late.
  const planned = topologyOf(scenario).nodes.length;
  return { nodes: nodes ?? planned, observer: scenario.capture.kind !== 'none' };
}

/** The scenario's mix of nodes, for those who have come, at the addresses they have. */
function planFor(scenario: Scenario, { nodes }: Gathered): Plan {
  const scaled = withNodeCount(scenario, nodes.length);
  checkDocuments(scaled);
  const addresses = nodes.map(({ hello }) => hello.address);
  return { scenario: scaled, topology: withAddresses(topologyOf(scaled), addresses), fabric: 'containers' };
}

/** Whether there is text for every node; an InputError if not. */
function checkDocuments(scenario: Scenario): void {
  dealDocuments(trainingSettingsOf(scenario).data);
}
