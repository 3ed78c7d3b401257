/**
 * One model replica at work: carries out a schedule's operations with real tensors over real links.
 *
 * Work goes to the device, slices to the mesh; in between lies the replica's memory, in which slices are
 * read and summed where they are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RunError } from '../src/errors.js';
import type { Scenario } from '../src/scenario/index.js';
import type {
  AggregateOperation,
  CompressOperation,
  ComputeOperation,
  GetOperation,
  Operation,
  OuterOperation,
  Part,
  PutOperation,
  RecvOperation,
  SendOperation,
  StageOperation,
} from '../src/schedule/operation.js';
import { readSlice, writeSlice } from '../src/schedule/transfer.js';
import { withScratch, type ReplicaMemory } from '../src/training/index.js';
import type { Mesh } from '../src/transport/mesh.js';
import type { DeviceTasks } from './device-port.js';
import type { ObjectClient } from './object-client.js';
import { Pace } from './pace.js';
import type { Stage } from './player.js';
import { StageTally } from './stage-tally.js';

export interface StepDone {
  /** Global index of the inner step. */
  readonly step: number;
  /** Nats per byte; absent where the node has none, being a pipeline stage that is not the last. */
  readonly loss?: number;
  readonly computeSeconds: number;
  readonly overrunSeconds: number;
}

export interface ReplicaOptions {
  readonly rank: number;
  readonly scenario: Scenario;
  readonly memory: ReplicaMemory;
  readonly device: DeviceTasks;
  readonly mesh: Mesh;
  /** Where there is an object store. */
  readonly objects?: ObjectClient;
  readonly onStep: (step: StepDone) => void;
}

export class Replica {
  readonly #options: ReplicaOptions;
  #memory: ReplicaMemory;
  #stageTally = new StageTally([]);
  #outerOverrun = 0;
  /** Aborted when the round that is being played is abandoned. */
  #signal: AbortSignal | undefined;
  /** What the device is at, or was last. */
  #task: Promise<unknown> = Promise.resolve();
  /** When the round that is being played began, performance.now() in ms. */
  #roundStart = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#memory = options.memory;
  }

  /**
   * The stage on which a part of one round is played. Once it is abandoned nothing more is written into the replica's
   * memory but by the task that the device is at; see settled().
   */
  stage(
    round: number,
    { operations, scratch }: Pick<Part, 'operations' | 'scratch'>,
    signal?: AbortSignal,
  ): Stage {
    this.#signal = signal;
    this.#memory = withScratch(this.#memory, scratch);
    this.#stageTally = new StageTally(operations);
    this.#roundStart = performance.now();
    return { perform: (operation) => this.#perform(round, operation) };
  }

  #perform(round: number, operation: Operation): Promise<void> {
    switch (operation.kind) {
      case 'compute':
        return this.#compute(operation);
      case 'send':
        return this.#send(round, operation);
      case 'recv':
        return this.#receive(round, operation);
      case 'compress':
      case 'aggregate':
      case 'outer':
        return this.#aroundExchange(round, operation);
      case 'stage':
        return this.#stage(round, operation);
      case 'wait':
        return this.#wait(operation.paces);
      case 'put':
        return this.#store.put(operation.round, this.#object(operation));
      case 'get':
        return this.#store.get(operation.owner, operation.round, this.#object(operation));
    }
  }

  get #store(): ObjectClient {
    const { objects } = this.#options;
    if (objects === undefined) throw new RunError('this node has no object store');
    return objects;
  }

  /** Where the object lies, or is to lie. */
  #object({ slot, bytes }: PutOperation | GetOperation): Uint8Array {
    return this.#memory.contributions.subarray(slot, slot + bytes);
  }

  async #compute(operation: ComputeOperation): Promise<void> {
    const { rank, scenario, device, onStep } = this.#options;
    const { contribution } = operation;
    const memory = this.#memory.shared;
    const signal = this.#signal;
    const pace = new Pace(scenario.pace);
    const end = operation.firstStep + operation.steps;
    for (let step = operation.firstStep; step < end; step++) {
      signal?.throwIfAborted();
      const report = await this.#onDevice(
        operation.work === 'gradient'
          ? device.gradient({ memory, rank, step })
          : device.innerStep({ memory, rank, step }),
      );
      if (!Number.isFinite(report.loss))
        throw new RunError(`training diverged: the loss of step ${step} is ${report.loss}`);
      // The pseudo-gradient belongs to the last step's time, as on a device that computes while it waits.
      if (step === end - 1) await this.#contribute(operation);
      const overrunSeconds = await pace.finishStep();
      signal?.throwIfAborted();
      onStep({ step, ...report, overrunSeconds });
    }
    if (operation.steps === 0 && contribution.length > 0) await this.#contribute(operation);
  }

  async #contribute({ work, contribution }: ComputeOperation): Promise<void> {
    if (work !== 'inner-steps' || contribution.length === 0) return;
    this.#signal?.throwIfAborted();
    await this.#onDevice(
      this.#options.device.pseudoGradient({ memory: this.#memory.shared, ranges: contribution }),
    );
  }

  async #send(round: number, operation: SendOperation): Promise<void> {
    const { rank, scenario, mesh } = this.#options;
    const { offset, length, sequence, peer, encoding } = operation;
    const data = readSlice(operation, this.#memory, { seed: scenario.seed, rank, round });
    await mesh.send(peer, { round, sequence, encoding: encoding.kind, length, offset, data });
  }

  async #receive(round: number, operation: RecvOperation): Promise<void> {
    const { offset, length, sequence, peer, encoding } = operation;
    const signal = this.#signal;
    const slice = await this.#options.mesh.receive(peer);
    signal?.throwIfAborted();
    if (
      slice.round !== round ||
      slice.sequence !== sequence ||
      slice.offset !== offset ||
      slice.length !== length ||
      slice.encoding !== encoding.kind
    ) {
      throw new RunError(
        `rank ${peer} sent slice ${slice.sequence} of round ${slice.round} (${slice.length} ${slice.encoding} at ` +
          `${slice.offset}); expected slice ${sequence} of round ${round} (${length} ${encoding.kind} at ${offset})`,
      );
    }
    writeSlice(operation, slice.data, this.#memory);
  }

  /** Seconds by which the device's tasks around exchanges missed their pace since this was last asked. */
  takeOuterOverrun(): number {
    const overrun = this.#outerOverrun;
    this.#outerOverrun = 0;
    return overrun;
  }

  async #aroundExchange(
    round: number,
    operation: CompressOperation | AggregateOperation | OuterOperation,
  ): Promise<void> {
    const pace = new Pace(operation.cost * this.#options.scenario.outerPace);
    await this.#work(round, operation);
    this.#outerOverrun += await pace.finishStep();
  }

  async #stage(round: number, operation: StageOperation): Promise<void> {
    const { scenario, onStep } = this.#options;
    const pace = new Pace(operation.cost * scenario.pace);
    const report = await this.#work(round, operation);
    const stepDone = this.#stageTally.add(operation, report, await pace.finishStep());
    if (stepDone !== undefined) onStep(stepDone);
  }

  #work(round: number, operation: Parameters<DeviceTasks['work']>[0]['operation']) {
    const { rank, device } = this.#options;
    return this.#onDevice(device.work({ memory: this.#memory.shared, operation, rank, round }));
  }

  /** Resolves when the device is at no task of this replica. */
  async settled(): Promise<void> {
    await this.#task.catch(() => undefined);
  }

  #onDevice<T>(task: Promise<T>): Promise<T> {
    this.#task = task;
    return task;
  }

  async #wait(paces: number): Promise<void> {
    const left = this.#roundStart + 1000 * paces * this.#options.scenario.pace - performance.now();
    if (left > 0) await sleep(left);
  }
}
