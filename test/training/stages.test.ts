/** Pipeline stages against the model in one piece. */
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/errors.js';
import { allocateReplica } from '../../src/training/memory.js';
import { parameterCount, parameterLayout } from '../../src/training/model.js';
import { createSteps } from '../../src/training/steps.js';
import { Pipelined } from './pipelined.js';
import { smallSettings, wholeOf } from './small-settings.js';
import { trainUnsplit, unsplitGradient, type PipelinedSettings } from './unsplit.js';

const shape = { layers: 4, width: 32, heads: 2, context: 16 };
const STEP = 3;

function settingsOf(
  stages: number,
  microbatches: number,
  activations: PipelinedSettings['pipeline']['activations'] = { kind: 'none' },
): PipelinedSettings {
  const batch = microbatches === 3 ? 6 : 4;
  // One rank's share of many, so that there is little text to read.
  return { ...smallSettings(64), shape, batch, pipeline: { stages, microbatches, replicas: 1, activations } };
}

/** The gradient and the losses of one step of the model in one piece, from the initial parameters. */
function unsplit(settings: PipelinedSettings) {
  const memory = allocateReplica(parameterCount(shape));
  createSteps(settings).initialise(memory, wholeOf(settings));
  const losses = unsplitGradient(settings)(memory, 0, STEP);
  return { losses, gradient: memory.reduction };
}

/** |a-b| / |b|, by tensor. */
function differences(a: Float32Array, b: Float32Array): number[] {
  return parameterLayout(shape).map(({ offset, length }) => {
    const own = b.subarray(offset, offset + length);
    return Math.hypot(...own.map((value, i) => a[offset + i]! - value)) / Math.hypot(...own);
  });
}

/** Names of tensors in which any bit differs. */
function unlike(a: Float32Array, b: Float32Array): string[] {
  return parameterLayout(shape).flatMap(({ name, offset, length }) =>
    a.subarray(offset, offset + length).every((value, i) => value === b[offset + i]) ? [] : [name],
  );
}

function expectClose(found: readonly number[], expected: readonly number[], relative: number): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => expect(Math.abs(value / expected[i]! - 1)).toBeLessThan(relative));
}

describe.each([1, 2, 3, 4])('%i stages', (stages) => {
  it.each([1, 2, 3, 4])('give the gradient of the whole model, with %i microbatches', (microbatches) => {
    const settings = settingsOf(stages, microbatches);
    const pipeline = new Pipelined(settings);
    const losses = pipeline.forward(STEP);
    pipeline.backward(STEP);
    const gradient = pipeline.gradient();

    // Link by link, as a single stage. All sums are made in the same order, but for the embedding's: there
    // h1+e1+h2+e2, where e is its gradient as the first stage has it and h as the last one; here (e1+e2)+(h1+h2).
    const single = new Pipelined(settingsOf(1, microbatches));
    expect(losses).toEqual(single.forward(STEP));
    single.backward(STEP);
    const reordered = stages > 1 && microbatches > 1 ? ['embedding'] : [];
    expect(unlike(gradient, single.gradient())).toEqual(reordered);
    expect(Math.max(...differences(gradient, single.gradient()))).toBeLessThan(1e-6);

    // In one piece. Compiled as a whole its sums are merged and made in other orders.
    const whole = unsplit(settings);
    expectClose(losses, whole.losses, 1e-6);
    expect(Math.max(...differences(gradient, whole.gradient))).toBeLessThan(1e-5);
  });

  it('go back in two halves to the same bits', () => {
    const settings = settingsOf(stages, 2);
    const [once, halves] = [new Pipelined(settings), new Pipelined(settings)];
    for (const pipeline of [once, halves]) pipeline.forward(STEP);
    once.backward(STEP);
    halves.backward(STEP, ['backward-input', 'backward-weight']);
    halves.memories.forEach((memory, stage) => {
      expect(unlike(memory.reduction, once.memories[stage]!.reduction)).toEqual([]);
      expect(memory.activations).toEqual(once.memories[stage]!.activations);
    });
  });
});

describe('a pipeline', () => {
  it.each([3, 4])('trains to the same bits with %i stages as with 2', (stages) => {
    const [two, more] = [2, stages].map((count) => {
      const pipeline = new Pipelined(settingsOf(count, 3));
      for (let step = 0; step < 3; step++) {
        pipeline.forward(step);
        pipeline.backward(step);
        pipeline.update(step);
      }
      return pipeline.parameters();
    });
    expect(unlike(more!, two!)).toEqual([]);
  });

  it('keeps each half of a backward pass to itself', () => {
    const pipeline = new Pipelined(settingsOf(2, 1));
    pipeline.forward(STEP);
    const { reduction, activations } = pipeline.memories[1]!;
    pipeline.work('backward-input', 1, 0, STEP);
    expect(reduction.every((value) => value === 0)).toBe(true);
    const after = activations.slice();
    pipeline.work('backward-weight', 1, 0, STEP);
    expect(reduction.some((value) => value !== 0)).toBe(true);
    expect(activations).toEqual(after);
  });

  it('takes the course that the whole model takes', () => {
    // Not by AdamW: its first step goes by the sign of each element, and so makes much of rounding near 0.
    const settings = { ...settingsOf(3, 2), inner: { kind: 'sgd', learningRate: 0.3 } } as const;
    const steps = 12;
    const pipeline = new Pipelined(settings);
    const losses = Array.from({ length: steps }, (_, step) => {
      const [a, b] = pipeline.forward(step);
      pipeline.backward(step);
      pipeline.update(step);
      return (a! + b!) / 2;
    });
    expectClose(losses, trainUnsplit(settings, steps).losses, 1e-5);
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.5);
  });

  it('reads microbatches of its own text, and of no other pipeline’s', () => {
    const settings = settingsOf(1, 2);
    const pipeline = new Pipelined(settings);
    const losses = pipeline.forward(STEP);
    expect(new Set(losses).size).toBe(2);
    expect(pipeline.forward(STEP + 1)).not.toEqual(losses);
    expect(pipeline.forward(STEP)).toEqual(losses);
  });

  it('says which microbatch diverged', () => {
    const pipeline = new Pipelined(settingsOf(2, 2));
    pipeline.memories[1]!.parameters.fill(NaN);
    expect(() => pipeline.forward(STEP)).toThrow(RunError);
    expect(() => pipeline.forward(STEP)).toThrow(/pipeline 0 at step 3, microbatch 0, is NaN/);
  });

  it('refuses a batch that microbatches do not divide', () => {
    expect(() => new Pipelined({ ...settingsOf(2, 3), batch: 4 }).forward(STEP)).toThrow(
      /batch of 4 rows in 3 microbatches/,
    );
  });
});
