/** The options by which commands change the scenario that they are given, the same for all of them. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { integerOption } from './text.js';

export interface ScenarioFlags {
  readonly set: string[];
  readonly seed?: number;
  readonly nodes?: number;
}

/** Adds `--seed`, `--nodes` and `--set`. */
export function withScenarioOptions(command: Command): Command {
  return withSeedAndSets(
    command.option(
      '--nodes <n>',
      'so many nodes, in the mix that the scenario has',
      integerOption('--nodes', 2, 1024),
    ),
  );
}

/** Adds `--seed` and `--set`, for those whose `--nodes` means something else. */
export function withSeedAndSets(command: Command): Command {
  return command
    .option('--seed <n>', 'seed of everything random', integerOption('--seed', 0, 0xffffffff))
    .option(
      '--set <path=value>',
      'override a value of the scenario; may be repeated',
      (value: string, before: readonly string[]) => [...before, value],
      [],
    );
}

/** `--fabric`. */
export const fabricOption = (): Option =>
  new Option('--fabric <fabric>', 'where nodes live').choices(['auto', 'netns', 'threads']).default('auto');
