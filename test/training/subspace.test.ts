/** Activations as coefficients in a shared subspace: what is lost (nothing), and that training stays in it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { confinedBoundary } from '../../src/training/boundary.js';
import { ConfinedModel, confinedModelOf } from '../../src/training/confined-model.js';
import { allocateReplica } from '../../src/training/memory.js';
import { initialParameters, parameterCount, parameterLayout } from '../../src/training/model.js';
import { stageRanges } from '../../src/training/stage-layout.js';
import { createSteps } from '../../src/training/steps.js';
import { Subspace } from '../../src/training/subspace.js';
import { Pipelined } from './pipelined.js';
import { smallSettings, updateBy, wholeOf } from './small-settings.js';
import { trainUnsplit, unsplitGradient, type PipelinedSettings } from './unsplit.js';

const shape = { layers: 3, width: 32, heads: 2, context: 16 };
const RANK = 8;
const STEPS = 20;
const settings: PipelinedSettings = {
  ...smallSettings(64),
  shape,
  pipeline: { stages: 3, microbatches: 2, replicas: 1, activations: { kind: 'subspace', rank: RANK } },
};
const subspace = new Subspace({ width: shape.width, rank: RANK, seed: settings.seed });
const model = new ConfinedModel(shape, settings.seed, subspace);
const initial = new Float32Array(parameterCount(shape));
initialParameters(shape, settings.seed, initial);

const normals = (length: number, label = 'values') => {
  const random = new Random(1, label);
  return Float32Array.from({ length }, () => random.normal());
};
const norm = (values: Float32Array) => Math.hypot(...values);
const difference = (a: Float32Array, b: Float32Array) => a.map((value, i) => value - b[i]!);

/** How far the confined tensors are outside, as a share of how far they may have moved. */
function outside(parameters: Float32Array): number[] {
  return parameterLayout(shape).flatMap(({ name, offset, length }) => {
    const fromStart = name === 'embedding' || name === 'positions';
    if (!fromStart && !/attention\.output|mlp\.down/.test(name)) return [];
    const own = parameters.subarray(offset, offset + length);
    const moved = fromStart ? difference(own, initial.subarray(offset, offset + length)) : own.slice();
    const inside = moved.slice();
    subspace.project(inside);
    return [norm(difference(moved, inside)) / norm(moved)];
  });
}

describe('Subspace', () => {
  it('has an orthonormal basis', () => {
    const coefficients = normals(5 * RANK);
    const rows = new Float32Array(5 * shape.width);
    subspace.combine(coefficients, rows);
    expect(norm(rows) / norm(coefficients)).toBeCloseTo(1, 6);
    const back = new Float32Array(coefficients.length);
    subspace.coefficients(rows, back);
    expect(norm(difference(back, coefficients)) / norm(coefficients)).toBeLessThan(1e-6);
  });

  it('projects onto what it spans, once and for all, at right angles', () => {
    const rows = normals(5 * shape.width);
    const inside = rows.slice();
    subspace.project(inside);
    const left = new Float32Array(5 * RANK);
    subspace.coefficients(difference(rows, inside), left);
    expect(norm(left)).toBeLessThan(1e-6 * norm(rows));
    expect(norm(inside)).toBeLessThan(0.9 * norm(rows));
    const again = inside.slice();
    subspace.project(again);
    expect(norm(difference(again, inside))).toBeLessThan(1e-6 * norm(rows));
  });

  it('is the same for the same seed, and another for another', () => {
    const coefficientsFor = (seed: number) => {
      const out = new Float32Array(RANK);
      new Subspace({ width: shape.width, rank: RANK, seed }).coefficients(normals(shape.width), out);
      return out;
    };
    expect(coefficientsFor(4)).toEqual(coefficientsFor(4));
    expect(coefficientsFor(5)).not.toEqual(coefficientsFor(4));
  });

  it('can be all of the space, and not more', () => {
    const all = new Subspace({ width: 6, rank: 6, seed: 1 });
    const rows = normals(12);
    const projected = rows.slice();
    all.project(projected);
    expect(norm(difference(projected, rows))).toBeLessThan(1e-6 * norm(rows));
    expect(() => new Subspace({ width: 6, rank: 7, seed: 1 })).toThrow(RangeError);
  });
});

describe('the boundary in a subspace', () => {
  const boundary = confinedBoundary(model);
  const tokens = Uint8Array.from({ length: 2 * shape.context }, (_, i) => 60 + i);

  it('takes rank numbers a byte of text, and gives back what lies in the subspace', () => {
    const slot = normals(tokens.length * boundary.numbers);
    expect(slot.length).toBe(tokens.length * RANK);
    const activations = boundary.read(slot, tokens);
    const again = new Float32Array(slot.length);
    boundary.write(activations, tokens, again);
    expect(norm(difference(again, slot)) / norm(slot)).toBeLessThan(1e-5);
  });

  it('leaves out what the tokens tell', () => {
    const slot = new Float32Array(tokens.length * RANK).fill(1);
    boundary.write(model.fixedActivations(tokens), tokens, slot);
    expect(slot.every((value) => value === 0)).toBe(true);
  });

  it('hands gradients back by the chain rule: <g, read(c)> and <writeGradient(g), c> change alike', () => {
    const [from, to] = [normals(tokens.length * RANK, 'from'), normals(tokens.length * RANK, 'to')];
    const gradient = normals(tokens.length * shape.width, 'gradient');
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const packed = new Float32Array(from.length);
    boundary.writeGradient(gradient, packed);
    const moved = difference(boundary.read(to, tokens), boundary.read(from, tokens));
    expect(dot(gradient, moved)).toBeCloseTo(dot(packed, difference(to, from)), 3);
  });
});

/** So many steps; their losses. */
function train(pipeline: Pipelined, steps: number): number[] {
  return Array.from({ length: steps }, (_, step) => {
    const losses = pipeline.forward(step);
    pipeline.backward(step);
    pipeline.update(step);
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  });
}

describe('training in a subspace', () => {
  const pipeline = new Pipelined(settings);
  beforeAll(() => void train(pipeline, STEPS));

  it('gives, in stages, the gradient of the model in one piece, where activations are whole', () => {
    const memory = allocateReplica(parameterCount(shape));
    memory.parameters.set(pipeline.parameters());
    const losses = unsplitGradient(settings)(memory, 0, STEPS);
    pipeline.forward(STEPS).forEach((loss, i) => expect(Math.abs(loss / losses[i]! - 1)).toBeLessThan(1e-5));
    pipeline.backward(STEPS);
    // As the optimizer gets it. What leads out of the subspace only the model in one piece can know.
    const gradients = [pipeline.gradient(), memory.reduction.slice()];
    for (const gradient of gradients) model.confineGradient(gradient, wholeOf(settings));
    for (const { offset, length } of parameterLayout(shape)) {
      const [staged, whole] = gradients.map((gradient) => gradient.subarray(offset, offset + length));
      expect(norm(difference(staged!, whole!)) / norm(whole!)).toBeLessThan(1e-5);
    }
  });

  it('takes the course, in stages, that it takes in one piece', () => {
    // Not by AdamW: its first step goes by the sign of each element, and so makes much of rounding near 0.
    const bySgd = { ...settings, inner: { kind: 'sgd', learningRate: 0.3 } } as const;
    const whole = trainUnsplit(bySgd, STEPS);
    const losses = train(new Pipelined(bySgd), STEPS);
    losses.forEach((loss, step) => expect(Math.abs(loss / whole.losses[step]! - 1)).toBeLessThan(1e-5));
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.5);
  });

  it('stays in the subspace through AdamW steps', () => {
    for (const share of outside(pipeline.parameters())) expect(share).toBeLessThan(1e-5);
    // As it would not without being confined: the same steps of a free model.
    const free = trainUnsplit(
      { ...settings, pipeline: { ...settings.pipeline, activations: { kind: 'none' } } },
      1,
    );
    for (const share of outside(free.parameters)) expect(share).toBeGreaterThan(0.1);
  });

  it('learns: the held-out loss falls', () => {
    const device = createSteps(settings);
    const memory = allocateReplica(parameterCount(shape));
    device.initialise(memory, wholeOf(settings));
    expect(device.evaluate(pipeline.parameters())).toBeLessThan(device.evaluate(memory.parameters) - 1);
  });

  it('keeps both copies of the embedding alike', () => {
    const [first, last] = [pipeline.memories[0]!, pipeline.memories.at(-1)!];
    const length = 256 * shape.width;
    expect(last.parameters.subarray(0, length)).toEqual(first.parameters.subarray(0, length));
  });

  it('starts in the subspace, with the embedding as it is without', () => {
    const memory = allocateReplica(parameterCount(shape));
    createSteps(settings).initialise(memory, wholeOf(settings));
    const [embedding, positions, ...blocks] = outside(memory.parameters);
    for (const share of blocks) expect(share).toBeLessThan(1e-6);
    expect([embedding, positions]).toEqual([NaN, NaN]); // Nothing over nothing: they have not moved.
  });

  it('stays there through an outer step, which is linear', () => {
    const device = createSteps(settings);
    const memory = allocateReplica(parameterCount(shape));
    const whole = wholeOf(settings);
    device.initialise(memory, whole);
    for (let round = 0; round < 3; round++) {
      memory.parameters.set(pipeline.parameters());
      device.pseudoGradient(memory, whole);
      const unprojected = memory.reduction.slice();
      const update = { optimizer: 'nesterov', learningRate: 0.7, momentum: 0.9, mix: 0 } as const;
      device.work(memory, updateBy(update, 1, whole), { rank: 0, round });
      // The projection before it took away no more than rounding.
      expect(norm(difference(memory.reduction, unprojected))).toBeLessThan(1e-5 * norm(unprojected));
    }
    for (const share of outside(memory.anchor)) expect(share).toBeLessThan(1e-5);
  });

  it('brings back what lossy compression of pseudo-gradients threw out', () => {
    const device = createSteps(settings);
    const memory = allocateReplica(parameterCount(shape));
    device.initialise(memory, wholeOf(settings));
    memory.reduction.set(normals(memory.reduction.length).map((value) => value / 100));
    const update = { optimizer: 'nesterov', learningRate: 0.7, momentum: 0.9, mix: 0 } as const;
    device.work(memory, updateBy(update, 1, wholeOf(settings)), { rank: 0, round: 0 });
    for (const share of outside(memory.parameters)) expect(share).toBeLessThan(1e-5);
  });
});

describe('ConfinedModel', () => {
  it('is there only for pipelines in a subspace', () => {
    expect(confinedModelOf(settings)).toBeInstanceOf(ConfinedModel);
    expect(confinedModelOf(smallSettings(2))).toBeUndefined();
  });

  it('confines what a stage holds, and touches nothing else', () => {
    const ranges = stageRanges(shape, { stage: 1, stages: 3 });
    const before = normals(initial.length);
    const after = before.slice();
    model.confine(after, ranges);
    const changed = parameterLayout(shape).filter(({ offset, length }) =>
      after.subarray(offset, offset + length).some((value, i) => value !== before[offset + i]),
    );
    expect(changed.map(({ name }) => name)).toEqual(['layers.1.attention.output', 'layers.1.mlp.down']);
  });

  it('refuses a range that begins within a row', () => {
    expect(() => model.confine(initial.slice(), [{ offset: 1, length: shape.width }])).toThrow(
      /within a row/,
    );
  });
});
