/**
 * The forward pass: bytes in, logits of the next byte out.
 *
 * A decoder-only transformer in the manner of GPT-2 (Radford et al. 2019) with RMSNorm (Zhang and Sennrich,
 * arXiv:1910.07467) before each block, no biases, learned positions and tied embeddings. It is written in
 * jax-js, so it is a description that is traced, differentiated and compiled; it runs nothing by itself.
 *
 * jax-js frees arrays by reference counting: a function consumes each argument, and `.ref` keeps one for
 * another use. Every function below consumes its arrays.
 */
import { nn, numpy as np } from '@jax-js/jax';
import type { ModelShape } from '../scenario/schema.js';
import { parameterLayout, VOCABULARY } from './model.js';

/** Tensors by their name in the layout. A type and not an interface, for jax-js maps over its keys. */
export type Weights = Record<string, np.Array>;

const NORM_EPSILON = 1e-5;
/** Added to scores of bytes to come: exp() of it is 0 in float32. */
const MASKED = -1e9;

/** Copies the flat array onto the device, as tensors. */
export function weightsFrom(shape: ModelShape, parameters: Float32Array): Weights {
  const weights: Weights = {};
  for (const { name, shape: dimensions, offset, length } of parameterLayout(shape)) {
    weights[name] = np.array(parameters.subarray(offset, offset + length)).reshape([...dimensions]);
  }
  return weights;
}

/**
 * Logits of the byte after each position, [batch·context, 256], in units of nats up to a constant per row.
 *
 * @param tokens Bytes as int32, [batch·context].
 */
export function logitsOf(shape: ModelShape, batch: number, weights: Weights, tokens: np.Array): np.Array {
  const { layers, width, heads, context } = shape;
  const rows = batch * context;
  const headWidth = width / heads;
  const embedding = weight(weights, 'embedding');

  // A product with one-hot rows and not a gather: jax-js cannot compile a gather's gradient, and at 256
  // columns the product is a thirtieth of the step.
  const embedded = np.matmul(nn.oneHot(tokens, VOCABULARY), embedding.ref);
  let x = embedded.reshape([batch, context, width]).add(weight(weights, 'positions')).reshape([rows, width]);

  for (let layer = 0; layer < layers; layer++) {
    const prefix = `layers.${layer}`;
    const attended = rmsNorm(x.ref, weight(weights, `${prefix}.attention.norm`));
    const queryKeyValue = np.matmul(attended, weight(weights, `${prefix}.attention.queryKeyValue`));
    const [query, key, value] = np
      .split(queryKeyValue, 3, -1)
      .map((part) => part.reshape([batch, context, heads, headWidth]).transpose([0, 2, 1, 3]));
    if (!query || !key || !value) throw new RangeError('split gave fewer than three parts');
    const mixed = attention(query, key, value).transpose([0, 2, 1, 3]).reshape([rows, width]);
    x = x.add(np.matmul(mixed, weight(weights, `${prefix}.attention.output`)));

    const normed = rmsNorm(x.ref, weight(weights, `${prefix}.mlp.norm`));
    const hidden = nn.gelu(np.matmul(normed, weight(weights, `${prefix}.mlp.up`)));
    x = x.add(np.matmul(hidden, weight(weights, `${prefix}.mlp.down`)));
  }
  return np.matmul(rmsNorm(x, weight(weights, 'norm')), embedding.transpose());
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

function weight(weights: Weights, name: string): np.Array {
  const tensor = weights[name];
  if (!tensor) throw new RangeError(`the model has no tensor ${name}`);
  return tensor;
}
