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
import { adamwStep } from './adamw.js';
import { batchFor, sampleRows } from './batches.js';
import { createLoss, createLossAndGradient } from './loss.js';
import type { ReplicaMemory } from './memory.js';
import { initialParameters, parameterCount, parameterLayout } from './model.js';
import { nesterovStep, type NesterovSettings } from './nesterov.js';
import type { TrainingSettings } from './settings.js';
import { dealDocuments } from './shards.js';
import { readDocuments } from './text.js';

/** The held-out loss is a mean over this many rows, taken a few at a time. */
const EVALUATION_ROWS = 64;
const EVALUATION_BATCH = 8;

/** All change the memory they are given, and nothing else. Steps are global inner steps, counting from 0. */
export interface Steps {
  /** Sets parameters and anchor to the seeded initial ones; momenta are zero in new memory. */
  initialise(memory: ReplicaMemory): void;
  /**
   * Forward, backward and AdamW on the rank's batch of that step.
   *
   * @returns The loss before the update, nats per byte.
   * @throws RunError if it is not finite.
   */
  innerStep(memory: ReplicaMemory, rank: number, step: number): number;
  /** Forward and backward: the gradient to `reduction`. Returns and throws as {@link Steps.innerStep}. */
  gradient(memory: ReplicaMemory, rank: number, step: number): number;
  /** AdamW on the mean gradient, `reduction / worldSize`. */
  innerUpdate(memory: ReplicaMemory, step: number, worldSize: number): void;
  /** The pseudo-gradient, `anchor - parameters`, to `reduction`. */
  pseudoGradient(memory: ReplicaMemory): void;
  /** Nesterov on the anchor by the mean pseudo-gradient, `reduction / worldSize`; then parameters = anchor. */
  outerUpdate(memory: ReplicaMemory, worldSize: number, settings: NesterovSettings): void;
  /** Loss of the current parameters on the held-out rows, the same for all ranks; nats per byte. */
  evaluate(memory: ReplicaMemory): number;
  /** Compiles, and reads the texts of these ranks and the held-out one, so that no step has to wait. */
  warmUp(ranks: readonly number[]): void;
}

/** @throws InputError if the documents can't be dealt as the settings say. */
export function createSteps(settings: TrainingSettings): Steps {
  const { seed, shape, batch, inner } = settings;
  const layout = parameterLayout(shape);
  const lossAndGradient = createLossAndGradient(shape, batch);
  const loss = createLoss(shape, EVALUATION_BATCH);
  const shards = dealDocuments(settings.data);
  const scratch = new Float32Array(parameterCount(shape));
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
  const gradientTo = (out: Float32Array, parameters: Float32Array, rank: number, step: number): number => {
    const tokens = batchFor({ text: textOf(rank), seed, rank, step, batch, context: shape.context });
    const value = lossAndGradient(parameters, tokens, out);
    if (Number.isFinite(value)) return value;
    throw new RunError(
      `the loss of rank ${rank} at step ${step} is ${value}; a lower learning rate may help`,
    );
  };

  return {
    initialise({ parameters, anchor }) {
      initialParameters(shape, seed, parameters);
      anchor.set(parameters);
    },
    innerStep(memory, rank, step) {
      const value = gradientTo(scratch, memory.parameters, rank, step);
      adamwStep(memory, scratch, inner, layout, { step });
      return value;
    },
    gradient({ parameters, reduction }, rank, step) {
      return gradientTo(reduction, parameters, rank, step);
    },
    innerUpdate(memory, step, worldSize) {
      adamwStep(memory, memory.reduction, inner, layout, { step, divisor: worldSize });
    },
    pseudoGradient({ anchor, parameters, reduction }) {
      for (let i = 0; i < reduction.length; i++) reduction[i] = (anchor[i] ?? NaN) - (parameters[i] ?? NaN);
    },
    outerUpdate({ anchor, outerMomentum, reduction, parameters }, worldSize, outer) {
      nesterovStep(anchor, outerMomentum, reduction, worldSize, outer);
      parameters.set(anchor);
    },
    evaluate({ parameters }) {
      const rows = evaluationRows();
      const batches = EVALUATION_ROWS / EVALUATION_BATCH;
      const bytes = rows.length / batches;
      let sum = 0;
      for (let i = 0; i < batches; i++) sum += loss(parameters, rows.subarray(i * bytes, (i + 1) * bytes));
      return sum / batches;
    },
    warmUp(ranks) {
      for (const rank of ranks) textOf(rank);
      const parameters = new Float32Array(scratch.length);
      lossAndGradient(parameters, new Uint8Array(batch * (shape.context + 1)), scratch);
      loss(parameters, evaluationRows().subarray(0, EVALUATION_BATCH * (shape.context + 1)));
    },
  };
}
