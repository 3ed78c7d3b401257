/**
 * The thread in which the relay lives: starts it, obeys its owner, and reports.
 *
 * It has a thread to itself so that nothing else keeps its clock waiting.
 */
import { availableParallelism, setPriority } from 'node:os';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { messageOf, RunError } from '../../errors.js';
import type { Topology } from '../../scenario/topology.js';
import type { Timeline } from '../../scenario/events/change.js';
import { Meters } from '../meters.js';
import { LoopbackBlock } from './loopback.js';
import { Reconstruction, type RecordRequest } from './reconstruction.js';
import { Relay, type Observer } from './relay.js';

export interface RelayWorkerSettings {
  readonly topology: Topology;
  readonly meshPort: number;
  /** Absent: nothing but the mesh port is relayed. */
  readonly controlPort?: number;
  readonly seed: number;
  readonly meters: SharedArrayBuffer;
  /** One 32-bit cell: packets written to the present capture. */
  readonly written: SharedArrayBuffer;
}

export type RelayCommand =
  | { readonly type: 'record'; readonly request: RecordRequest }
  | { readonly type: 'stop-recording' }
  | { readonly type: 'play'; readonly timeline: Timeline; readonly origin: number }
  | { readonly type: 'close' };

export type RelayReport =
  | {
      readonly type: 'ready';
      readonly addresses: readonly string[];
      readonly ports: readonly (readonly number[])[];
      readonly controlPorts?: readonly (readonly number[])[];
      /** Whether the thread runs before others. */
      readonly precedence: boolean;
    }
  | { readonly type: 'playing' }
  | { readonly type: 'applied'; readonly index: number; readonly time: number }
  | { readonly type: 'recording' }
  | { readonly type: 'recorded'; readonly packets: number }
  | { readonly type: 'not-recording'; readonly message: string }
  | { readonly type: 'not-recorded'; readonly message: string }
  /** At any time while recording. */
  | { readonly type: 'recording-failed'; readonly message: string };

/** Nice value where real-time scheduling is not to be had. */
const URGENT = -15;

class RelayThread {
  readonly #settings: RelayWorkerSettings;
  readonly #owner: MessagePort;
  readonly #written: Int32Array;
  readonly #block: LoopbackBlock;
  readonly #relay: Relay;
  #recording: Reconstruction | undefined;

  private constructor(settings: RelayWorkerSettings, owner: MessagePort, block: LoopbackBlock) {
    const { topology, seed } = settings;
    this.#settings = settings;
    this.#owner = owner;
    this.#written = new Int32Array(settings.written);
    this.#block = block;
    this.#relay = new Relay({
      topology,
      seed,
      meters: new Meters(topology.nodes.length, settings.meters),
      hosts: topology.nodes.map(({ rank }) => block.addressOf(rank)),
      clock: () => (performance.timeOrigin + performance.now()) / 1000,
    });
  }

  static async run(settings: RelayWorkerSettings, owner: MessagePort): Promise<void> {
    const block = await LoopbackBlock.claim(settings.meshPort);
    const thread = new RelayThread(settings, owner, block);
    const { meshPort, controlPort } = settings;
    const ports = await thread.#relay.open(meshPort);
    const control = controlPort === undefined ? {} : { controlPorts: await thread.#relay.open(controlPort) };
    owner.on('message', (command: RelayCommand) => void thread.#obey(command));
    const addresses = settings.topology.nodes.map(({ rank }) => block.addressOf(rank));
    const precedence = await takePrecedence();
    thread.#report({ type: 'ready', addresses, ports, ...control, precedence });
  }

  async #obey(command: RelayCommand): Promise<void> {
    switch (command.type) {
      case 'record':
        return this.#record(command.request);
      case 'stop-recording':
        return this.#stopRecording();
      case 'play':
        this.#relay.play(command.timeline, command.origin, (applied) =>
          this.#report({ type: 'applied', ...applied }),
        );
        return this.#report({ type: 'playing' });
      case 'close':
        await this.#relay.close();
        await this.#block.release();
        this.#owner.close(); // the last thing that keeps the thread alive
    }
  }

  #record(request: RecordRequest): void {
    try {
      if (this.#recording !== undefined)
        throw new RunError('a capture is running already; allowed: one at a time');
      const recording = new Reconstruction(request, this.#settings.topology);
      Atomics.store(this.#written, 0, 0);
      this.#recording = recording;
      this.#relay.observer = this.#observer(recording);
      this.#report({ type: 'recording' });
    } catch (error) {
      this.#report({ type: 'not-recording', message: messageOf(error) });
    }
  }

  /** Writes what is seen, until the disk refuses. */
  #observer(recording: Reconstruction): Observer {
    return {
      see: (segment) => recording.see(segment),
      complete: (instant) => {
        try {
          recording.complete(instant);
          Atomics.store(this.#written, 0, recording.packets);
        } catch (error) {
          this.#relay.observer = undefined;
          this.#report({ type: 'recording-failed', message: messageOf(error) });
        }
      },
    };
  }

  #stopRecording(): void {
    const recording = this.#recording;
    this.#relay.observer?.complete(this.#relay.clock());
    this.#relay.observer = undefined;
    this.#recording = undefined;
    try {
      this.#report({ type: 'recorded', packets: recording?.close() ?? 0 });
    } catch (error) {
      this.#report({ type: 'not-recorded', message: messageOf(error) });
    }
  }

  #report(message: RelayReport): void {
    this.#owner.postMessage(message);
  }
}

/** Puts this thread before the nodes, whose computing would keep it waiting; false where the user may not. */
async function takePrecedence(): Promise<boolean> {
  try {
    // On a single core, a real-time thread that waits for V8's helper threads would keep them from running.
    if (availableParallelism() > 1) {
      const { realTimePriority } = await import('../netns/syscalls.js');
      if (realTimePriority()) return true;
    }
    setPriority(URGENT); // On Linux: of this thread alone.
    return true;
  } catch {
    return false;
  }
}

if (parentPort === null) throw new Error('this module is the entry of a worker thread');
await RelayThread.run(workerData as RelayWorkerSettings, parentPort);
