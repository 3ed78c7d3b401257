/**
 * The loss and its gradient, compiled: flat arrays in, a number and a flat array out.
 *
 * This is the only door between the plain arrays of the rest of the house and jax-js. Compiling takes about
 * a second and is done once per thread and (shape, batch); each call then copies the parameters in and the
 * gradient out, which is cheap beside the step, and leaves nothing allocated behind. Results depend on the
 * input only: the kernels are single-threaded, in float32, in a fixed order.
 */
import { jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import type { ModelShape } from '../scenario/schema.js';
import { parameterLayout, VOCABULARY } from './model.js';
import { logitsOf, weightsFrom, type Weights } from './transformer.js';

/**
 * @param parameters Flat, of the shape's layout; may lie on a SharedArrayBuffer; not changed.
 * @param tokens `batch` rows of `context + 1` bytes: each byte but a row's last is read, each but its first
 *   is predicted.
 * @param gradient Flat; overwritten with the loss's derivative by each parameter.
 * @returns The mean loss in nats per byte.
 */
export type LossAndGradient = (
  parameters: Float32Array,
  tokens: Uint8Array,
  gradient: Float32Array,
) => number;

/** As {@link LossAndGradient}, without the backward pass. */
export type Loss = (parameters: Float32Array, tokens: Uint8Array) => number;

const compiledGradients = new Map<string, LossAndGradient>();
const compiledLosses = new Map<string, Loss>();

/** The loss with its gradient, for batches of `batch` rows. Compiled at its first call. */
export function createLossAndGradient(shape: ModelShape, batch: number): LossAndGradient {
  return cached(compiledGradients, keyOf(shape, batch), () => {
    const layout = parameterLayout(shape);
    const compiled = jit(valueAndGrad(meanLoss(shape, batch)));
    return (parameters, tokens, gradient) => {
      const { inputs, targets } = inputsAndTargets(shape, batch, tokens);
      const [loss, gradients] = compiled(weightsFrom(shape, parameters), inputs, targets);
      for (const { name, offset } of layout) {
        const tensor = gradients[name];
        if (!tensor) throw new RangeError(`there is no gradient of ${name}`);
        gradient.set(floats(tensor), offset);
      }
      return scalar(loss);
    };
  });
}

/** The loss alone, for batches of `batch` rows. Compiled at its first call. */
export function createLoss(shape: ModelShape, batch: number): Loss {
  return cached(compiledLosses, keyOf(shape, batch), () => {
    const compiled = jit(meanLoss(shape, batch));
    return (parameters, tokens) => {
      const { inputs, targets } = inputsAndTargets(shape, batch, tokens);
      return scalar(compiled(weightsFrom(shape, parameters), inputs, targets));
    };
  });
}

/** Mean cross-entropy of the byte that came against the one predicted. */
function meanLoss(shape: ModelShape, batch: number) {
  return (weights: Weights, inputs: np.Array, targets: np.Array): np.Array => {
    const logProbabilities = nn.logSoftmax(logitsOf(shape, batch, weights, inputs), -1);
    const ofTargets = logProbabilities.mul(nn.oneHot(targets, VOCABULARY));
    return np.sum(ofTargets).mul(-1 / (batch * shape.context));
  };
}

function inputsAndTargets(shape: ModelShape, batch: number, tokens: Uint8Array) {
  const { context } = shape;
  if (tokens.length !== batch * (context + 1)) {
    throw new RangeError(`${tokens.length} tokens; a batch is ${batch} rows of ${context + 1} bytes`);
  }
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  for (let row = 0; row < batch; row++) {
    const start = row * (context + 1);
    inputs.set(tokens.subarray(start, start + context), row * context);
    targets.set(tokens.subarray(start + 1, start + context + 1), row * context);
  }
  return { inputs: np.array(inputs), targets: np.array(targets) };
}

function cached<T>(cache: Map<string, T>, key: string, make: () => T): T {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
  }
  return value;
}

function keyOf(shape: ModelShape, batch: number): string {
  return [shape.layers, shape.width, shape.heads, shape.context, batch].join('/');
}

function floats(array: np.Array): Float32Array {
  // Unknown, because jax-js's own type names Float16Array, which Node 20's library types lack.
  const data: unknown = array.dataSync();
  if (!(data instanceof Float32Array)) throw new TypeError('expected an array of float32');
  return data;
}

function scalar(array: np.Array): number {
  const [value] = floats(array);
  if (value === undefined) throw new RangeError('expected a number, got an empty array');
  return value;
}
