/**
 * What a `stage` operation does to a node's memory: one microbatch, forward or backward, through one stage.
 *
 * Nothing is kept from one operation to the next but what lies in that memory, so that any thread of the
 * device can take it: a backward pass begins with the stage's saved input and recomputes the rest.
 *
 * Both halves of a backward pass run the whole of it and keep one result. On this device that costs little
 * (kernels merged for the input's gradient alone are much slower than those for both), and how long a half
 * takes on the emulated one is the schedule's to say.
 */
import { RunError } from '../errors.js';
import type { ModelShape } from '../scenario/schema.js';
import type { StageOperation } from '../schedule/operation.js';
import type { Boundary } from './boundary.js';
import { compiledStage, type StageGradients, type StageInput } from './compiled-stage.js';
import type { ReplicaMemory } from './memory.js';
import { parameterCount } from './model.js';

export interface StageContext {
  readonly shape: ModelShape;
  /** Sequences per replica of the pipeline and step, of all microbatches together. */
  readonly batch: number;
  readonly boundary: Boundary;
  /** The batch of a replica of the pipeline at a global inner step: rows of `context + 1` bytes. */
  readonly textOf: (shard: number, step: number) => Uint8Array;
}

/**
 * Carries out the operation. The loss is the mean over the microbatch, nats per byte, and gradients are those
 * of that mean; so a sum over microbatches is to be divided by their number.
 *
 * @returns The loss, of the last stage's forward pass.
 * @throws RunError if it is not finite.
 */
export function workOnStage(
  { shape, batch, boundary, textOf }: StageContext,
  memory: ReplicaMemory,
  operation: StageOperation,
): number | undefined {
  const { work, shard, step, stage, stages, microbatch, microbatches } = operation;
  const rows = microbatchRows(batch, microbatches);
  const bytes = rows * (shape.context + 1);
  const text = textOf(shard, step).subarray(microbatch * bytes, (microbatch + 1) * bytes);
  const tokens = tokensAt(memory, operation, text, shape);
  const slot = (name: Slot): Float32Array =>
    slotOf(memory, operation, name, tokens.length * boundary.numbers);

  const compiled = compiledStage(shape, rows, { stage, stages });
  const { parameters } = memory;
  const input: StageInput =
    stage === 0
      ? { parameters, text }
      : { parameters, text, activations: boundary.read(slot('input'), tokens) };

  if (work === 'forward') {
    const { loss, activations } = compiled.forward(input);
    if (activations !== undefined) boundary.write(activations, tokens, slot('output'));
    if (loss !== undefined && !Number.isFinite(loss)) throw divergence(operation, loss);
    return loss;
  }
  const gradients =
    stage === stages - 1
      ? compiled.backward(input)
      : compiled.backward(input, boundary.readGradient(slot('outputGradient')));
  if (work !== 'backward-input') accumulate(memory.reduction, gradients, microbatch === 0);
  if (work !== 'backward-weight' && gradients.input !== undefined)
    boundary.writeGradient(gradients.input, slot('inputGradient'));
  return undefined;
}

/** Compiles what any stage of a pipeline needs: all are made of the same links. */
export function compileStages(
  { shape, batch }: Pick<StageContext, 'shape' | 'batch'>,
  microbatches: number,
): void {
  const rows = microbatchRows(batch, microbatches);
  const text = new Uint8Array(rows * (shape.context + 1));
  const parameters = new Float32Array(parameterCount(shape));
  const whole = compiledStage(shape, rows, { stage: 0, stages: 1 });
  whole.forward({ parameters, text });
  whole.backward({ parameters, text });
}

/** @throws RangeError if the batch can't be cut into so many equal pieces. */
function microbatchRows(batch: number, microbatches: number): number {
  if (batch % microbatches !== 0)
    throw new RangeError(`a batch of ${batch} rows in ${microbatches} microbatches`);
  return batch / microbatches;
}

/** The bytes that a microbatch reads, as far as this stage knows; the first one lets the others know. */
function tokensAt(
  { contributions }: ReplicaMemory,
  { work, stage, tokens: at }: StageOperation,
  text: Uint8Array,
  { context }: ModelShape,
): Uint8Array {
  const rows = text.length / (context + 1);
  if (stage > 0 && at !== undefined) return contributions.subarray(at, at + rows * context);
  // A row's last byte is only predicted.
  const tokens = text.filter((_, i) => i % (context + 1) < context);
  if (work === 'forward' && at !== undefined) contributions.set(tokens, at);
  return tokens;
}

type Slot = 'input' | 'output' | 'outputGradient' | 'inputGradient';

function slotOf(
  { activations }: ReplicaMemory,
  operation: StageOperation,
  name: Slot,
  length: number,
): Float32Array {
  const offset = operation[name];
  if (offset === undefined || offset + length > activations.length)
    throw new RangeError(
      `operation ${operation.id} has its ${name} at ${offset} of ${activations.length} activations; it needs ${length}`,
    );
  return activations.subarray(offset, offset + length);
}

/** One float32 addition per element, in the order of microbatches. */
function accumulate(sum: Float32Array, { weights }: StageGradients, first: boolean): void {
  if (first) for (const { offset, values } of weights) sum.fill(0, offset, offset + values.length);
  for (const { offset, values } of weights)
    for (let i = 0; i < values.length; i++) sum[offset + i]! += values[i]!;
}

function divergence({ shard, step, microbatch }: StageOperation, loss: number): RunError {
  return new RunError(
    `the loss of pipeline ${shard} at step ${step}, microbatch ${microbatch}, is ${loss}; ` +
      'a lower learning rate may help',
  );
}
