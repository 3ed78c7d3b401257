/**
 * One thread of the emulated device: the tasks that device.ts posts to the pool, by name. A thread serves
 * whichever replica's task comes next; the replica's numbers stay where they are, on shared memory.
 */
import { setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { workerData } from 'node:worker_threads';
import { replicaFrom, type SharedReplica } from './memory.js';
import type { Range } from '../schedule/operation.js';
import type { TrainingSettings } from './settings.js';
import { createSteps, type DeviceWork, type Place } from './steps.js';

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

/** What a piece of work came to; most have no loss. */
export interface WorkReport extends Omit<StepReport, 'loss'> {
  readonly loss: number | undefined;
}

interface OfReplica {
  readonly memory: SharedReplica;
}

interface OfStep extends OfReplica {
  readonly rank: number;
  readonly step: number;
}

export function initialise({ memory, ranges }: OfReplica & { readonly ranges: readonly Range[] }): void {
  steps.initialise(replicaFrom(memory), ranges);
}

export function innerStep({ memory, rank, step }: OfStep): StepReport {
  return timed(() => steps.innerStep(replicaFrom(memory), rank, step));
}

export function gradient({ memory, rank, step }: OfStep): StepReport {
  return timed(() => steps.gradient(replicaFrom(memory), rank, step));
}

export function pseudoGradient({ memory, ranges }: OfReplica & { readonly ranges: readonly Range[] }): void {
  steps.pseudoGradient(replicaFrom(memory), ranges);
}

export function work({
  memory,
  operation,
  rank,
  round,
}: OfReplica & Place & { readonly operation: DeviceWork }): WorkReport {
  return timed(() => steps.work(replicaFrom(memory), operation, { rank, round }));
}

export function evaluate({ memory }: OfReplica): number {
  return steps.evaluate(replicaFrom(memory).parameters);
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

function timed<T>(work: () => T): { loss: T; computeSeconds: number } {
  const start = performance.now();
  const loss = work();
  return { loss, computeSeconds: (performance.now() - start) / 1000 };
}
