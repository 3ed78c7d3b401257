/**
 * One model replica at work: carries out a schedule's operations with real tensors over real links.
 *
 * compute and outer go to the device, send and recv to the mesh; in between lies the replica's memory, in
 * which slices are read and summed where they are.
 */
import { RunError } from '../src/errors.js';
import type { Scenario } from '../src/scenario/index.js';
import type {
  ComputeOperation,
  Operation,
  OuterOperation,
  RecvOperation,
  SendOperation,
} from '../src/schedule/operation.js';
import { reduceInto } from '../src/schedule/reduce.js';
import type { ReplicaMemory } from '../src/training/index.js';
import type { Mesh } from '../src/transport/mesh.js';
import type { DeviceTasks } from './device-port.js';
import { Pace } from './pace.js';
import type { Stage } from './player.js';

export interface StepDone {
  /** Global index of the inner step. */
  readonly step: number;
  readonly loss: number;
  readonly computeSeconds: number;
  readonly overrunSeconds: number;
}

export interface ReplicaOptions {
  readonly rank: number;
  readonly worldSize: number;
  readonly scenario: Scenario;
  readonly memory: ReplicaMemory;
  readonly device: DeviceTasks;
  readonly mesh: Mesh;
  readonly onStep: (step: StepDone) => void;
}

export class Replica {
  readonly #options: ReplicaOptions;
  /** Global index of the inner step whose gradient is being reduced (ddp). */
  #gradientStep = 0;
  #outerOverrun = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** The stage on which one round is played. */
  stage(round: number): Stage {
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
      case 'outer':
        return this.#outer(operation);
    }
  }

  async #compute(operation: ComputeOperation): Promise<void> {
    const { rank, scenario, device, onStep } = this.#options;
    const memory = this.#options.memory.shared;
    const pace = new Pace(scenario.pace);
    const end = operation.firstStep + operation.steps;
    for (let step = operation.firstStep; step < end; step++) {
      this.#gradientStep = step;
      const report =
        operation.work === 'gradient'
          ? await device.gradient({ memory, rank, step })
          : await device.innerStep({ memory, rank, step });
      if (!Number.isFinite(report.loss))
        throw new RunError(`training diverged: the loss of step ${step} is ${report.loss}`);
      // The pseudo-gradient belongs to the last step's time, as on a device that computes while it waits.
      if (operation.work === 'inner-steps' && step === end - 1) await device.pseudoGradient({ memory });
      onStep({ step, ...report, overrunSeconds: await pace.finishStep() });
    }
  }

  async #send(round: number, operation: SendOperation): Promise<void> {
    const { offset, length, sequence, peer } = operation;
    const { reduction } = this.#options.memory;
    const data = new Uint8Array(reduction.buffer, reduction.byteOffset + 4 * offset, 4 * length);
    await this.#options.mesh.send(peer, { round, sequence, dtype: 'float32', shape: [length], offset, data });
  }

  async #receive(round: number, operation: RecvOperation): Promise<void> {
    const { offset, length, sequence, peer, into } = operation;
    const slice = await this.#options.mesh.receive(peer);
    if (
      slice.round !== round ||
      slice.sequence !== sequence ||
      slice.offset !== offset ||
      slice.shape[0] !== length
    ) {
      throw new RunError(
        `rank ${peer} sent slice ${slice.sequence} of round ${slice.round} (${slice.shape[0]} elements at ` +
          `${slice.offset}); expected slice ${sequence} of round ${round} (${length} elements at ${offset})`,
      );
    }
    reduceInto(this.#options.memory.reduction, offset, aligned(slice.data), into);
  }

  /** Seconds by which updates missed their pace since this was last asked. */
  takeOuterOverrun(): number {
    const overrun = this.#outerOverrun;
    this.#outerOverrun = 0;
    return overrun;
  }

  async #outer(operation: OuterOperation): Promise<void> {
    const pace = new Pace(this.#options.scenario.outerPace);
    await this.#update(operation);
    this.#outerOverrun += await pace.finishStep();
  }

  #update(operation: OuterOperation): Promise<void> {
    const { worldSize, scenario, device } = this.#options;
    const memory = this.#options.memory.shared;
    if (operation.optimizer === 'inner')
      return device.innerUpdate({ memory, step: this.#gradientStep, worldSize });
    if (scenario.protocol.kind !== 'diloco')
      throw new RunError(`${scenario.protocol.kind} has no outer optimizer`);
    const { learningRate, momentum } = scenario.protocol.outer;
    return device.outerUpdate({ memory, worldSize, learningRate, momentum });
  }
}

/** The same bytes as floats; copied only where they do not lie on a multiple of four. */
function aligned(bytes: Uint8Array): Float32Array {
  const whole = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(whole.buffer, whole.byteOffset, whole.length / 4);
}
