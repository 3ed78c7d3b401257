/**
 * `npm run fuzz -- --seconds N [--target NAME] [--seed N]`: fuzzes the readers, each for its share of the time.
 *
 * Time is that of the processor, so a busy machine gets no less done. Three things are findings: an error that is no
 * InputError; an input that takes more than {@link HANG_SECONDS} of processor time; memory above {@link MAX_MEMORY_BYTES}. Inputs that
 * led to one are written to the folder fuzz-findings, and the exit status is 1.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { allTargets } from './catalogue.js';
import { MAX_INPUT_BYTES } from './mutate.js';
import type { WorkerMessage, WorkerRequest } from './worker.js';

const HANG_SECONDS = 10;
const MAX_MEMORY_BYTES = 1024 ** 3;
const MAX_FINDINGS = 10;
const WATCH_MS = 200;
const FOLDER = 'fuzz-findings';

interface Outcome {
  runs: number;
  corpus: number;
  reached: number;
  findings: number;
}

const processorSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function save(target: string, input: Uint8Array, what: string): void {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`);
  writeFileSync(file, input);
  console.error(`${target}: ${what}\n  input: ${file}`);
}

/** Fuzzes one target for so many seconds of processor time. */
async function fuzz(target: string, seconds: number, seed: number): Promise<Outcome> {
  const outcome: Outcome = { runs: 0, corpus: 0, reached: 0, findings: 0 };
  const known = new Set<string>();
  const end = processorSeconds() + seconds;
  while (processorSeconds() < end && outcome.findings < MAX_FINDINGS) {
    const state = new Int32Array(new SharedArrayBuffer(8));
    const input = new Uint8Array(new SharedArrayBuffer(MAX_INPUT_BYTES));
    const request: WorkerRequest = { target, seed, state: state.buffer, input: input.buffer };
    const runsBefore = outcome.runs;
    const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: request });
    let isOver = false;
    const finding = (bytes: Uint8Array, what: string): void => {
      // One finding a place: its first lines tell the place.
      const place = what.split('\n').slice(0, 3).join();
      if (known.has(place)) return;
      known.add(place);
      outcome.findings += 1;
      save(target, bytes, what);
    };
    const current = (): Uint8Array => Uint8Array.from(input.subarray(0, state[1]));
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'finding') finding(message.input, message.what);
      else {
        const { runs, corpus, reached } = message;
        Object.assign(outcome, { runs: runsBefore + runs, corpus, reached });
      }
    });
    worker.on('error', (error: unknown) => {
      isOver = true;
      finding(current(), `ended the thread: ${String(error)}`);
    });
    let begun = -1;
    let since = processorSeconds();
    while (!isOver && processorSeconds() < end) {
      await delay(WATCH_MS);
      const now = Atomics.load(state, 0);
      if (now !== begun) since = processorSeconds();
      begun = now;
      if (processorSeconds() - since > HANG_SECONDS) {
        finding(current(), `did not come back within ${HANG_SECONDS} s of processor time`);
        isOver = true;
      }
      if (process.memoryUsage().rss > MAX_MEMORY_BYTES) {
        finding(current(), `the process holds more than ${MAX_MEMORY_BYTES} bytes`);
        isOver = true;
      }
    }
    await worker.terminate();
    // The same seed would lead to the same place again.
    seed += 1;
  }
  return outcome;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const names = (await allTargets()).map(({ name }) => name);
const chosen = values.target === undefined ? names : names.filter((name) => name === values.target);
if (chosen.length === 0) {
  console.error(`--target: found "${values.target}"; allowed: ${names.join(', ')}`);
  process.exit(2);
}
let findings = 0;
for (const target of chosen) {
  const outcome = await fuzz(target, Number(values.seconds) / chosen.length, Number(values.seed));
  findings += outcome.findings;
  const { runs, corpus, reached } = outcome;
  console.log(
    `${target}: ${runs} inputs, ${reached} blocks of code reached, ${corpus} inputs kept, ${outcome.findings} findings`,
  );
}
console.log(`${processorSeconds().toFixed(0)} s of processor time, ${findings} findings`);
process.exitCode = findings === 0 ? 0 : 1;
