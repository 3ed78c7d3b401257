/**
 * `meshbeat verify`: is the network what the scenario says? Opens it as a run would, trains nothing, measures each
 * property and prints it beside what was set.
 *
 * Here are the options and the opening and closing; src/fidelity measures and judges, verify/report.ts words it.
 */
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { epochSeconds } from '../clock.js';
import { messageOf } from '../errors.js';
import { QUICK, THOROUGH, verify, type Thoroughness } from '../fidelity/verify.js';
import { packageRoot } from '../package-root.js';
import type { VerificationDocument } from '../run/files.js';
import { sweepRuntimeFolders } from '../run/runtime-folder.js';
import { loadAnyScenario, placeInFile, topologyOf, type AnyScenario } from '../scenario/index.js';
import { chooseFabric, requireDriver, type Choice, type FabricChoice } from '../wan/choose.js';
import { listenForInterruption } from './interruption.js';
import { startLog } from './log.js';
import { doorsFromLauncher, runInUserNamespace } from './rootless.js';
import { LocalSite } from './run/local-site.js';
import { fabricOption, withScenarioOptions } from './scenario-options.js';
import type { ScenarioFlags } from './scenario-options.js';
import { renderVerification } from './verify/report.js';
import { version } from './version.js';

const DEFAULT_SCENARIO = path.join(packageRoot, 'scenarios', 'diloco.yaml');

interface VerifyFlags extends ScenarioFlags {
  readonly fabric: FabricChoice;
  readonly quick?: true;
  readonly all?: true;
  readonly json?: true;
}

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('measure the network of a scenario against what it says, without training')
    .argument('[scenario]', 'a scenario file (YAML); default: the one that npm start runs')
    .addOption(fabricOption())
    .option('--quick', 'measure less of everything: wider intervals, a fraction of the time')
    .option('--all', 'print every measurement, and not the worst of each property')
    .option('--json', 'print one JSON document on stdout instead')
    .action(run);
  return withScenarioOptions(command);
}

async function run(file: string | undefined, flags: VerifyFlags): Promise<void> {
  const choice = chooseFabric(flags.fabric);
  const scenario = loadAnyScenario(file ?? DEFAULT_SCENARIO, {
    sets: flags.set,
    seed: flags.seed,
    nodes: flags.nodes,
    fabric: choice.kind,
  });
  requireDriver(scenario.wan.driver, choice, placeInFile(file ?? DEFAULT_SCENARIO, ['wan', 'driver']));
  if (choice.rootless && doorsFromLauncher() === undefined) {
    process.exitCode = await runInUserNamespace({});
    return;
  }
  sweepRuntimeFolders();
  const document = await measured(scenario, choice, flags.quick ? QUICK : THOROUGH);
  const colour = process.stdout.isTTY === true && pc.isColorSupported;
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(document, null, 2)}\n`
      : renderVerification(document, { colour, all: flags.all === true }),
  );
  process.exitCode = document.verdict === 'faithful' ? 0 : 1;
}

/** Opens the network, measures it, and closes it, whatever happens in between. */
async function measured(
  scenario: AnyScenario,
  choice: Choice,
  thoroughness: Thoroughness,
): Promise<VerificationDocument> {
  const startedAt = new Date();
  const start = epochSeconds();
  const log = startLog();
  // A tunnel has a size and a way of its own; what was set is the network that it crosses.
  const bare: AnyScenario = { ...scenario, tunnel: 'none' };
  const topology = topologyOf(bare);
  const interruption = listenForInterruption();
  const broken = new AbortController();
  const closers: (() => Promise<void> | void)[] = [() => interruption.close()];
  try {
    const fabric = await new LocalSite(choice).openFabric({
      ...{ scenario: bare, topology, run: 'verify', stage: log },
      own: (close) => void closers.push(close),
      breakOff: (reason) => broken.abort(messageOf(reason)),
    });
    const signal = AbortSignal.any([interruption.signal, broken.signal]);
    const { checks, unmeasured } = await verify({ fabric, topology, thoroughness, progress: log, signal });
    return {
      meshbeat: version,
      scenario: scenario.name,
      seed: scenario.seed,
      nodes: topology.nodes.length,
      fabric: fabric.kind,
      startedAt: startedAt.toISOString(),
      durationSeconds: epochSeconds() - start,
      verdict: checks.every(({ ok }) => ok) ? 'faithful' : 'unfaithful',
      checks: checks.map((check) => ({ ...check, measured: numberOrNull(check.measured) })),
      unmeasured: scenario.tunnel === 'none' ? unmeasured : [...unmeasured, TUNNEL],
      host: {
        platform: process.platform,
        kernel: os.release(),
        cores: os.availableParallelism(),
        node: process.version,
      },
    };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

const TUNNEL = {
  property: 'tunnel',
  path: 'all',
  reason: 'the network that it crosses is measured, without it',
};

/** JSON has no word for what is not a number. */
const numberOrNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
