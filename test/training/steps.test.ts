/** Training on real text, without threads. */
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/errors.js';
import { allocateReplica, replicaFrom } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import { createSteps } from '../../src/training/steps.js';
import { smallSettings, updateBy, wholeOf } from './small-settings.js';

const settings = smallSettings(2);
const count = parameterCount(settings.shape);
const whole = wholeOf(settings);
const place = { rank: 0, round: 0 };

describe('createSteps', () => {
  it('learns: 60 steps lower the held-out loss by more than 1 nat', () => {
    const steps = createSteps(settings);
    const memory = allocateReplica(count);
    steps.initialise(memory, whole);
    const before = steps.evaluate(memory.parameters);
    expect(before).toBeCloseTo(Math.log(256), 0);
    for (let step = 0; step < 60; step++) steps.innerStep(memory, 0, step);
    expect(steps.evaluate(memory.parameters)).toBeLessThan(before - 1);
  });

  it('gives a gradient and an update that together are an inner step', () => {
    const steps = createSteps(settings);
    const [atOnce, parts] = [allocateReplica(count), allocateReplica(count)];
    for (const memory of [atOnce, parts]) steps.initialise(memory, whole);
    for (let step = 0; step < 3; step++) {
      const loss = steps.innerStep(atOnce, 1, step);
      expect(steps.gradient(parts, 1, step)).toBe(loss);
      steps.work(parts, updateBy({ optimizer: 'inner', step }, 1, whole), place);
    }
    expect(parts.parameters).toEqual(atOnce.parameters);
  });

  it('returns to where the inner steps led, by an outer step of rate 1 without momentum', () => {
    const steps = createSteps(settings);
    const memory = allocateReplica(count);
    steps.initialise(memory, whole);
    const anchor = memory.anchor.slice();
    steps.innerStep(memory, 0, 0);
    const reached = memory.parameters.slice();
    steps.pseudoGradient(memory, whole);
    expect(memory.anchor).toEqual(anchor);
    const toTheMean = { optimizer: 'nesterov', learningRate: 1, momentum: 0, mix: 0 } as const;
    steps.work(memory, updateBy(toTheMean, 1, whole), place);
    expect(memory.parameters).toEqual(memory.anchor);
    const furthest = memory.parameters.reduce(
      (most, p, i) => Math.max(most, Math.abs(p - (reached[i] ?? NaN))),
      0,
    );
    expect(furthest).toBeLessThan(1e-7);
  });

  it('initialises, contributes and updates the ranges it is told, and nothing else', () => {
    const steps = createSteps(settings);
    const [all, some] = [allocateReplica(count), allocateReplica(count)];
    const ranges = [
      { offset: 5, length: 10 },
      { offset: 40, length: 3 },
    ];
    const inside = (index: number) => (index >= 5 && index < 15) || (index >= 40 && index < 43);
    steps.initialise(all, whole);
    steps.initialise(some, ranges);
    expect(some.parameters).toEqual(all.parameters.map((value, i) => (inside(i) ? value : 0)));
    expect(some.anchor).toEqual(some.parameters);

    const before = all.parameters.slice();
    all.parameters.forEach((value, i) => (all.parameters[i] = value - 1));
    steps.pseudoGradient(all, ranges);
    all.reduction.forEach((value, i) => expect(value).toBeCloseTo(inside(i) ? 1 : 0, 6));
    const half = { optimizer: 'nesterov', learningRate: 0.5, momentum: 0.9, mix: 0 } as const;
    all.parameters.set(before);
    steps.work(all, updateBy(half, 1, ranges), place);
    // Nesterov's first step is lr·(1 + momentum)·g.
    all.parameters.forEach((value, i) => expect(value).toBeCloseTo(before[i]! - (inside(i) ? 0.95 : 0), 5));
  });

  it('mixes what the outer step comes to with what the replica has, by the share of the replica', () => {
    const memory = allocateReplica(count);
    memory.anchor.fill(2);
    memory.parameters.fill(8);
    memory.reduction.fill(1);
    const update = { optimizer: 'nesterov', learningRate: 1, momentum: 0, mix: 0.25 } as const;
    createSteps(settings).work(memory, updateBy(update, 1, whole), place);
    expect(memory.anchor.every((value) => value === 1)).toBe(true);
    expect(memory.parameters.every((value) => value === 0.25 * 8 + 0.75 * 1)).toBe(true);
  });

  it('evaluates the same whichever rank trained, and leaves the parameters alone', () => {
    const [first, second] = [createSteps(settings), createSteps(settings)];
    const memory = allocateReplica(count);
    first.initialise(memory, whole);
    const before = memory.parameters.slice();
    const loss = first.evaluate(memory.parameters);
    expect(second.evaluate(replicaFrom(memory.shared).parameters)).toBe(loss);
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
