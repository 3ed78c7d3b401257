/**
 * `meshbeat inspect`: look at traffic. Flows, hosts and heartbeats, from a capture or a file of flow records; for
 * a run directory, from the capture inside, beside what the run's schedule had promised.
 *
 * locate.ts finds the input, inspect/gather.ts runs the analysis; text.ts, document.ts and page/ beside it say what came out.
 */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import pc from 'picocolors';
import { STANDARD_INPUT } from '../capture/index.js';
import { InputError, messageOf } from '../errors.js';
import { parseSamplingPlan, unsampled } from '../traffic/sampling/index.js';
import type { SamplingPlan } from '../traffic/sampling/index.js';
import type { TrafficReport } from '../traffic/index.js';
import { documentOf } from './inspect/document.js';
import { gather } from './inspect/gather.js';
import { htmlPage } from './inspect/page/index.js';
import { inspectPage } from './inspect-text.js';
import { locate } from './locate.js';
import { startLog } from './log.js';
import { sampleOption, startReading, withReadingOptions } from './reading.js';
import type { ReadingFlags } from './reading.js';
import { integerOption, secondsText } from './text.js';

interface InspectFlags extends ReadingFlags {
  readonly json?: true;
  readonly html?: string;
  readonly bin: number;
  readonly sample?: SamplingPlan;
}

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('show the flows, bursts and heartbeats of a capture, a flow file or a run')
    .argument(
      '<capture|flows|run>',
      'a capture, a file of flow records, or a run directory; - is standard input',
    )
    .option(
      '--bin <ms>',
      'width of the bins that rates are counted in',
      integerOption('--bin', 1, 60_000),
      10,
    )
    .option('--json', 'print one JSON document instead (its schema: meshbeat schema --of inspection)')
    .option('--html <file>', 'also write one page with pictures to this file, over what is there')
    .addOption(sampleOption().argParser((text) => parseSamplingPlan(text, '--sample')))
    .action(inspect);
  return withReadingOptions(command);
}

async function inspect(target: string, flags: InspectFlags): Promise<void> {
  const { capture, expected } =
    target === STANDARD_INPUT ? { capture: target, expected: undefined } : locate(target);
  const progress = new Progress(process.stderr.isTTY && flags.follow !== true);
  const reading = startReading(capture, flags);
  const tell = occasionally(startLog());
  const inspection = await gather(capture, expected, {
    binSeconds: flags.bin / 1000,
    sampling: flags.sample ?? unsampled,
    through: flags.through ?? [],
    reading: { ...reading.options, onProgress: (read, total) => progress.show(read, total) },
    onCaughtUp: (soFar) => tell(() => statusText(soFar())),
  }).finally(() => {
    progress.clear();
    reading.close();
  });
  if (flags.html !== undefined) {
    write(flags.html, htmlPage(inspection));
    startLog()(`wrote ${flags.html}`);
  }
  const text = flags.json
    ? JSON.stringify(documentOf(inspection), null, 2)
    : inspectPage(inspection, process.stdout.isTTY === true && pc.isColorSupported);
  process.stdout.write(`${text}\n`);
}

function write(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw new InputError(`--html: ${messageOf(error)}; allowed: a file that can be written`);
  }
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

/** One line on a terminal's standard error while a large file is read; nothing elsewhere. */
class Progress {
  readonly #isTerminal: boolean;
  #shown = '';

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  show(read: number, total: number): void {
    const text = `reading: ${Math.floor((100 * read) / total)} %`;
    if (!this.#isTerminal || total === 0 || text === this.#shown) return;
    this.#shown = text;
    process.stderr.write(`\r${text}`);
  }

  clear(): void {
    if (this.#shown !== '') process.stderr.write(`\r${' '.repeat(this.#shown.length)}\r`);
  }
}
