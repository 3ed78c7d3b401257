/**
 * A model whose residual stream never leaves a subspace, but for a part that all know (Protocol Models:
 * Ramasinghe et al., arXiv:2506.01260).
 *
 * Between blocks there is what the embedding and the positions gave, plus what each block has added. If all
 * that blocks can add, `attention.output` and `mlp.down`, have rows in the subspace U, and so have the changes
 * of embedding and positions since the start, then
 *
 *     x = E₀[token] + P₀[position] + c·Uᵀ
 *
 * and whoever knows the tokens and the initial embedding E₀ and positions P₀ needs c alone, `rank` numbers
 * instead of `width`: nothing is lost. The same holds backward, where only the gradient by c matters. At the
 * reference size (width 4096, a hundredth of which is rank 40) that is 100 times less. It is the system's own
 * assumption that E₀ and P₀ are everyone's; here they come from the seed.
 *
 * Training keeps it so: the gradient of a confined tensor is projected onto the subspace before the inner
 * optimizer sees it, and the tensor after, for AdamW divides element by element. (The paper changes AdamW
 * instead.) An outer step is linear in pseudo-gradients; once their sum is projected it leads nowhere else.
 */
import type { ModelShape } from '../scenario/schema.js';
import type { Range } from '../schedule/operation.js';
import { initialParameters, parameterCount, parameterLayout } from './model.js';
import { overlaps } from './ranges.js';
import type { TrainingSettings } from './settings.js';
import { Subspace } from './subspace.js';

/** Tensors whose rows lie in the subspace. */
const WRITES_RESIDUAL = /\.(attention\.output|mlp\.down)$/;
/** Tensors whose rows' changes since the start do. */
const STARTS_RESIDUAL = /^(embedding|positions)$/;

export class ConfinedModel {
  readonly subspace: Subspace;
  readonly #context: number;
  /** Initial embedding and positions, at their place in the flat array. */
  readonly #fixed: Float32Array;
  readonly #positions: number;
  /** What of the flat array is confined, and whether to the subspace itself or to it from the start on. */
  readonly #tensors: readonly (Range & { readonly fromStart: boolean })[];

  constructor(shape: ModelShape, seed: number, subspace: Subspace) {
    this.subspace = subspace;
    this.#context = shape.context;
    const layout = parameterLayout(shape);
    this.#tensors = layout.flatMap(({ name, offset, length }) => {
      const fromStart = STARTS_RESIDUAL.test(name);
      return fromStart || WRITES_RESIDUAL.test(name) ? [{ offset, length, fromStart }] : [];
    });
    this.#positions = layout.find(({ name }) => name === 'positions')?.offset ?? NaN;
    const initial = new Float32Array(parameterCount(shape));
    initialParameters(shape, seed, initial);
    this.#fixed = initial.slice(0, this.#positions + shape.context * shape.width);
  }

  /** Moves parameters to the nearest that are allowed, in place. */
  confine(parameters: Float32Array, ranges: readonly Range[]): void {
    this.#each(ranges, ({ offset, length, fromStart }) => {
      const base = fromStart ? this.#fixed.subarray(offset, offset + length) : undefined;
      this.subspace.project(parameters.subarray(offset, offset + length), base);
    });
  }

  /** Takes from a gradient, or a difference of parameters, what would lead out of the subspace; in place. */
  confineGradient(gradient: Float32Array, ranges: readonly Range[]): void {
    this.#each(ranges, ({ offset, length }) => {
      this.subspace.project(gradient.subarray(offset, offset + length));
    });
  }

  /**
   * The part of the residual stream that all know, [rows·context, width].
   *
   * @param tokens The bytes that are read, [rows·context].
   */
  fixedActivations(tokens: Uint8Array): Float32Array {
    const { width } = this.subspace;
    const out = new Float32Array(tokens.length * width);
    tokens.forEach((token, row) => {
      const embedding = width * token;
      const position = this.#positions + width * (row % this.#context);
      for (let i = 0; i < width; i++)
        out[row * width + i] = this.#fixed[embedding + i]! + this.#fixed[position + i]!;
    });
    return out;
  }

  /** The confined tensors, as far as they lie in the ranges. */
  #each(ranges: readonly Range[], visit: (tensor: Range & { readonly fromStart: boolean }) => void): void {
    const { width } = this.subspace;
    for (const { fromStart, ...tensor } of this.#tensors) {
      for (const { offset, length } of overlaps(tensor, ranges)) {
        if ((offset - tensor.offset) % width !== 0)
          throw new RangeError(`range ${offset}+${length} begins within a row of a confined tensor`);
        visit({ offset, length, fromStart });
      }
    }
  }
}

/** The confined model of a pipeline whose activations travel as coefficients; of any other there is none. */
export function confinedModelOf({ shape, seed, pipeline }: TrainingSettings): ConfinedModel | undefined {
  if (pipeline?.activations.kind !== 'subspace') return undefined;
  const { rank } = pipeline.activations;
  return new ConfinedModel(shape, seed, new Subspace({ width: shape.width, rank, seed }));
}
