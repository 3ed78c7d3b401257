/**
 * The device of all nodes in a process: a pool of threads that stands for their GPUs.
 *
 * A node asks for a piece of work on its replica and awaits it; the pool's threads take the pieces in
 * order. There are fewer threads than nodes, because a paced step leaves its thread idle most of the time.
 * Only descriptions of shared memory are posted, never numbers. One replica's tasks must not overlap: a node
 * awaits one before it asks for the next, as operations on its compute stream do.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { messageOf, RunError } from '../errors.js';
import type * as tasks from './device-worker.js';
import type { TrainingSettings } from './settings.js';
import { dealDocuments } from './shards.js';

type Tasks = typeof tasks;
type Argument<Name extends keyof Tasks> = Parameters<Tasks[Name]>[0];
type Result<Name extends keyof Tasks> = ReturnType<Tasks[Name]>;

export interface DeviceOptions {
  readonly settings: TrainingSettings;
  /** The ranks that this process holds. */
  readonly ranks: readonly number[];
  /** Default: as many as there are ranks, but no more than cores. */
  readonly threads?: number;
}

/**
 * Starts the threads and has each compile the model and read the ranks' texts.
 *
 * @throws InputError if the documents can't be dealt as the settings say; RunError if a thread fails.
 */
export async function createDevice({ settings, ranks, threads }: DeviceOptions): Promise<Device> {
  // Wrong settings would show in every thread, but only here as what they are: wrong input.
  dealDocuments(settings.data);
  const size = threads ?? Math.max(1, Math.min(availableParallelism(), ranks.length));
  const device = new Device(settings, size);
  try {
    await device.warmUp(ranks);
  } catch (error) {
    await device.close();
    throw error;
  }
  return device;
}

/** Made by {@link createDevice}. Every task rejects with a RunError if it fails or the device is closed. */
export class Device {
  readonly #pool: Piscina<object, unknown>;
  #closed = false;

  constructor(settings: TrainingSettings, threads: number) {
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL('./device-worker.js', import.meta.url)),
      workerData: settings,
      minThreads: threads,
      maxThreads: threads,
    });
  }

  /** Threads of the pool. */
  get threads(): number {
    return this.#pool.maxThreads;
  }

  /** Has every thread compile and read before it is needed. */
  async warmUp(ranks: readonly number[]): Promise<void> {
    const { threads } = this;
    const arrived = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const all = Array.from({ length: threads }, () => this.#run('warmUp', { ranks, threads, arrived }));
    await Promise.all(all);
  }

  /** Sets parameters and anchor of the ranges to the seeded initial ones. */
  initialise(task: Argument<'initialise'>): Promise<void> {
    return this.#run('initialise', task);
  }

  /** Forward, backward and the inner optimizer, on the rank's batch of that global step. */
  innerStep(task: Argument<'innerStep'>): Promise<tasks.StepReport> {
    return this.#run('innerStep', task);
  }

  /** Forward and backward; leaves the gradient in `reduction`. */
  gradient(task: Argument<'gradient'>): Promise<tasks.StepReport> {
    return this.#run('gradient', task);
  }

  /** Leaves the pseudo-gradient of the ranges in `reduction`. */
  pseudoGradient(task: Argument<'pseudoGradient'>): Promise<void> {
    return this.#run('pseudoGradient', task);
  }

  /** Compresses, aggregates, updates, or works on a microbatch, as the operation says. */
  work(task: Argument<'work'>): Promise<tasks.WorkReport> {
    return this.#run('work', task);
  }

  /** Loss on the held-out text, nats per byte. */
  evaluate(task: Argument<'evaluate'>): Promise<number> {
    return this.#run('evaluate', task);
  }

  /** Ends the threads at once; tasks under way reject. May be called more than once. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool.destroy();
  }

  async #run<Name extends keyof Tasks>(name: Name, task: Argument<Name>): Promise<Result<Name>> {
    // A destroyed pool would start a new thread, which nobody ends.
    if (this.#closed) throw new RunError(`the device was asked for ${name} after it was closed`);
    try {
      return (await this.#pool.run(task, { name })) as Result<Name>;
    } catch (error) {
      const whose = 'step' in task ? ` of rank ${task.rank}, step ${task.step}` : '';
      throw new RunError(`the device failed in ${name}${whose}: ${messageOf(error)}`, { cause: error });
    }
  }
}
