/**
 * Runs one target in a thread of its own, so that one that never comes back can be ended. What it is at is written into
 * shared memory before each input, where the watcher (main.ts) finds it if the thread can't tell any more.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { allTargets, seedsOf } from './catalogue.js';
import { Coverage } from './coverage.js';
import { Engine } from './engine.js';
import type { Finding } from './engine.js';
import { MAX_INPUT_BYTES } from './mutate.js';

export interface WorkerRequest {
  readonly target: string;
  readonly seed: number;
  /** Number of inputs begun, length of the current one. */
  readonly state: SharedArrayBuffer;
  readonly input: SharedArrayBuffer;
}

export type WorkerMessage =
  | { readonly kind: 'finding'; readonly input: Uint8Array; readonly what: string }
  | { readonly kind: 'progress'; readonly runs: number; readonly corpus: number; readonly reached: number };

const request = workerData as WorkerRequest;
const state = new Int32Array(request.state);
const shared = new Uint8Array(request.input);

function post(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

function report({ input, error }: Finding): void {
  post({
    kind: 'finding',
    input,
    what: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

const target = (await allTargets()).find(({ name }) => name === request.target);
if (target === undefined) throw new Error(`no target ${request.target}`);
const coverage = new Coverage((url) => url.includes('/dist/src/'));
const engine = new Engine(target, {
  seed: request.seed,
  seeds: seedsOf(target.name),
  guidance: () => coverage.take(),
  onInput: (input) => {
    shared.set(input.subarray(0, MAX_INPUT_BYTES));
    Atomics.store(state, 1, Math.min(input.length, MAX_INPUT_BYTES));
    Atomics.add(state, 0, 1);
  },
});
(await engine.start()).forEach(report);
for (;;) {
  (await engine.batch()).forEach(report);
  post({ kind: 'progress', runs: engine.runs, corpus: engine.corpus.length, reached: engine.reached });
  // Lets the watcher's messages and its wish to end through.
  await new Promise((resolve) => setImmediate(resolve));
}
