/**
 * Everything a device can be asked to do, as plain synchronous functions on a replica's memory.
 *
 * Two callers share them: the device's threads (device-worker.ts), and the single-process reference. Since
 * both run the same lines, a mesh and its reference can only differ in how numbers travelled. Nothing here
 * knows of rounds, peers or time. Texts and compiled functions are kept from call to call, but results
 * depend on the arguments alone.
 */
import { RunError } from '../errors.js';
import { Random } from '../random.js';
import type {
  AggregateOperation,
  CompressOperation,
  OuterOperation,
  Range,
  StageOperation,
} from '../schedule/operation.js';
import { roundingOf } from '../schedule/transfer.js';
import { batchFor, sampleRows } from './batches.js';
import { confinedBoundary, plainBoundary } from './boundary.js';
import { confinedModelOf } from './confined-model.js';
import { aggregate, compress, pseudoGradient } from './contribution.js';
import { innerOptimizerStep } from './inner.js';
import { createLoss, createLossAndGradient } from './loss.js';
import type { ReplicaMemory } from './memory.js';
import { parameterCount, parameterLayout } from './model.js';
import { clearOutside } from './ranges.js';
import type { TrainingSettings } from './settings.js';
import { dealDocuments } from './shards.js';
import { compileStages, workOnStage, type StageContext } from './stages.js';
import { startingParameters } from './starting-parameters.js';
import { readDocuments } from './text.js';
import { applyUpdate } from './update.js';

/** The held-out loss is a mean over this many rows, taken a few at a time. */
const EVALUATION_ROWS = 64;
const EVALUATION_BATCH = 8;

/** All change the memory they are given, and nothing else. Steps are global inner steps, counting from 0. */
export interface Steps {
  /** Sets parameters and anchor of these ranges to the seeded initial ones; all else is zero in new memory. */
  initialise(memory: ReplicaMemory, ranges: readonly Range[]): void;
  /**
   * Forward, backward and the inner optimizer on the rank's batch of that step.
   *
   * @returns The loss before the update, nats per byte.
   * @throws RunError if it is not finite.
   */
  innerStep(memory: ReplicaMemory, rank: number, step: number): number;
  /** Forward and backward: the gradient to `reduction`. Returns and throws as {@link Steps.innerStep}. */
  gradient(memory: ReplicaMemory, rank: number, step: number): number;
  /** The pseudo-gradient of these ranges, `anchor - parameters`, to `reduction`. */
  pseudoGradient(memory: ReplicaMemory, ranges: readonly Range[]): void;
  /** Compresses, aggregates, updates, or works on a microbatch. Returns a loss where the work has one. */
  work(memory: ReplicaMemory, operation: DeviceWork, place: Place): number | undefined;
  /** Loss of these parameters on the held-out rows, the same for all ranks; nats per byte. */
  evaluate(parameters: Float32Array): number;
  /** Compiles, and reads the texts of these ranks and the held-out one, so that no step has to wait. */
  warmUp(ranks: readonly number[]): void;
}

/** Device operations that are one piece of work, whatever their time. */
export type DeviceWork = StageOperation | CompressOperation | AggregateOperation | OuterOperation;

/** Whose operation it is, and of which round. */
export interface Place {
  readonly rank: number;
  readonly round: number;
}

/** Before the engine has optimized its code, a step takes twice to thrice as long. */
const WARM_UP_STEPS = 4;

/** @throws InputError if the documents can't be dealt as the settings say. */
export function createSteps(settings: TrainingSettings): Steps {
  const { seed, shape, batch, inner, pipeline } = settings;
  const layout = parameterLayout(shape);
  const lossAndGradient = createLossAndGradient(shape, batch);
  const loss = createLoss(shape, EVALUATION_BATCH);
  const shards = dealDocuments(settings.data);
  const scratch = new Float32Array(parameterCount(shape));
  const whole = [{ offset: 0, length: scratch.length }];
  const texts = new Map<number, Uint8Array>();
  let heldOutRows: Uint8Array | undefined;

  const textOf = (rank: number): Uint8Array => {
    let text = texts.get(rank);
    if (!text) {
      text = readDocuments(shards.training[rank] ?? []);
      texts.set(rank, text);
    }
    return text;
  };
  const evaluationRows = (): Uint8Array => {
    const random = new Random(seed, 'held-out rows');
    heldOutRows ??= sampleRows(readDocuments(shards.heldOut), random, EVALUATION_ROWS, shape.context + 1);
    return heldOutRows;
  };
  const batchOf = (rank: number, step: number): Uint8Array =>
    batchFor({ text: textOf(rank), seed, rank, step, batch, context: shape.context });
  const confined = confinedModelOf(settings);
  const boundary = confined === undefined ? plainBoundary(shape.width) : confinedBoundary(confined);
  const stageContext: StageContext = { shape, batch, boundary, textOf: batchOf };
  const gradientTo = (out: Float32Array, parameters: Float32Array, rank: number, step: number): number => {
    const value = lossAndGradient(parameters, batchOf(rank, step), out);
    if (Number.isFinite(value)) return value;
    throw new RunError(
      `the loss of rank ${rank} at step ${step} is ${value}; a lower learning rate may help`,
    );
  };

  return {
    initialise({ parameters, anchor }, ranges) {
      startingParameters(settings, parameters);
      clearOutside(parameters, ranges);
      anchor.set(parameters);
    },
    innerStep(memory, rank, step) {
      const value = gradientTo(scratch, memory.parameters, rank, step);
      innerOptimizerStep(memory, scratch, inner, layout, { step, divisor: 1, ranges: whole });
      return value;
    },
    gradient({ parameters, reduction }, rank, step) {
      return gradientTo(reduction, parameters, rank, step);
    },
    pseudoGradient,
    work(memory, operation, { rank, round }) {
      switch (operation.kind) {
        case 'compress':
          compress(memory, operation, roundingOf({ seed, rank, round }, operation.id));
          return undefined;
        case 'aggregate':
          aggregate(memory, operation);
          return undefined;
        case 'outer':
          confined?.confineGradient(memory.reduction, operation.ranges);
          applyUpdate(memory, operation, inner, layout);
          if (operation.update.optimizer === 'inner') confined?.confine(memory.parameters, operation.ranges);
          return undefined;
        case 'stage':
          return workOnStage(stageContext, memory, operation);
      }
    },
    evaluate(parameters) {
      const rows = evaluationRows();
      const batches = EVALUATION_ROWS / EVALUATION_BATCH;
      const bytes = rows.length / batches;
      let sum = 0;
      for (let i = 0; i < batches; i++) sum += loss(parameters, rows.subarray(i * bytes, (i + 1) * bytes));
      return sum / batches;
    },
    warmUp(ranks) {
      const zeros = () => new Float32Array(scratch.length);
      const state = { parameters: zeros(), firstMoment: zeros(), secondMoment: zeros() };
      const text = new Uint8Array(batch * (shape.context + 1));
      const dealt = pipeline === undefined ? ranks : Array.from({ length: pipeline.replicas }, (_, i) => i);
      for (const shard of dealt) textOf(shard);
      for (let step = 0; step < WARM_UP_STEPS; step++) {
        if (pipeline === undefined) lossAndGradient(state.parameters, text, scratch);
        else compileStages(stageContext, pipeline.microbatches);
        innerOptimizerStep(state, scratch, inner, layout, { step, divisor: 1, ranges: whole });
      }
      if (pipeline === undefined)
        loss(state.parameters, evaluationRows().subarray(0, EVALUATION_BATCH * (shape.context + 1)));
    },
  };
}
