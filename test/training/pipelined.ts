/**
 * A pipeline without a schedule: all stages in one process, played in plain order, each on a memory of its own,
 * with what they hand to each other copied from one memory to the next.
 */
import type { Range, StageOperation } from '../../src/schedule/operation.js';
import { allocateReplica, type ReplicaMemory } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import { boundaryElements, embeddingRange, stageRanges } from '../../src/training/stage-layout.js';
import { createSteps, type Steps } from '../../src/training/steps.js';
import { updateBy } from './small-settings.js';
import type { PipelinedSettings } from './unsplit.js';

export class Pipelined {
  /** By stage. */
  readonly memories: readonly ReplicaMemory[];
  readonly #settings: PipelinedSettings;
  readonly #steps: Steps;
  readonly #elements: number;
  readonly #tokens: number;

  constructor(settings: PipelinedSettings) {
    const { shape, batch, pipeline } = settings;
    const { stages, microbatches, activations } = pipeline;
    const rows = batch / microbatches;
    this.#settings = settings;
    this.#steps = createSteps(settings);
    this.#elements = boundaryElements(shape, rows, activations);
    this.#tokens = rows * shape.context;
    const scratch = {
      activationElements: 4 * microbatches * this.#elements,
      contributionBytes: microbatches * this.#tokens,
    };
    this.memories = Array.from({ length: stages }, (_, stage) => {
      const memory = allocateReplica(parameterCount(shape), scratch);
      this.#steps.initialise(memory, stageRanges(shape, { stage, stages }));
      return memory;
    });
  }

  /** All microbatches forward through all stages; their losses. */
  forward(step: number): number[] {
    const { stages, microbatches } = this.#settings.pipeline;
    return Array.from({ length: microbatches }, (_, microbatch) => {
      let loss: number | undefined;
      for (let stage = 0; stage < stages; stage++) {
        loss = this.work('forward', stage, microbatch, step);
        const [from, to] = [this.memories[stage]!, this.memories[stage + 1]];
        if (to === undefined) continue;
        const { output, input, tokens } = this.#slots(microbatch);
        this.#copy(from, output, to, input);
        to.contributions.set(from.contributions.subarray(tokens, tokens + this.#tokens), tokens);
      }
      return loss!;
    });
  }

  /** All microbatches backward through all stages, by these pieces of work. */
  backward(step: number, works: readonly StageOperation['work'][] = ['backward']): void {
    const { stages, microbatches } = this.#settings.pipeline;
    for (let microbatch = 0; microbatch < microbatches; microbatch++) {
      for (let stage = stages - 1; stage >= 0; stage--) {
        for (const work of works) this.work(work, stage, microbatch, step);
        const [from, to] = [this.memories[stage]!, this.memories[stage - 1]];
        if (to === undefined) continue;
        const { inputGradient, outputGradient } = this.#slots(microbatch);
        this.#copy(from, inputGradient, to, outputGradient);
      }
    }
  }

  /** The sum over microbatches of the whole model's gradients, the embedding's from both its holders. */
  gradient(): Float32Array {
    const { shape } = this.#settings;
    const sum = new Float32Array(parameterCount(shape));
    this.memories.forEach(({ reduction }, stage) => {
      for (const { offset, length } of this.rangesOf(stage))
        for (let i = offset; i < offset + length; i++) sum[i]! += reduction[i]!;
    });
    return sum;
  }

  /** The inner optimizer on all stages, the embedding's two holders agreeing on its gradient first. */
  update(step: number): void {
    const { shape, pipeline } = this.#settings;
    const { microbatches } = pipeline;
    const { offset, length } = embeddingRange(shape);
    const embedding = this.gradient().subarray(offset, offset + length);
    for (const memory of [this.memories[0]!, this.memories.at(-1)!]) memory.reduction.set(embedding, offset);
    this.memories.forEach((memory, stage) => {
      const operation = updateBy({ optimizer: 'inner', step }, microbatches, this.rangesOf(stage));
      this.#steps.work(memory, operation, { rank: stage, round: 0 });
    });
  }

  /** The whole model. */
  parameters(): Float32Array {
    const { shape } = this.#settings;
    const whole = new Float32Array(parameterCount(shape));
    this.memories.forEach(({ parameters }, stage) => {
      for (const { offset, length } of this.rangesOf(stage))
        whole.set(parameters.subarray(offset, offset + length), offset);
    });
    return whole;
  }

  /** Plays one operation; the loss, if it has one. */
  work(...of: Parameters<Pipelined['operation']>): number | undefined {
    const operation = this.operation(...of);
    const { stage } = operation;
    return this.#steps.work(this.memories[stage]!, operation, { rank: stage, round: 0 });
  }

  /** One operation, as a schedule would have it. */
  operation(work: StageOperation['work'], stage: number, microbatch: number, step: number): StageOperation {
    const { stages, microbatches } = this.#settings.pipeline;
    const { input, inputGradient, output, outputGradient, tokens } = this.#slots(microbatch);
    return {
      id: 0,
      kind: 'stage',
      stream: 'compute',
      after: [],
      work,
      step,
      shard: 0,
      stage,
      stages,
      microbatch,
      microbatches,
      cost: 1,
      ...(stage === 0 ? {} : { input, inputGradient }),
      ...(stage === stages - 1 ? {} : { output, outputGradient }),
      tokens,
    };
  }

  /** What of the parameters a stage holds. */
  rangesOf(stage: number): Range[] {
    const { shape, pipeline } = this.#settings;
    return stageRanges(shape, { stage, stages: pipeline.stages });
  }

  /** Where things of a microbatch lie, the same in all memories. */
  #slots(microbatch: number) {
    const place = (index: number) => (4 * microbatch + index) * this.#elements;
    return {
      input: place(0),
      inputGradient: place(1),
      output: place(2),
      outputGradient: place(3),
      tokens: microbatch * this.#tokens,
    };
  }

  #copy(from: ReplicaMemory, source: number, to: ReplicaMemory, target: number): void {
    to.activations.set(from.activations.subarray(source, source + this.#elements), target);
  }
}
