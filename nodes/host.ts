/**
 * Hosts nodes as threads of this process: one thread per node for its network, one pool for their devices.
 *
 * It starts and ends them and says when one dies of itself. What they do they learn from the orchestrator.
 */
import { once } from 'node:events';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { InputError, messageOf, RunError } from '../src/errors.js';
import type { DeviceOptions, TrainingSettings } from '../src/training/index.js';
import type { Placement } from '../src/wan/fabric.js';
import type { DeviceHostCommand, DeviceHostReport } from './device-host.js';
import type { NodeThreadData } from './thread.js';

export interface HostOptions {
  readonly orchestrator: string;
  readonly tokens: readonly string[];
  readonly placements: readonly Placement[];
  readonly training: TrainingSettings;
  /** By rank: memory for its checkpoints, see Checkpoints; absent in a run in which no node crashes. */
  readonly checkpoints?: readonly SharedArrayBuffer[];
  /** A node's thread ended before close(). */
  readonly onDeath: (rank: number, reason: string) => void;
}

export class NodeHost {
  /** The thread that owns the device pool. */
  readonly #device: Worker;
  readonly #deviceExit: Promise<void>;
  readonly #options: HostOptions;
  readonly #workers: Worker[];
  /** Nodes that kill() ended. */
  readonly #killed = new Set<Worker>();
  #closing = false;

  private constructor(device: Worker, options: HostOptions) {
    this.#device = device;
    this.#options = options;
    this.#deviceExit = new Promise((resolve) => device.once('exit', () => resolve()));
    device.on('error', (error) => {
      // All nodes lose it; the first speaks for them.
      if (!this.#closing) options.onDeath(0, `the device's thread failed: ${messageOf(error)}`);
    });
    this.#workers = options.placements.map((placement) => this.#startNode(placement, options));
  }

  /** Starts the device pool (which compiles the model), then the nodes. */
  static async start(options: HostOptions): Promise<NodeHost> {
    const ranks = options.placements.map(({ rank }) => rank);
    return new NodeHost(await startDevice({ settings: options.training, ranks }), options);
  }

  /** Ends one node at once, as a crash would; `onDeath` hears of it. */
  async kill(rank: number): Promise<void> {
    await this.#workers[rank]?.terminate();
  }

  /** Ends one node at once, for it to be started anew. */
  async crash(rank: number): Promise<void> {
    const worker = this.#workers[rank];
    if (worker === undefined) return;
    this.#killed.add(worker);
    await worker.terminate();
  }

  /** Starts a node anew that has crashed. */
  revive(rank: number): void {
    if (!this.#closing) this.#workers[rank] = this.#startNode(this.#options.placements[rank]!, this.#options);
  }

  /** Waits briefly for nodes to end by themselves, then ends them and the pool. Safe to call twice. */
  async close(patienceMs = 2000): Promise<void> {
    this.#closing = true;
    const patience = setTimeout(() => this.#workers.forEach((worker) => void worker.terminate()), patienceMs);
    await Promise.all(this.#workers.map(ended));
    clearTimeout(patience);
    this.#tellDevice({ type: 'close' });
    await this.#deviceExit;
  }

  #startNode(placement: Placement, options: HostOptions): Worker {
    const { rank } = placement;
    const { port1, port2 } = new MessageChannel();
    this.#tellDevice({ type: 'serve', port: port1 }, [port1]);
    const { orchestrator, tokens } = options;
    const kept = options.checkpoints?.[rank];
    const data: NodeThreadData = {
      ...{ orchestrator, token: tokens[rank]!, placement, device: port2 },
      ...(kept === undefined ? {} : { checkpoints: kept }),
    };
    const worker = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: data,
      transferList: [port2],
    });
    worker.on('error', (error) => {
      if (!this.#closing) options.onDeath(rank, `its thread failed: ${messageOf(error)}`);
    });
    worker.on('exit', (code) => {
      if (!this.#closing && !this.#killed.has(worker))
        options.onDeath(rank, `its thread ended (exit code ${code})`);
    });
    return worker;
  }

  #tellDevice(command: DeviceHostCommand, transfer: MessagePort[] = []): void {
    this.#device.postMessage(command, transfer);
  }
}

/** Resolves when a thread has ended; at once if it has already. */
function ended(worker: Worker): Promise<void> {
  // Its number is -1 once it has ended.
  return worker.threadId === -1
    ? Promise.resolve()
    : new Promise((resolve) => worker.once('exit', () => resolve()));
}

/** Starts the device's thread; resolves when the pool is warm. Throws what the pool would have thrown. */
async function startDevice(options: DeviceOptions): Promise<Worker> {
  const worker = new Worker(new URL('./device-host.js', import.meta.url), { workerData: options });
  const [report] = (await once(worker, 'message')) as [DeviceHostReport];
  if (report.type === 'ready') return worker;
  await worker.terminate();
  throw report.wrongInput ? new InputError(report.message) : new RunError(report.message);
}
