/**
 * `meshbeat match`: would detection that exists today fire on this traffic?
 *
 * This file has the options; src/detection/patterns has the patterns, and match-text.ts makes the page.
 */
import { Command } from 'commander';
import pc from 'picocolors';
import { gatherDefaults, look } from '../detection/patterns/index.js';
import type { Look } from '../detection/patterns/index.js';
import { InputError } from '../errors.js';
import { parseSamplingPlan } from '../traffic/sampling/index.js';
import type { SamplingPlan } from '../traffic/sampling/index.js';
import { locateCapture, locatePoints } from './locate.js';
import { matchPage } from './match-text.js';
import { sampleOption, startReading, withReadingOptions, withTimeoutOptions } from './reading.js';
import type { ReadingFlags, TimeoutFlags } from './reading.js';

interface MatchFlags extends ReadingFlags, TimeoutFlags {
  readonly json?: true;
  readonly sample?: SamplingPlan;
  readonly day?: number;
  readonly records?: true;
  readonly all?: true;
  readonly points?: true;
}

export function matchCommand(): Command {
  const command = new Command('match')
    .description('hold traffic against the patterns of detection that exists: RITA, FastNetMon, nDPI, …')
    .argument(
      '<capture|flows|run>',
      'a capture, a file of flow records, or a run directory; - is standard input',
    )
    .addOption(sampleOption().argParser((text) => parseSamplingPlan(text, '--sample')))
    .option('--records', 'look at flow records only, as whoever has no packets')
    .option(
      '--day <factor>',
      'judge the bursts also as if they went on for a day, each second stretched to so many',
      factorOption('--day'),
    )
    .option('--all', 'show patterns that have nothing to look at, too')
    .option('--json', 'print one JSON document instead')
    .option('--points', 'of a run: also, one by one, what each of its observation points saw')
    .action(match);
  const { activeTimeoutSeconds: active, idleTimeoutSeconds: idle } = gatherDefaults;
  return withReadingOptions(withTimeoutOptions(command, { active, idle }));
}

async function match(target: string, flags: MatchFlags): Promise<void> {
  if (flags.points && flags.follow)
    throw new InputError('--follow: found with --points; allowed: one of them, a finished run has points');
  const files = flags.points ? locatePoints(target) : [locateCapture(target)];
  const looks: Look[] = [];
  for (const file of files) looks.push(await lookAt(file, flags));
  const hasColor = process.stdout.isTTY === true && pc.isColorSupported;
  const documents = looks.map(documentOf);
  const text = flags.json
    ? JSON.stringify(flags.points ? documents : documents[0], null, 2)
    : looks.map((seen) => matchPage(seen, { showsAll: flags.all === true, hasColor })).join('\n\n');
  process.stdout.write(`${text}\n`);
}

function lookAt(file: string, flags: MatchFlags): Promise<Look> {
  const reading = startReading(file, flags);
  return look(file, {
    ...reading.options,
    through: flags.through ?? [],
    activeTimeoutSeconds: flags.activeTimeout,
    idleTimeoutSeconds: flags.idleTimeout,
    onlyRecords: flags.records === true,
    ...(flags.sample === undefined ? {} : { sampling: flags.sample }),
    ...(flags.day === undefined ? {} : { dayStretch: flags.day }),
  }).finally(() => reading.close());
}

/** For `--json`: base units; times are seconds since 1970-01-01 UTC. */
export function documentOf({ input, ...seen }: Look): object {
  const { file, kind, bytes, truncatedAt } = input;
  return { input: { file, kind, bytes, ...(truncatedAt === undefined ? {} : { truncatedAt }) }, ...seen };
}

function factorOption(option: string): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= 1 && value <= 100_000) return value;
    throw new InputError(`${option}: found "${text}"; allowed: a number from 1 to 100000`);
  };
}
