/**
 * The shaper as its owner sees it: started with descriptors of TUN devices, read through meters, stopped.
 */
import { once } from 'node:events';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { RunError } from '../../errors.js';
import type { Topology } from '../../scenario/topology.js';
import type { Timeline } from '../../scenario/events/change.js';
import type { AppliedListener } from '../agenda.js';
import { Meters } from '../meters.js';
import type { RecordRequest } from './recorder.js';

export interface ShaperPort {
  readonly rank: number;
  /** Non-blocking descriptor of the node's TUN device; the caller keeps and closes it. */
  readonly fd: number;
}

/** What the shaping thread is born with. */
export interface ShaperSettings {
  readonly topology: Topology;
  readonly ports: readonly ShaperPort[];
  readonly seed: number;
  readonly meters: SharedArrayBuffer;
  /** Two cells: 1 in the first means stop, 1 in the second means look at the command port. */
  readonly control: SharedArrayBuffer;
  readonly commands: MessagePort;
}

export type ShaperCommand =
  | { readonly type: 'record'; readonly request: RecordRequest }
  | { readonly type: 'stop-recording' }
  | { readonly type: 'play'; readonly timeline: Timeline; readonly origin: number };

export type ShaperReport =
  | { readonly type: 'ready'; readonly realTime: boolean }
  | { readonly type: 'playing' }
  | { readonly type: 'applied'; readonly index: number; readonly time: number }
  | { readonly type: 'recording' }
  | { readonly type: 'recorded'; readonly packets: number }
  | { readonly type: 'recorder-failed'; readonly message: string };

export class Shaper {
  readonly meters: Meters;
  /** Whether the thread got real-time priority. */
  readonly realTime: boolean;
  readonly #worker: Worker;
  readonly #control: Int32Array;
  readonly #commands: MessagePort;
  readonly #ended: Promise<void>;
  #failure: Error | undefined;

  private constructor(
    worker: Worker,
    control: Int32Array,
    commands: MessagePort,
    meters: Meters,
    realTime: boolean,
  ) {
    this.#worker = worker;
    this.#control = control;
    this.#commands = commands;
    this.meters = meters;
    this.realTime = realTime;
    worker.on('error', (error) => (this.#failure = error));
    this.#ended = new Promise((resolve) => worker.once('exit', () => resolve()));
  }

  static async start(topology: Topology, ports: readonly ShaperPort[], seed: number): Promise<Shaper> {
    const meters = new Meters(topology.nodes.length);
    const control = new SharedArrayBuffer(8);
    const { port1, port2 } = new MessageChannel();
    const settings: ShaperSettings = {
      topology,
      ports,
      seed,
      meters: meters.memory,
      control,
      commands: port2,
    };
    const worker = new Worker(new URL('./shaper-worker.js', import.meta.url), {
      workerData: settings,
      transferList: [port2],
    });
    const [ready] = (await once(worker, 'message')) as [ShaperReport];
    if (ready.type !== 'ready') throw new RunError(`the shaper said '${ready.type}' instead of 'ready'`);
    return new Shaper(worker, new Int32Array(control), port1, meters, ready.realTime);
  }

  /** Why the thread died, if it did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Has the network change as a timeline says, by the shaper's own clock; resolves when the shaper knows it.
   *
   * @param origin time zero of the timeline, seconds since 1970
   */
  async play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void> {
    this.#worker.on('message', (message: ShaperReport) => {
      if (message.type === 'applied') onApplied({ index: message.index, time: message.time });
    });
    await this.#ask({ type: 'play', timeline, origin }, 'playing');
  }

  /** Starts to record what goes onto the bridge; resolves when the file is open. */
  async record(request: RecordRequest, onFailure: (error: Error) => void): Promise<void> {
    this.#worker.on('message', (message: ShaperReport) => {
      if (message.type === 'recorder-failed') onFailure(new RunError(message.message));
    });
    await this.#ask({ type: 'record', request }, 'recording');
  }

  /** Ends the recording, its file complete; the number of packets in it. */
  async stopRecording(): Promise<number> {
    const answer = await this.#ask({ type: 'stop-recording' }, 'recorded');
    return answer.type === 'recorded' ? answer.packets : 0;
  }

  /** Ends the thread, if it has not died. The devices stay open: they are the caller's. */
  async close(): Promise<void> {
    Atomics.store(this.#control, 0, 1);
    await this.#ended;
    this.#commands.close();
  }

  async #ask(command: ShaperCommand, expected: ShaperReport['type']): Promise<ShaperReport> {
    const answered = new Promise<ShaperReport>((resolve, reject) => {
      const listener = (message: ShaperReport): void => {
        if (message.type === 'recorder-failed') reject(new RunError(message.message));
        else if (message.type === expected) resolve(message);
        else return;
        this.#worker.off('message', listener);
      };
      this.#worker.on('message', listener);
      this.#worker.once('exit', () => reject(new RunError('the shaper ended')));
    });
    this.#commands.postMessage(command);
    Atomics.store(this.#control, 1, 1);
    return answered;
  }
}
