/** The test's hold on an echo worker: commands out, answers in. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Placement } from '../../src/wan/fabric.js';
import type {
  BulkReceived,
  BulkSent,
  EchoCommand,
  EchoReply,
  EchoTimes,
  EchoWorkerSettings,
  Flooded,
} from './echo-protocol.js';

export class EchoNode {
  readonly rank: number;
  readonly #worker: Worker;
  readonly #pending = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #requests = 0;

  private constructor(rank: number, worker: Worker) {
    this.rank = rank;
    this.#worker = worker;
    worker.on('message', (reply: EchoReply) => {
      const request = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if ('error' in reply) request?.reject(new Error(reply.error));
      else request?.resolve(reply.answer as never);
    });
  }

  static async start(placement: Placement): Promise<EchoNode> {
    const workerData: EchoWorkerSettings = { placement };
    const worker = new Worker(new URL('./echo-worker.js', import.meta.url), { workerData });
    await once(worker, 'message');
    return new EchoNode(placement.rank, worker);
  }

  /** Round trips in seconds. */
  ping(peer: number, count: number, bytes = 64): Promise<EchoTimes> {
    return this.#ask({ do: 'ping', peer, count, bytes });
  }

  bulk(peer: number, bytes: number, transfer: number): Promise<BulkSent> {
    return this.#ask({ do: 'bulk', peer, bytes, transfer });
  }

  received(transfer: number): Promise<BulkReceived> {
    return this.#ask({ do: 'received', transfer });
  }

  flood(peer: number, seconds: number, transfer: number): Promise<Flooded> {
    return this.#ask({ do: 'flood', peer, seconds, transfer });
  }

  blast(peer: number, seconds: number, rate: number, bytes: number): Promise<number> {
    return this.#ask({ do: 'blast', peer, seconds, rate, bytes });
  }

  datagrams(): Promise<number> {
    return this.#ask({ do: 'datagrams' });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask<T>(command: EchoCommand): Promise<T> {
    const id = this.#requests++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, command });
    });
  }
}
