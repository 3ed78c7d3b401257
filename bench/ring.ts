/** A ring of benchmark nodes, driven from the main thread. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ringAllReduce } from '../orchestrator/collectives/ring.js';
import { PartBuilder } from '../orchestrator/schedules/part-builder.js';
import { CertificateAuthority } from '../src/transport/certificates.js';
import type { Fabric } from '../src/wan/fabric.js';
import type { BenchCommand, BenchWorkerData } from './worker.js';

export interface RingOptions {
  /** Absent: plain loopback, nothing between the nodes. */
  readonly fabric?: Fabric;
  readonly size: number;
  /** Mutual TLS on the data plane; default true. The raw copy never has any. */
  readonly tls?: boolean;
  /** Elements of the buffer that is reduced. */
  readonly elements: number;
  /** Largest slice, bytes; also the chunk of the raw copy. */
  readonly slice: number;
}

export class Ring {
  readonly #options: RingOptions;
  readonly #workers: readonly Worker[];
  #round = 0;

  private constructor(options: RingOptions, workers: readonly Worker[]) {
    this.#options = options;
    this.#workers = workers;
  }

  static async start(options: RingOptions): Promise<Ring> {
    const { fabric, size, elements, tls = true } = options;
    const authority = await CertificateAuthority.create();
    const peers = Array.from({ length: size }, (_, rank) => ({
      ...(fabric?.placements[0]!.peers[rank] ?? { host: `127.77.2.${rank + 1}`, port: 28470 }),
      name: `node-${rank}`,
    }));
    const workers = await Promise.all(
      peers.map(async ({ name }, rank) => {
        const namespaceFd = fabric?.placements[rank]?.namespaceFd;
        const identity = await authority.issue(name);
        const data: BenchWorkerData = {
          rank,
          peers,
          ...(tls ? { identity } : {}),
          elements,
          ...(namespaceFd === undefined ? {} : { namespaceFd }),
        };
        const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: data });
        await once(worker, 'message'); // listening
        return worker;
      }),
    );
    const ring = new Ring(options, workers);
    await ring.#all({ type: 'connect' });
    return ring;
  }

  /** Bytes that each node sends in an all-reduce: 2·V·(N−1)/N. */
  get bytesPerNode(): number {
    const { size, elements } = this.#options;
    return (2 * 4 * elements * (size - 1)) / size;
  }

  /** Seconds of one ring all-reduce. */
  async allReduce(): Promise<number> {
    const { size, elements, slice } = this.#options;
    const round = this.#round++;
    const ranks = Array.from({ length: size }, (_, rank) => new PartBuilder(rank));
    ringAllReduce({
      members: ranks,
      ranges: [{ offset: 0, length: elements }],
      sliceElements: slice / Float32Array.BYTES_PER_ELEMENT,
      encoding: { kind: 'float32' },
      after: ranks.map(() => []),
      regions: ranks.map(() => ''),
    });
    return this.#time((rank) => ({
      type: 'all-reduce',
      round,
      operations: ranks[rank]!.part().operations,
    }));
  }

  /** Seconds in which every node sends as many bytes to its neighbour over a plain TCP socket. */
  rawCopy(bytes = this.bytesPerNode): Promise<number> {
    return this.#time(() => ({ type: 'raw', bytes, chunk: this.#options.slice }));
  }

  async close(): Promise<void> {
    const ended = this.#workers.map((worker) => once(worker, 'exit'));
    for (const worker of this.#workers) worker.postMessage({ type: 'close' } satisfies BenchCommand);
    await Promise.all(ended);
  }

  async #time(commandOf: (rank: number) => BenchCommand): Promise<number> {
    const start = performance.now();
    await this.#all(commandOf);
    return (performance.now() - start) / 1000;
  }

  async #all(command: BenchCommand | ((rank: number) => BenchCommand)): Promise<void> {
    const answers = this.#workers.map((worker) => once(worker, 'message'));
    this.#workers.forEach((worker, rank) =>
      worker.postMessage(typeof command === 'function' ? command(rank) : command),
    );
    await Promise.all(answers);
  }
}
