/** Hosts the object store as a thread of this process: starts and ends it, and says when it dies of itself. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf, RunError } from '../src/errors.js';
import type { StoreCommand, StoreReport, StoreThreadData } from './store-thread.js';

export class StoreHost {
  readonly #worker: Worker;
  readonly #exit: Promise<void>;
  #closing = false;

  private constructor(worker: Worker, onDeath: (reason: string) => void) {
    this.#worker = worker;
    this.#exit = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('error', (error) => {
      if (!this.#closing) onDeath(`its thread failed: ${messageOf(error)}`);
    });
    worker.on('exit', (code) => {
      if (!this.#closing) onDeath(`its thread ended (exit code ${code})`);
    });
  }

  /**
   * Resolves when the store listens.
   *
   * @param onDeath The thread ended before close().
   * @throws RunError if it can't listen.
   */
  static async start(data: StoreThreadData, onDeath: (reason: string) => void): Promise<StoreHost> {
    const worker = new Worker(new URL('./store-thread.js', import.meta.url), { workerData: data });
    const [report] = (await once(worker, 'message')) as [StoreReport];
    if (report.type === 'ready') return new StoreHost(worker, onDeath);
    await worker.terminate();
    throw new RunError(report.message);
  }

  /** Ends the thread at once, as a crash would. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Ends the server, its connections and the thread. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing = true;
    const command: StoreCommand = { type: 'close' };
    this.#worker.postMessage(command);
    await this.#exit;
  }
}
