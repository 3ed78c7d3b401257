/** Training on real text, without threads. */
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/errors.js';
import { allocateReplica, replicaFrom } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import { createSteps } from '../../src/training/steps.js';
import { smallSettings } from './small-settings.js';

const settings = smallSettings(2);
const count = parameterCount(settings.shape);

describe('createSteps', () => {
  it('learns: 60 steps lower the held-out loss by more than 1 nat', () => {
    const steps = createSteps(settings);
    const memory = allocateReplica(count);
    steps.initialise(memory);
    const before = steps.evaluate(memory);
    expect(before).toBeCloseTo(Math.log(256), 0);
    for (let step = 0; step < 60; step++) steps.innerStep(memory, 0, step);
    expect(steps.evaluate(memory)).toBeLessThan(before - 1);
  });

  it('gives a gradient and an update that together are an inner step', () => {
    const steps = createSteps(settings);
    const [whole, parts] = [allocateReplica(count), allocateReplica(count)];
    for (const memory of [whole, parts]) steps.initialise(memory);
    for (let step = 0; step < 3; step++) {
      const loss = steps.innerStep(whole, 1, step);
      expect(steps.gradient(parts, 1, step)).toBe(loss);
      steps.innerUpdate(parts, step, 1);
    }
    expect(parts.parameters).toEqual(whole.parameters);
  });

  it('returns to where the inner steps led, by an outer step of rate 1 without momentum', () => {
    const steps = createSteps(settings);
    const memory = allocateReplica(count);
    steps.initialise(memory);
    const anchor = memory.anchor.slice();
    steps.innerStep(memory, 0, 0);
    const reached = memory.parameters.slice();
    steps.pseudoGradient(memory);
    expect(memory.anchor).toEqual(anchor);
    steps.outerUpdate(memory, 1, { learningRate: 1, momentum: 0 });
    expect(memory.parameters).toEqual(memory.anchor);
    const furthest = memory.parameters.reduce(
      (most, p, i) => Math.max(most, Math.abs(p - (reached[i] ?? NaN))),
      0,
    );
    expect(furthest).toBeLessThan(1e-7);
  });

  it('evaluates the same whichever rank trained, and leaves the parameters alone', () => {
    const [first, second] = [createSteps(settings), createSteps(settings)];
    const memory = allocateReplica(count);
    first.initialise(memory);
    const before = memory.parameters.slice();
    const loss = first.evaluate(memory);
    expect(second.evaluate(replicaFrom(memory.shared))).toBe(loss);
    expect(memory.parameters).toEqual(before);
  });

  it('reports a loss that is not finite', () => {
    const memory = allocateReplica(count);
    memory.parameters.fill(NaN);
    const steps = createSteps(settings);
    expect(() => steps.innerStep(memory, 0, 4)).toThrow(RunError);
    expect(() => steps.gradient(memory, 1, 4)).toThrow(/loss of rank 1 at step 4 is NaN/);
  });
});
