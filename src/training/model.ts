/**
 * The model as a flat array of numbers: which tensor lies where, and what it starts as.
 *
 * All parameters of a replica are one Float32Array, because that is what travels: a pseudo-gradient is cut
 * into slices, summed and stepped upon without anyone asking which layer an element belongs to. This file is
 * the map between that array and the named tensors. What is computed with them is in transformer.ts.
 */
import { Random } from '../random.js';
import type { ModelShape } from '../scenario/schema.js';

/** The model reads and writes bytes. */
export const VOCABULARY = 256;

/** Width of the MLP's hidden layer in model widths, as in GPT-2. */
const MLP_EXPANSION = 4;

/** Standard deviation of initial weights (GPT-2: Radford et al. 2019). */
const INITIAL_DEVIATION = 0.02;

/** One tensor of the flat array: elements `offset … offset+length-1`, row-major. */
export interface ParameterTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** The tensors in their order in the flat array, without gaps. Layers are contiguous. */
export function parameterLayout(shape: ModelShape): ParameterTensor[] {
  const { layers, width, context } = shape;
  const tensors: ParameterTensor[] = [];
  let offset = 0;
  const add = (name: string, ...dimensions: number[]) => {
    const length = dimensions.reduce((product, size) => product * size, 1);
    tensors.push({ name, shape: dimensions, offset, length });
    offset += length;
  };
  add('embedding', VOCABULARY, width);
  add('positions', context, width);
  for (let layer = 0; layer < layers; layer++) {
    add(`layers.${layer}.attention.norm`, width);
    add(`layers.${layer}.attention.queryKeyValue`, width, 3 * width);
    add(`layers.${layer}.attention.output`, width, width);
    add(`layers.${layer}.mlp.norm`, width);
    add(`layers.${layer}.mlp.up`, width, MLP_EXPANSION * width);
    add(`layers.${layer}.mlp.down`, MLP_EXPANSION * width, width);
  }
  add('norm', width);
  return tensors;
}

/** Elements of the flat array. */
export function parameterCount(shape: ModelShape): number {
  const last = parameterLayout(shape).at(-1);
  return last === undefined ? 0 : last.offset + last.length;
}

/**
 * Writes the parameters that training starts from. Norm gains are 1; weights are normal with deviation
 * 0.02, and 1/sqrt(2·layers) of that where they write to the residual stream, so that its variance does
 * not grow with depth (GPT-2: Radford et al. 2019, section 2.3). The same seed gives the same bits.
 *
 * @param out Flat array of {@link parameterCount} elements.
 */
export function initialParameters(shape: ModelShape, seed: number, out: Float32Array): void {
  const random = new Random(seed, 'initial parameters');
  for (const tensor of parameterLayout(shape)) {
    const values = out.subarray(tensor.offset, tensor.offset + tensor.length);
    if (tensor.shape.length === 1) {
      values.fill(1);
      continue;
    }
    const writesResidual = /\.(attention\.output|mlp\.down)$/.test(tensor.name);
    const deviation = writesResidual ? INITIAL_DEVIATION / Math.sqrt(2 * shape.layers) : INITIAL_DEVIATION;
    for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
  }
}
