/**
 * Hosts nodes as threads of this process: one thread per node for its network, one pool for their devices.
 *
 * It starts and ends them and says when one dies of itself. What they do they learn from the orchestrator.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { messageOf } from '../src/errors.js';
import { createDevice, type Device, type TrainingSettings } from '../src/training/index.js';
import type { Placement } from '../src/wan/fabric.js';
import { serveDevice } from './device-port.js';
import type { NodeThreadData } from './thread.js';

export interface HostOptions {
  readonly orchestrator: string;
  readonly tokens: readonly string[];
  readonly placements: readonly Placement[];
  readonly training: TrainingSettings;
  /** A node's thread ended before close(). */
  readonly onDeath: (rank: number, reason: string) => void;
}

export class NodeHost {
  readonly #device: Device;
  readonly #workers: readonly Worker[];
  readonly #exits: readonly Promise<void>[];
  #closing = false;

  private constructor(device: Device, options: HostOptions) {
    this.#device = device;
    this.#workers = options.placements.map((placement) => this.#startNode(placement, options));
    this.#exits = this.#workers.map(
      (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
    );
  }

  /** Starts the device pool (which compiles the model), then the nodes. */
  static async start(options: HostOptions): Promise<NodeHost> {
    const ranks = options.placements.map(({ rank }) => rank);
    return new NodeHost(await createDevice({ settings: options.training, ranks }), options);
  }

  /** Ends one node at once, as a crash would. */
  async kill(rank: number): Promise<void> {
    await this.#workers[rank]?.terminate();
  }

  /** Waits briefly for nodes to end by themselves, then ends them and the pool. Safe to call twice. */
  async close(patienceMs = 2000): Promise<void> {
    this.#closing = true;
    const patience = setTimeout(() => this.#workers.forEach((worker) => void worker.terminate()), patienceMs);
    await Promise.all(this.#exits);
    clearTimeout(patience);
    await this.#device.close();
  }

  #startNode(placement: Placement, options: HostOptions): Worker {
    const { rank } = placement;
    const { port1, port2 } = new MessageChannel();
    serveDevice(this.#device, port1);
    const { orchestrator, tokens } = options;
    const data: NodeThreadData = { orchestrator, token: tokens[rank]!, placement, device: port2 };
    const worker = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: data,
      transferList: [port2],
    });
    worker.on('error', (error) => {
      if (!this.#closing) options.onDeath(rank, `its thread failed: ${messageOf(error)}`);
    });
    worker.on('exit', (code) => {
      port1.close();
      if (!this.#closing) options.onDeath(rank, `its thread ended (exit code ${code})`);
    });
    return worker;
  }
}
