/**
 * A device shared across threads: nodes ask over a message port, the thread that owns the pool answers.
 *
 * A Piscina pool belongs to the thread that made it, while the nodes of a process have a thread each. Only
 * task descriptions and small reports cross; the tensors stay on shared memory.
 */
import type { MessagePort } from 'node:worker_threads';
import { Deferred } from '../src/deferred.js';
import { messageOf, RunError } from '../src/errors.js';
import type { Device } from '../src/training/index.js';

/** What a node does with a device. */
export type DeviceTasks = Pick<
  Device,
  'initialise' | 'innerStep' | 'gradient' | 'pseudoGradient' | 'work' | 'evaluate'
>;

interface Request {
  readonly id: number;
  readonly task: keyof DeviceTasks;
  readonly argument: unknown;
}

type Response =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

/** Answers requests from a port until it closes. */
export function serveDevice(device: DeviceTasks, port: MessagePort): void {
  const answer = async ({ id, task, argument }: Request): Promise<void> => {
    let response: Response;
    try {
      // The task's argument type was checked where the request was made.
      response = { id, result: await device[task](argument as never) };
    } catch (error) {
      response = { id, error: messageOf(error) };
    }
    port.postMessage(response);
  };
  port.on('message', (request: Request) => void answer(request));
}

/** A device at the other end of a port. */
export class RemoteDevice implements DeviceTasks {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Deferred<unknown>>();
  #next = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (response: Response) => {
      const waiting = this.#waiting.get(response.id);
      this.#waiting.delete(response.id);
      if ('error' in response) waiting?.reject(new RunError(response.error));
      else waiting?.resolve(response.result);
    });
    port.on('close', () => {
      for (const waiting of this.#waiting.values()) waiting.reject(new RunError('the device is gone'));
    });
  }

  readonly initialise: DeviceTasks['initialise'] = (task) => this.#ask('initialise', task);
  readonly innerStep: DeviceTasks['innerStep'] = (task) => this.#ask('innerStep', task);
  readonly gradient: DeviceTasks['gradient'] = (task) => this.#ask('gradient', task);
  readonly pseudoGradient: DeviceTasks['pseudoGradient'] = (task) => this.#ask('pseudoGradient', task);
  readonly work: DeviceTasks['work'] = (task) => this.#ask('work', task);
  readonly evaluate: DeviceTasks['evaluate'] = (task) => this.#ask('evaluate', task);

  close(): void {
    this.#port.close();
  }

  #ask<Task extends keyof DeviceTasks>(
    task: Task,
    argument: Parameters<DeviceTasks[Task]>[0],
  ): ReturnType<DeviceTasks[Task]> {
    const id = this.#next++;
    const waiting = new Deferred<unknown>();
    this.#waiting.set(id, waiting);
    this.#port.postMessage({ id, task, argument } satisfies Request);
    return waiting.promise as ReturnType<DeviceTasks[Task]>;
  }
}
