/**
 * `meshbeat schedule`: see a run before it runs. Draws one round, in the terminal or as SVG, and tells its bytes, in
 * closed form and as framed for the wire, and the heartbeat to expect. Nothing is sent and nothing trained;
 * times come from the simulator, whose assumptions src/simulation/timeline.ts states.
 *
 * Here are the options and where the output goes; schedule/view.ts works out what there is to show, and
 * schedule/page.ts and schedule/document.ts say it to people and to programs.
 */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import pc from 'picocolors';
import { InputError, messageOf } from '../errors.js';
import { loadScenario } from '../scenario/index.js';
import { documentOf } from './schedule/document.js';
import { pageOf, svgOf } from './schedule/page.js';
import { viewOf } from './schedule/view.js';
import { withScenarioOptions } from './scenario-options.js';
import type { ScenarioFlags } from './scenario-options.js';
import { integerOption, timeOption } from './text.js';

const DEFAULT_COLUMNS = 100;
const STDOUT = '-';

interface ScheduleFlags extends ScenarioFlags {
  readonly round?: number;
  readonly json?: true;
  readonly svg?: string;
  readonly width?: number;
  readonly transfers?: true;
  readonly from?: number;
  readonly to?: number;
}

export function scheduleCommand(): Command {
  const command = new Command('schedule')
    .description('draw one round of a scenario over time, with its bytes and expected times')
    .argument('<scenario>', 'a scenario file (YAML)')
    .option(
      '--round <n>',
      'round to draw, counting from 0 (default: 1)',
      integerOption('--round', 0, 100_000),
    )
    .option('--from <time>', 'draw from so long after the round began, e.g. "1.5 s"', timeOption('--from'))
    .option('--to <time>', 'draw until so long after the round began', timeOption('--to'))
    .option('--transfers', 'draw the messages of pipelines too, in rows of their own')
    .option(
      '--width <columns>',
      'columns to draw in (default: the terminal)',
      integerOption('--width', 60, 1000),
    )
    .option('--svg <file>', 'write the picture as SVG, over what is there, instead of printing; - prints it')
    .option('--json', 'print one JSON document instead')
    .action((file: string, flags: ScheduleFlags) => show(file, flags));
  return withScenarioOptions(command);
}

function show(file: string, { set, seed, nodes, round, json, svg, width, ...stretch }: ScheduleFlags): void {
  if (json && svg === STDOUT) throw new InputError('--svg: found "-" with --json; allowed: a file');
  const { from = 0, to = Infinity } = stretch;
  if (from >= to) throw new InputError('--to: found a time that is not after --from; allowed: a later one');
  const scenario = loadScenario(file, { sets: set, seed, nodes });
  const view = viewOf(scenario, round);
  const print = (text: string) => process.stdout.write(text);
  if (svg === STDOUT) print(svgOf(view, stretch));
  else if (svg !== undefined) writePicture(svg, svgOf(view, stretch));
  if (json) print(`${JSON.stringify(documentOf(view), null, 2)}\n`);
  if (json || svg !== undefined) return;
  const columns = width ?? process.stdout.columns ?? DEFAULT_COLUMNS;
  const colour = process.stdout.isTTY === true && pc.isColorSupported;
  print(`${pageOf(view, { width: columns, colour, ...stretch })}\n`);
}

function writePicture(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw new InputError(`--svg: found "${file}" (${messageOf(error)}); allowed: a file that can be written`);
  }
}
