/**
 * `meshbeat export`: traffic in another tool's terms. A capture, a file of flow records or a run goes in; flow records
 * of any kind or packets come out, to a file, to standard output or to a collector.
 *
 * This file has the options; src/traffic/exports does the work. Each format brings its own options along, and they are
 * offered here together: one that the chosen format doesn't know is an error.
 */
import { Command, Option } from 'commander';
import { InputError } from '../errors.js';
import { rate } from '../scenario/units.js';
import {
  CollectorOutlet,
  exportFormatNamed,
  exportFormats,
  exportMerged,
  exportTraffic,
  FileOutlet,
} from '../traffic/exports/index.js';
import type {
  ExportFormat,
  ExportSettings,
  ExportSummary,
  FormatOption,
  MergeSummary,
  Outlet,
} from '../traffic/exports/index.js';
import { parseSamplingPlan, unsampled } from '../traffic/sampling/index.js';
import { hostAndPortOption } from './host-and-port.js';
import type { HostAndPort } from './host-and-port.js';
import { locateCapture } from './locate.js';
import { startLog } from './log.js';
import { sampleOption, startReading, withReadingOptions, withTimeoutOptions } from './reading.js';
import type { ReadingFlags, TimeoutFlags } from './reading.js';
import { quantityOption } from './text.js';

interface ExportFlags extends ReadingFlags, TimeoutFlags {
  readonly to: string;
  readonly output?: string;
  readonly collector?: HostAndPort;
  readonly collectorRate: number;
  readonly biflow?: true;
  readonly uniflow?: true;
  readonly sample?: string;
}

/** Of the range that ISPs set, 60 to 300 s, the end that hides the least: periods under twice of it are lost. */
const ACTIVE_TIMEOUT_SECONDS = 60;
const IDLE_TIMEOUT_SECONDS = 15;
const COLLECTOR_RATE = 40e6;

export function exportCommand(): Command {
  const names = exportFormats.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n');
  const command = new Command('export')
    .description('write a capture or flow file in another format: flow records or packets')
    .argument(
      '<capture|flows|run...>',
      'a capture, a file of flow records, or a run directory, - for standard input; several captures are merged',
    )
    .requiredOption('--to <format>', 'one of the formats below')
    .option('-o, --output <file>', 'write to this file, over what is there; - is standard output (default)')
    .option(
      '--collector <host:port>',
      'send to a collector over UDP instead, e.g. "127.0.0.1:4739"',
      hostAndPortOption('--collector'),
    )
    .option(
      '--collector-rate <rate>',
      'how fast to send, since UDP loses what a collector is too slow for (default: 40 Mbit/s)',
      quantityOption('--collector-rate', rate),
      COLLECTOR_RATE,
    )
    .option('--biflow', 'one record for both directions (default, but for netflow9)')
    .option('--uniflow', 'one record for each direction')
    .addOption(sampleOption())
    .addHelpText('after', `\nFormats:\n${names}`)
    .action(run);
  withTimeoutOptions(command, { active: ACTIVE_TIMEOUT_SECONDS, idle: IDLE_TIMEOUT_SECONDS });
  withReadingOptions(command);
  for (const [group, options] of optionGroups()) {
    for (const { flags, description } of options) {
      command.addOption(new Option(flags, description).helpGroup(`Options of ${group}:`));
    }
  }
  return command;
}

/** The formats' own options, each once, by the formats that know them. */
function optionGroups(): Map<string, FormatOption<unknown>[]> {
  const users = new Map<FormatOption<unknown>, string[]>();
  for (const { name, options } of exportFormats) {
    for (const option of Object.values(options)) users.set(option, [...(users.get(option) ?? []), name]);
  }
  const groups = new Map<string, FormatOption<unknown>[]>();
  for (const [option, names] of users) {
    const group = names.join(', ');
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  return groups;
}

async function run(targets: readonly string[], flags: ExportFlags): Promise<void> {
  const format = exportFormatNamed(flags.to);
  const settings = settingsOf(format, flags);
  const given = { ...flags };
  refuseOthers(format, given);
  const files = targets.map(locateCapture);
  const [file = ''] = files;
  if (files.length > 1 && format.eats !== 'packets') {
    throw new InputError(
      `${files.length} captures: found with --to ${format.name}; allowed: one, or --to pcapng to merge them first`,
    );
  }
  if (files.length > 1 && flags.follow)
    throw new InputError(`--follow: found with ${files.length} captures; allowed: with one`);
  if (flags.through !== undefined && format.eats === 'packets') {
    throw new InputError(
      `--through: found with --to ${format.name}; allowed: with a format of flow records, e.g. ipfix`,
    );
  }
  const outlet = await openOutlet(format, flags);
  try {
    if (files.length > 1 && format.eats === 'packets') {
      const summary = await exportMerged(files, format, { settings, outlet }, given);
      if (summary !== undefined) startLog()(mergeText(summary, settings));
      return;
    }
    const reading = startReading(file, flags);
    const options = {
      ...reading.options,
      joinDirections: flags.biflow === true,
      through: flags.through ?? [],
    };
    const summary = await exportTraffic(file, format, { settings, outlet }, given, options).finally(() =>
      reading.close(),
    );
    if (summary !== undefined) startLog()(summaryText(summary, settings));
  } finally {
    await outlet.close();
  }
}

function openOutlet(format: ExportFormat, flags: ExportFlags): Promise<Outlet> | Outlet {
  const { output, collector, collectorRate } = flags;
  if (collector === undefined) {
    if (format.to.includes('file')) return new FileOutlet(output ?? '-');
    throw new InputError(`--collector: found none with --to ${format.name}; allowed: HOST:PORT`);
  }
  if (output !== undefined) throw new InputError('--output: found with --collector; allowed: one of them');
  if (format.to.includes('collector')) return CollectorOutlet.open({ ...collector, rate: collectorRate });
  throw new InputError(`--collector: found with --to ${format.name}; allowed: --output`);
}

function settingsOf(format: ExportFormat, flags: ExportFlags): ExportSettings {
  if (flags.biflow && flags.uniflow)
    throw new InputError('--uniflow: found with --biflow; allowed: one of them');
  if (flags.biflow && format.canBiflow === false) {
    throw new InputError(`--biflow: found with --to ${format.name}; allowed: --uniflow, it has no biflows`);
  }
  const prefersBiflow = format.canBiflow !== false && format.prefers !== 'uniflow';
  return {
    activeTimeoutSeconds: flags.activeTimeout,
    idleTimeoutSeconds: flags.idleTimeout,
    biflow: flags.biflow ?? (flags.uniflow ? false : prefersBiflow),
    sampling:
      flags.sample === undefined ? unsampled : parseSamplingPlan(flags.sample, '--sample', format.samplesBy),
  };
}

/** An option that only other formats know would do nothing, and so is an error. */
function refuseOthers(format: ExportFormat, given: Readonly<Record<string, unknown>>): void {
  for (const other of exportFormats) {
    for (const [key, option] of Object.entries(other.options)) {
      if (given[key] === undefined || Object.hasOwn(format.options, key)) continue;
      const [name = ''] = option.flags.split(' ');
      throw new InputError(`${name}: found with --to ${format.name}; allowed: with --to ${other.name}`);
    }
  }
}

function summaryText(summary: ExportSummary, settings: ExportSettings): string {
  const { source, sampledPackets, records, otherPackets } = summary;
  const words = [source.file];
  if (source.kind === 'capture') words.push(`${source.capture.packets} packets`);
  if (settings.sampling.rate > 1) words.push(`${sampledPackets} of them sampled`);
  if (otherPackets !== undefined && otherPackets > 0) words.push(`${otherPackets} without IP left out`);
  if (records !== undefined) words.push(`${records} flow records`);
  if (source.kind !== 'capture') {
    for (const { count, reason } of source.skipped) words.push(`${count} skipped: ${reason}`);
  }
  if (source.truncatedAt !== undefined) words.push(`the file is cut off at byte ${source.truncatedAt}`);
  if (summary.note !== undefined) words.push(summary.note);
  return words.join(', ');
}

function mergeText({ captures, sampledPackets, note }: MergeSummary, settings: ExportSettings): string {
  const words = captures.map(({ file, packets, truncatedAt }) =>
    truncatedAt === undefined
      ? `${file}: ${packets} packets`
      : `${file}: ${packets} packets, cut off at byte ${truncatedAt}`,
  );
  if (settings.sampling.rate > 1) words.push(`${sampledPackets} of them sampled`);
  if (note !== undefined) words.push(note);
  return words.join('; ');
}
