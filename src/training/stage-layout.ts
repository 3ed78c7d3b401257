/**
 * Which part of the model is which pipeline stage.
 *
 * A model is cut between layers, into stages of consecutive ones. Stage 0 also has the embedding and the
 * positions; the last stage has the final norm and, since the embedding is tied, a copy of the embedding, for
 * it turns activations back into bytes with it. All else lies in one stage only. This is a map and nothing
 * more: which node holds which stage is the schedule's to say, and what a stage computes is in stages.ts.
 */
import type { ModelShape, PipelineProtocol } from '../scenario/schema.js';
import type { Range } from '../schedule/operation.js';
import { parameterLayout, type ParameterTensor } from './model.js';

/** A stage of so many, counting from 0. */
export interface StagePlace {
  readonly stage: number;
  readonly stages: number;
}

/** Layers `from … to-1`. */
export interface Layers {
  readonly from: number;
  readonly to: number;
}

/**
 * The layers of a stage: as many for each, and one more for the first ones where they don't divide.
 *
 * @throws RangeError if there is no such stage, or it would have no layer.
 */
export function stageLayers({ layers }: Pick<ModelShape, 'layers'>, { stage, stages }: StagePlace): Layers {
  if (!Number.isInteger(stage) || stage < 0 || stage >= stages || stages > layers)
    throw new RangeError(`stage ${stage} of ${stages}, of a model of ${layers} layers`);
  const each = Math.floor(layers / stages);
  const longer = layers % stages;
  const from = stage * each + Math.min(stage, longer);
  return { from, to: from + each + (stage < longer ? 1 : 0) };
}

/** A link of the chain that a model is: an embedding, blocks, a head. */
export interface Link {
  readonly kind: 'embedding' | 'block' | 'head';
  /** With their places in the flat array; a block's go by the same names in every layer. */
  readonly tensors: readonly ParameterTensor[];
}

/** The links of a stage, in order. With a single stage the embedding belongs to two of them. */
export function stageLinks(shape: ModelShape, place: StagePlace): Link[] {
  const layout = parameterLayout(shape);
  const named = (...names: string[]) => layout.filter(({ name }) => names.includes(name));
  const { from, to } = stageLayers(shape, place);
  const blocks = Array.from({ length: to - from }, (_, index): Link => {
    const prefix = `layers.${from + index}.`;
    const own = layout.filter(({ name }) => name.startsWith(prefix));
    return { kind: 'block', tensors: own.map((one) => ({ ...one, name: one.name.slice(prefix.length) })) };
  });
  return [
    ...(place.stage === 0 ? [{ kind: 'embedding' as const, tensors: named('embedding', 'positions') }] : []),
    ...blocks,
    ...(place.stage === place.stages - 1
      ? [{ kind: 'head' as const, tensors: named('embedding', 'norm') }]
      : []),
  ];
}

/** What a stage holds of the flat parameters: as few ranges as there can be, in ascending order. */
export function stageRanges(shape: ModelShape, place: StagePlace): Range[] {
  const tensors = stageLinks(shape, place).flatMap((link) => link.tensors);
  const ranges: { offset: number; length: number }[] = [];
  for (const { offset, length } of tensors.sort((a, b) => a.offset - b.offset)) {
    const before = ranges.at(-1);
    if (before === undefined || before.offset + before.length < offset) ranges.push({ offset, length });
    else before.length = Math.max(before.length, offset + length - before.offset);
  }
  return ranges;
}

/** The embedding, of which the first and the last stage have a copy each, and a gradient each. */
export function embeddingRange(shape: ModelShape): Range {
  const embedding = parameterLayout(shape).find(({ name }) => name === 'embedding');
  if (!embedding) throw new RangeError('the model has no embedding');
  return { offset: embedding.offset, length: embedding.length };
}

/**
 * Elements of what two neighbouring stages hand to each other for one microbatch, forward and backward alike:
 * a row for each byte of text, of the model's width or, in a subspace, of its rank.
 */
export function boundaryElements(
  { width, context }: Pick<ModelShape, 'width' | 'context'>,
  rows: number,
  activations: PipelineProtocol['activations'],
): number {
  return rows * context * (activations.kind === 'subspace' ? activations.rank : width);
}
