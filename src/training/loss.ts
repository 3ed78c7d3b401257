/**
 * The loss of the whole model and its gradient, compiled: flat arrays in, a number and a flat array out.
 *
 * Compiling takes about a second and is done once per thread and (shape, batch); each call then copies the
 * parameters in and the gradient out, which is cheap beside the step, and leaves nothing allocated behind.
 * Results depend on the input only: the kernels are single-threaded, in float32, in a fixed order. A model
 * that is cut into stages is another matter, see compiled-stage.ts.
 */
import { jit, valueAndGrad, type numpy as np } from '@jax-js/jax';
import type { ModelShape } from '../scenario/schema.js';
import { floats, scalar, tokensFrom } from './device-arrays.js';
import { parameterLayout } from './model.js';
import { crossEntropy, logitsOf, tensor, weightsFrom, type Tensors } from './transformer.js';

/**
 * @param parameters Flat, of the shape's layout; may lie on a SharedArrayBuffer; not changed.
 * @param text `batch` rows of `context + 1` bytes: each byte but a row's last is read, each but its first
 *   is predicted.
 * @param gradient Flat; overwritten with the loss's derivative by each parameter.
 * @returns The mean loss in nats per byte.
 */
export type LossAndGradient = (parameters: Float32Array, text: Uint8Array, gradient: Float32Array) => number;

/** As {@link LossAndGradient}, without the backward pass. */
export type Loss = (parameters: Float32Array, text: Uint8Array) => number;

const compiledGradients = new Map<string, LossAndGradient>();
const compiledLosses = new Map<string, Loss>();

/** The loss with its gradient, for batches of `batch` rows. Compiled at its first call. */
export function createLossAndGradient(shape: ModelShape, batch: number): LossAndGradient {
  return cached(compiledGradients, keyOf(shape, batch), () => {
    const layout = parameterLayout(shape);
    const compiled = jit(valueAndGrad(meanLoss(shape, batch)));
    return (parameters, text, gradient) => {
      const tokens = [tokensFrom(shape, batch, text, 0), tokensFrom(shape, batch, text, 1)] as const;
      const [loss, gradients] = compiled(weightsFrom(shape, parameters), ...tokens);
      for (const { name, offset } of layout) gradient.set(floats(tensor(gradients, name)), offset);
      return scalar(loss);
    };
  });
}

/** The loss alone, for batches of `batch` rows. Compiled at its first call. */
export function createLoss(shape: ModelShape, batch: number): Loss {
  return cached(compiledLosses, keyOf(shape, batch), () => {
    const compiled = jit(meanLoss(shape, batch));
    return (parameters, text) => {
      const tokens = [tokensFrom(shape, batch, text, 0), tokensFrom(shape, batch, text, 1)] as const;
      return scalar(compiled(weightsFrom(shape, parameters), ...tokens));
    };
  });
}

function meanLoss(shape: ModelShape, batch: number) {
  return (weights: Tensors, inputs: np.Array, targets: np.Array): np.Array =>
    crossEntropy(logitsOf(shape, batch, weights, inputs), targets);
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
