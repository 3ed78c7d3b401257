/**
 * The `threads` fabric: nodes are worker threads on loopback, the WAN is a relay of byte streams.
 *
 *     node a ── 127.0.0.1:port(a,b) ──► relay (uplink of a, path a→b, downlink of b) ──► node b, 127.77.0.(b+1)
 *
 * It needs no privilege, no kernel feature and no tool, so it works where namespaces do not. The price:
 * rates, delays, jitter and back-pressure are shaped, but no packet ever exists, so there is no
 * congestion control to study, UDP does not pass, loss only delays (see stream-wan.ts), and a capture
 * is reconstructed (see reconstruction.ts) and says so.
 *
 * This side starts the relay's thread, reads its meters and ends it.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf, RunError } from '../../errors.js';
import { asNetwork, type Topology } from '../../scenario/topology.js';
import type { Timeline } from '../../scenario/events/change.js';
import type { AppliedListener } from '../agenda.js';
import {
  CONTROL_PORT,
  MESH_PORT,
  type CaptureRequest,
  type CaptureResult,
  type Fabric,
  type Lateness,
  type NodeCounters,
  type Placement,
  type RunningCapture,
} from '../fabric.js';
import { Meters } from '../meters.js';
import type { RelayCommand, RelayReport, RelayWorkerSettings } from './relay-worker.js';

export interface ThreadsOptions {
  readonly topology: Topology;
  /** Port on which every node serves its peers, at an address of its own; default {@link MESH_PORT}. */
  readonly meshPort?: number;
  readonly seed: number;
  /** Whether control traffic is relayed too; it takes as many sockets again. Default no. */
  readonly control?: boolean;
}

/**
 * Starts the fabric.
 *
 * @throws RunError when the mesh port is taken, loopback has one address only, or there are too few
 * descriptors to listen for every pair of nodes.
 */
export async function createThreadsFabric(options: ThreadsOptions): Promise<Fabric> {
  const { topology, seed } = options;
  const meshPort = options.meshPort ?? MESH_PORT;
  const network = asNetwork(topology);
  const meters = new Meters(network.nodes.length);
  const written = new SharedArrayBuffer(4);
  const workerData: RelayWorkerSettings = {
    topology: network,
    meshPort,
    ...(options.control === true ? { controlPort: CONTROL_PORT } : {}),
    seed,
    meters: meters.memory,
    written,
  };
  const worker = new Worker(new URL('./relay-worker.js', import.meta.url), { workerData });
  try {
    const [ready] = (await once(worker, 'message')) as [RelayReport];
    if (ready.type !== 'ready') throw new RunError(`the relay said '${ready.type}' instead of 'ready'`);
    return new ThreadsFabric(topology, ready, meshPort, worker, meters, new Int32Array(written));
  } catch (error) {
    await worker.terminate();
    throw new RunError(`the relay of the threads fabric did not start: ${messageOf(error)}`);
  }
}

type Ready = Extract<RelayReport, { type: 'ready' }>;

function placements(ready: Ready, meshPort: number): Placement[] {
  const { addresses, ports, controlPorts } = ready;
  const at = (rank: number, port: number, row: readonly number[]): Pick<Placement, 'listen' | 'peers'> => ({
    listen: { host: addresses[rank]!, port },
    peers: row.map((relayed) => ({ host: '127.0.0.1', port: relayed })),
  });
  return ports.map((row, rank) => ({
    rank,
    packetLevel: false,
    ...at(rank, meshPort, row),
    ...(controlPorts === undefined ? {} : { control: at(rank, CONTROL_PORT, controlPorts[rank]!) }),
  }));
}

class ThreadsFabric implements Fabric {
  readonly kind = 'threads';
  readonly packetLevel = false;
  readonly description: string;
  readonly topology: Topology;
  readonly placements: readonly Placement[];
  readonly #worker: Worker;
  readonly #ended: Promise<unknown>;
  readonly #meters: Meters;
  readonly #written: Int32Array;
  /** Why the relay is gone, once it is. */
  #failure: RunError | undefined;
  #running: RunningCapture | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    topology: Topology,
    ready: Ready,
    meshPort: number,
    worker: Worker,
    meters: Meters,
    written: Int32Array,
  ) {
    this.topology = topology;
    this.placements = placements(ready, meshPort);
    const priority = ready.precedence ? 'raised' : 'normal';
    this.description = `threads on loopback, byte streams shaped by a relay (${priority} priority); no real packets`;
    this.#worker = worker;
    this.#meters = meters;
    this.#written = written;
    this.#ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.on('error', (error) => (this.#failure = new RunError(`the relay died: ${messageOf(error)}`)));
    worker.on('exit', () => (this.#failure ??= new RunError('the fabric is closed')));
  }

  counters(): NodeCounters[] {
    return this.#meters.counters();
  }

  lateness(): Lateness {
    return this.#meters.lateness();
  }

  /** @throws RunError for a kind that needs packets, and when the file cannot be written. */
  async capture(request: CaptureRequest): Promise<RunningCapture> {
    if (request.kind !== 'auto') {
      throw new RunError(
        `capture.kind is ${request.kind}, but the threads fabric has no packets to capture; allowed here: auto (packets ` +
          'reconstructed from the relayed bytes) and none. The netns fabric captures genuine packets',
      );
    }
    const { file, snaplen, comment, onFailure } = request;
    await this.#ask({ type: 'record', request: { file, snaplen, comment } }, 'recording', 'not-recording');
    const failed = (message: RelayReport): void => {
      if (message.type === 'recording-failed') onFailure(new RunError(message.message));
    };
    const died = (): void => onFailure(this.#failure ?? new RunError('the relay died'));
    this.#worker.on('message', failed);
    this.#worker.on('error', died);
    let stopped: Promise<CaptureResult> | undefined;
    this.#running = {
      kind: 'reconstructed',
      packets: () => Atomics.load(this.#written, 0),
      stop: () =>
        (stopped ??= this.#stopRecording().finally(() => {
          this.#worker.off('message', failed);
          this.#worker.off('error', died);
          this.#running = undefined;
        })),
    };
    return this.#running;
  }

  async play(timeline: Timeline, origin: number, onApplied: AppliedListener): Promise<void> {
    this.#worker.on('message', (message: RelayReport) => {
      if (message.type === 'applied') onApplied({ index: message.index, time: message.time });
    });
    await this.#ask({ type: 'play', timeline, origin }, 'playing');
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #stopRecording(): Promise<CaptureResult> {
    const { packets } = await this.#ask({ type: 'stop-recording' }, 'recorded', 'not-recorded');
    return { packets, missed: 0 };
  }

  /** Sends a command and waits for its answer; the other answer, if there can be one, is an error. */
  #ask<Yes extends RelayReport['type']>(
    command: RelayCommand,
    yes: Yes,
    no?: 'not-recording' | 'not-recorded',
  ): Promise<Extract<RelayReport, { type: Yes }>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#worker.off('message', listener);
        this.#worker.off('exit', ended);
      };
      const listener = (message: RelayReport): void => {
        if (message.type !== yes && message.type !== no) return;
        settle();
        if (message.type === no) reject(new RunError(message.message));
        else resolve(message as Extract<RelayReport, { type: Yes }>);
      };
      const ended = (): void => {
        settle();
        reject(this.#failure ?? new RunError('the relay has ended'));
      };
      this.#worker.on('message', listener);
      this.#worker.on('exit', ended);
      this.#worker.postMessage(command);
    });
  }

  async #end(): Promise<void> {
    // Its own owner learns of a failure from stop(); here only the end matters.
    await this.#running?.stop().catch(() => undefined);
    const close: RelayCommand = { type: 'close' };
    this.#worker.postMessage(close);
    await this.#ended;
  }
}
