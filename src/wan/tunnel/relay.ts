/**
 * A relay: a host that passes tunnel packets on. It holds no key and reads nothing of what it carries.
 *
 * It is a program with sockets and not an address translation of the kernel, since in a node's namespace every packet
 * comes through the kernel twice (src/wan/netns/detour.ts), which the kernel's connection tracking takes for two.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf, RunError } from '../../errors.js';
import type { RelayReport, RelayThreadData } from './relay-worker.js';

export class Relay {
  readonly #worker: Worker;
  readonly #exit: Promise<void>;
  #closing = false;

  private constructor(worker: Worker, name: string, onDeath: (error: Error) => void) {
    this.#worker = worker;
    this.#exit = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('error', (error) => onDeath(new RunError(`${name}: its thread failed: ${messageOf(error)}`)));
    worker.on('exit', () => {
      if (!this.#closing) onDeath(new RunError(`${name}: its thread ended`));
    });
  }

  /** Resolves when all its ports are open. Throws a RunError if one is taken. */
  static async start(data: RelayThreadData, name: string, onDeath: (error: Error) => void): Promise<Relay> {
    const worker = new Worker(new URL('./relay-worker.js', import.meta.url), { workerData: data });
    const [report] = (await once(worker, 'message')) as [RelayReport];
    if (report.type === 'ready') return new Relay(worker, name, onDeath);
    await worker.terminate();
    throw new RunError(`${name}: ${report.message}`);
  }

  /** Closes its sockets and ends the thread. Safe to call twice. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#worker.postMessage('close');
    await this.#exit;
  }
}
