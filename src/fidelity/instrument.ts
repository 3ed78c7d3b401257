/** A measuring instrument as its owner sees it: commands out, answers in, ended by its owner. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf, RunError } from '../errors.js';
import type { Placement } from '../wan/fabric.js';
import type {
  Departures,
  EchoOrder,
  EchoTimes,
  InstrumentCommand,
  InstrumentData,
  InstrumentReply,
  KernelCounters,
  StreamArrivals,
  TrainArrivals,
  TrainOrder,
} from './instrument-protocol.js';

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** Every method rejects with a RunError if the instrument fails or ends. */
export class Instrument {
  readonly rank: number;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #ended: RunError | undefined;

  private constructor(rank: number, worker: Worker) {
    this.rank = rank;
    this.#worker = worker;
    worker.on('message', (reply: InstrumentReply) => {
      const request = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if ('error' in reply) request?.reject(new RunError(`measuring at node ${rank}: ${reply.error}`));
      else request?.resolve(reply.answer as never);
    });
    worker.on('error', (error) => this.#end(messageOf(error)));
    worker.on('exit', () => this.#end('its thread ended'));
  }

  /** Starts one in a node's place; resolves when it listens. */
  static async start(placement: Placement): Promise<Instrument> {
    const workerData: InstrumentData = { placement };
    const worker = new Worker(new URL('./instrument-worker.js', import.meta.url), { workerData });
    await once(worker, 'message');
    return new Instrument(placement.rank, worker);
  }

  /** Round trips of datagrams. */
  echo(order: EchoOrder): Promise<EchoTimes> {
    return this.#ask({ do: 'echo', ...order });
  }

  /** Round trips of messages on a connection, one at a time. */
  streamEcho(order: Omit<EchoOrder, 'patience'>): Promise<EchoTimes> {
    return this.#ask({ do: 'stream-echo', ...order });
  }

  stream(peer: number, flow: number, seconds: number): Promise<void> {
    return this.#ask({ do: 'stream', peer, flow, seconds });
  }

  streamArrivals(flow: number): Promise<StreamArrivals> {
    return this.#ask({ do: 'stream-arrivals', flow });
  }

  train(order: TrainOrder): Promise<Departures> {
    return this.#ask({ do: 'train', ...order });
  }

  trainArrivals(from: number, train: number): Promise<TrainArrivals> {
    return this.#ask({ do: 'train-arrivals', from, train });
  }

  counters(): Promise<KernelCounters> {
    return this.#ask({ do: 'counters' });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask<T>(command: InstrumentCommand): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#requests++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ id, command });
    });
  }

  #end(reason: string): void {
    this.#ended ??= new RunError(`the instrument at node ${this.rank}: ${reason}`);
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }
}
