/**
 * The forward pass: bytes in, logits of the next byte out.
 *
 * A decoder-only transformer in the manner of GPT-2 (Radford et al. 2019) with RMSNorm (Zhang and Sennrich,
 * arXiv:1910.07467) before each block, no biases, learned positions and tied embeddings. It is written in
 * jax-js, so it is a description that is traced, differentiated and compiled; it runs nothing by itself.
 * It is a chain of an embedding, blocks and a head, which can be had one by one, too.
 *
 * jax-js frees arrays by reference counting: a function consumes each argument, and `.ref` keeps one for
 * another use. Every function below consumes its arrays.
 */
import { nn, numpy as np } from '@jax-js/jax';
import type { ModelShape } from '../scenario/schema.js';
import { parameterLayout, VOCABULARY, type ParameterTensor } from './model.js';

/** Tensors by their name. A type and not an interface, for jax-js maps over its keys. */
export type Tensors = Record<string, np.Array>;

const NORM_EPSILON = 1e-5;
/** Added to scores of bytes to come: exp() of it is 0 in float32. */
const MASKED = -1e9;

/** Copies these tensors of the flat array onto the device, under the names that they have here. */
export function tensorsFrom(layout: readonly ParameterTensor[], parameters: Float32Array): Tensors {
  const tensors: Tensors = {};
  for (const { name, shape, offset, length } of layout) {
    tensors[name] = np.array(parameters.subarray(offset, offset + length)).reshape([...shape]);
  }
  return tensors;
}

/** The weights of a whole model, as tensors. */
export function weightsFrom(shape: ModelShape, parameters: Float32Array): Tensors {
  return tensorsFrom(parameterLayout(shape), parameters);
}

/**
 * Logits of the byte after each position, [batch·context, 256], in units of nats up to a constant per row.
 *
 * @param weights Of the whole model.
 * @param tokens Bytes as int32, [batch·context].
 */
export function logitsOf(shape: ModelShape, batch: number, weights: Tensors, tokens: np.Array): np.Array {
  // Tied: the embedding is used at both ends.
  let x = embed(shape, batch, { ...weights, embedding: tensor(weights, 'embedding').ref }, tokens);
  for (let layer = 0; layer < shape.layers; layer++) x = block(shape, batch, weights, `layers.${layer}.`, x);
  return predict(weights, x);
}

/** Mean over all rows of the cross-entropy of the byte that came against the one predicted, nats. */
export function crossEntropy(logits: np.Array, targets: np.Array): np.Array {
  const [rows = 1] = logits.shape;
  const logProbabilities = nn.logSoftmax(logits, -1);
  const ofTargets = logProbabilities.mul(nn.oneHot(targets, VOCABULARY));
  return np.sum(ofTargets).mul(-1 / rows);
}

/** What goes into the first block, [batch·context, width], of bytes [batch·context]. */
export function embed(
  { width, context }: ModelShape,
  batch: number,
  weights: Tensors,
  tokens: np.Array,
): np.Array {
  // A product with one-hot rows and not a gather: jax-js cannot compile a gather's gradient, and at 256
  // columns the product is a thirtieth of the step.
  const embedded = np.matmul(nn.oneHot(tokens, VOCABULARY), tensor(weights, 'embedding'));
  return embedded
    .reshape([batch, context, width])
    .add(tensor(weights, 'positions'))
    .reshape([batch * context, width]);
}

/**
 * Attention, then the MLP, each added to x [batch·context, width].
 *
 * @param prefix Of the names of its weights.
 */
export function block(
  { width, heads, context }: ModelShape,
  batch: number,
  weights: Tensors,
  prefix: string,
  input: np.Array,
): np.Array {
  const own = (name: string): np.Array => tensor(weights, prefix + name);
  const attended = rmsNorm(input.ref, own('attention.norm'));
  const queryKeyValue = np.matmul(attended, own('attention.queryKeyValue'));
  const [query, key, value] = np
    .split(queryKeyValue, 3, -1)
    .map((part) => part.reshape([batch, context, heads, width / heads]).transpose([0, 2, 1, 3]));
  if (!query || !key || !value) throw new RangeError('split gave fewer than three parts');
  const mixed = attention(query, key, value)
    .transpose([0, 2, 1, 3])
    .reshape([batch * context, width]);
  const x = input.add(np.matmul(mixed, own('attention.output')));

  const normed = rmsNorm(x.ref, own('mlp.norm'));
  const hidden = nn.gelu(np.matmul(normed, own('mlp.up')));
  return x.add(np.matmul(hidden, own('mlp.down')));
}

/** Logits [batch·context, 256], of what comes out of the last block. */
export function predict(weights: Tensors, x: np.Array): np.Array {
  return np.matmul(rmsNorm(x, tensor(weights, 'norm')), tensor(weights, 'embedding').transpose());
}

/** Causal softmax(QKᵀ/√d)V; arguments and result are [batch, heads, context, headWidth]. */
function attention(query: np.Array, key: np.Array, value: np.Array): np.Array {
  const [, , context = 0, headWidth = 1] = query.shape;
  const mask = np.where(np.tri(context).greater(0.5), 0, MASKED);
  const scores = np.matmul(query, key.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(headWidth));
  return np.matmul(nn.softmax(scores.add(mask), -1), value);
}

/** x · gain / rms(x), over the last axis. */
function rmsNorm(x: np.Array, gain: np.Array): np.Array {
  const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true });
  return x.mul(np.reciprocal(np.sqrt(meanSquare.add(NORM_EPSILON)))).mul(gain);
}

/** The tensor of that name; see {@link Tensors}. */
export function tensor(tensors: Tensors, name: string): np.Array {
  const found = tensors[name];
  if (!found) throw new RangeError(`there is no tensor ${name}`);
  return found;
}
