/**
 * One thread of the emulated device: the tasks that device.ts posts to the pool, by name. A thread serves
 * whichever replica's task comes next; the replica's numbers stay where they are, on shared memory.
 */
import { setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { workerData } from 'node:worker_threads';
import { replicaFrom, type SharedReplica } from './memory.js';
import type { NesterovSettings } from './nesterov.js';
import type { TrainingSettings } from './settings.js';
import { createSteps } from './steps.js';

/** Threads that shape the network must be served first, or compute would show as jitter on the wire. */
const NICENESS = 10;

/** A thread that waits for the others to warm up gives up after this long. */
const WARM_UP_LIMIT_MS = 120_000;

// On Linux the priority is the calling thread's; elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(NICENESS);

const steps = createSteps(workerData as TrainingSettings);

/** What a step came to. */
export interface StepReport {
  /** Nats per byte. */
  readonly loss: number;
  /** Wall-clock time that the thread worked on it, without waiting in the queue. */
  readonly computeSeconds: number;
}

interface OfReplica {
  readonly memory: SharedReplica;
}

interface OfStep extends OfReplica {
  readonly rank: number;
  readonly step: number;
}

export function initialise({ memory }: OfReplica): void {
  steps.initialise(replicaFrom(memory));
}

export function innerStep({ memory, rank, step }: OfStep): StepReport {
  return timed(() => steps.innerStep(replicaFrom(memory), rank, step));
}

export function gradient({ memory, rank, step }: OfStep): StepReport {
  return timed(() => steps.gradient(replicaFrom(memory), rank, step));
}

export function innerUpdate({
  memory,
  step,
  worldSize,
}: OfReplica & { step: number; worldSize: number }): void {
  steps.innerUpdate(replicaFrom(memory), step, worldSize);
}

export function pseudoGradient({ memory }: OfReplica): void {
  steps.pseudoGradient(replicaFrom(memory));
}

export function outerUpdate({
  memory,
  worldSize,
  learningRate,
  momentum,
}: OfReplica & NesterovSettings & { worldSize: number }): void {
  steps.outerUpdate(replicaFrom(memory), worldSize, { learningRate, momentum });
}

export function evaluate({ memory }: OfReplica): number {
  return steps.evaluate(replicaFrom(memory));
}

/**
 * Warms this thread up, then waits until `threads` of them have done so: a thread that is done early must
 * not take the task meant for another.
 *
 * @param arrived One int32, on shared memory, at first 0.
 */
export function warmUp({
  ranks,
  threads,
  arrived,
}: {
  ranks: readonly number[];
  threads: number;
  arrived: Int32Array<SharedArrayBuffer>;
}): void {
  try {
    steps.warmUp(ranks);
  } finally {
    Atomics.add(arrived, 0, 1);
    Atomics.notify(arrived, 0);
  }
  for (let count = Atomics.load(arrived, 0); count < threads; count = Atomics.load(arrived, 0)) {
    const outcome = Atomics.wait(arrived, 0, count, WARM_UP_LIMIT_MS);
    if (outcome === 'timed-out') throw new Error(`only ${count} of ${threads} threads warmed up`);
  }
}

function timed(work: () => number): StepReport {
  const start = performance.now();
  const loss = work();
  return { loss, computeSeconds: (performance.now() - start) / 1000 };
}
