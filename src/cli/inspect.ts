/**
 * `meshbeat inspect`: look at a capture. Flows, hosts and the heartbeat, from any pcap or pcapng file; for
 * a run directory, from the capture inside, beside what the run's schedule had promised.
 *
 * locate.ts finds the input, this file runs the analysis, and inspect-text.ts makes the page.
 */
import { Command } from 'commander';
import pc from 'picocolors';
import { analyzeCapture } from '../traffic/index.js';
import type { CaptureReport, TrafficReport } from '../traffic/index.js';
import { inspectPage } from './inspect-text.js';
import { locate } from './locate.js';
import type { Expected } from './locate.js';
import { startLog } from './log.js';
import { startReading, withReadingOptions } from './reading.js';
import type { ReadingFlags } from './reading.js';
import { integerOption, secondsText } from './text.js';

interface InspectFlags extends ReadingFlags {
  readonly json?: true;
  readonly bin: number;
}

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('show the flows, bursts and heartbeat of a capture or a run')
    .argument(
      '<capture|run>',
      'a pcap or pcapng file (compressed by gzip or zstd, too), - for standard input, or a run directory',
    )
    .option(
      '--bin <ms>',
      'width of the bins that rates are counted in',
      integerOption('--bin', 1, 60_000),
      10,
    )
    .option('--json', 'print one JSON document instead')
    .action(async (target: string, flags: InspectFlags) => {
      const { capture, expected } = locate(target);
      const progress = new Progress(process.stderr.isTTY && flags.follow !== true);
      const reading = startReading(capture, flags);
      const tell = occasionally(startLog());
      const report = await analyzeCapture(capture, {
        ...reading.options,
        ...(flags.through === undefined ? {} : { through: flags.through }),
        binSeconds: flags.bin / 1000,
        onProgress: (read, total) => progress.show(read, total),
        onCaughtUp: (soFar) => tell(() => statusText(soFar())),
      }).finally(() => {
        progress.clear();
        reading.close();
      });
      const text = flags.json
        ? JSON.stringify(documentOf(report, expected), null, 2)
        : inspectPage(report, expected, process.stdout.isTTY === true && pc.isColorSupported);
      process.stdout.write(`${text}\n`);
    });
  return withReadingOptions(command);
}

const STATUS_MS = 2000;

/** Passes a line on at once, and then one in {@link STATUS_MS} at most; lines in between are not made. */
function occasionally(log: (line: string) => void): (line: () => string) => void {
  let next = -Infinity;
  return (line) => {
    if (performance.now() < next) return;
    log(line());
    next = performance.now() + STATUS_MS;
  };
}

/** Where a followed capture stands, in one line. */
function statusText({ packets, durationSeconds, hosts, heartbeat: { heartbeat } }: TrafficReport): string {
  const beat =
    heartbeat === null
      ? 'no heartbeat yet'
      : `${heartbeat.count} beats, one every ${secondsText(heartbeat.periodSeconds)}`;
  return `${packets} packets in ${secondsText(durationSeconds)} between ${hosts.length} hosts: ${beat}`;
}

/** A document of more flows than this would not be read by anyone, nor fit a string at some point. */
const MAX_FLOWS_LISTED = 10_000;

/** For `--json`: base units (bytes, seconds, bit/s); times count from the first packet. */
function documentOf({ capture, ...report }: CaptureReport, expected: Expected | undefined): object {
  const { firstNs, lastNs, names, ...facts } = capture;
  return {
    capture: {
      ...facts,
      firstNs: firstNs?.toString() ?? null,
      lastNs: lastNs?.toString() ?? null,
      names: Object.fromEntries(names),
    },
    ...report,
    flows: report.flows.slice(0, MAX_FLOWS_LISTED),
    flowCount: report.flows.length,
    ...(expected === undefined ? {} : { expected }),
  };
}

/** One line on a terminal's standard error while a large file is read; nothing elsewhere. */
class Progress {
  readonly #isTerminal: boolean;
  #shown = '';

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  show(read: number, total: number): void {
    const text = `reading the capture: ${Math.floor((100 * read) / total)} %`;
    if (!this.#isTerminal || total === 0 || text === this.#shown) return;
    this.#shown = text;
    process.stderr.write(`\r${text}`);
  }

  clear(): void {
    if (this.#shown !== '') process.stderr.write(`\r${' '.repeat(this.#shown.length)}\r`);
  }
}
