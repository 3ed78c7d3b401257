/**
 * A stage of the model, compiled: flat arrays in, flat arrays out.
 *
 * A stage is a chain of links, each compiled alone: what leaves one is written out before it enters the next.
 * The compiler merges neighbouring sums, and merged they may round otherwise; so only a chain gives the same
 * bits wherever the model is cut, hence whatever the number of stages. It is also quick to compile, since all
 * blocks are one program. The price is that a backward pass computes a stage's forward pass anew, block by
 * block, and each block's once more together with its gradient.
 *
 * Programs are compiled at their first call, once per thread; a call copies the parameters in and the results
 * out, and leaves nothing allocated behind.
 */
import { jit, numpy as np, vjp } from '@jax-js/jax';
import type { ModelShape } from '../scenario/schema.js';
import { floats, scalar, tokensFrom } from './device-arrays.js';
import { stageLinks, type Link, type StagePlace } from './stage-layout.js';
import { block, crossEntropy, embed, predict, tensor, tensorsFrom, type Tensors } from './transformer.js';

/** What a stage works on. */
export interface StageInput {
  /** Flat, of the whole model's layout; may lie on a SharedArrayBuffer; only the stage's tensors are read. */
  readonly parameters: Float32Array;
  /**
   * Rows of `context + 1` bytes: each byte but a row's last is read, by the first stage, and each but its
   * first is predicted, by the last.
   */
  readonly text: Uint8Array;
  /** What the stage before gave, [rows·context, width]; of no meaning for the first stage. */
  readonly activations?: Float32Array;
}

/** What a stage gives: the last one the mean loss in nats per byte, all others activations as they got them. */
export interface StageOutput {
  readonly loss?: number;
  readonly activations?: Float32Array;
}

export interface StageGradients {
  /**
   * By the stage's tensors, with their places in the flat array. With a single stage there are two by the
   * embedding, to be added up.
   */
  readonly weights: readonly { readonly offset: number; readonly values: Float32Array }[];
  /** By the activations that the stage got; absent for the first stage. */
  readonly input?: Float32Array;
}

/** Neither function changes what it is given. */
export interface CompiledStage {
  forward(input: StageInput): StageOutput;
  /**
   * Goes forward, then back from the gradient by the stage's activations or, for the last stage, from its loss.
   *
   * @param outputGradient Of the loss by what the stage gave, [rows·context, width]; not of the last stage.
   */
  backward(input: StageInput, outputGradient?: Float32Array): StageGradients;
}

/**
 * What a link computes from its weights and its input: tokens, activations `x`, or activations and targets.
 * It gives activations or, if it is the head, the loss.
 */
type LinkFunction = (weights: Tensors, input: Tensors) => np.Array;

interface Programs {
  readonly forward: LinkFunction;
  /** Gradients by the weights, and by `x` if there is one. Without an output gradient that of the output itself. */
  readonly backward: (weights: Tensors, input: Tensors, outputGradient: Tensors) => [Tensors, Tensors];
}

type Chain = Readonly<Record<Link['kind'], Programs>>;

const chains = new Map<string, Chain>();

/**
 * A stage for microbatches of `rows` rows of text.
 *
 * @throws RangeError if the model has no such stage.
 */
export function compiledStage(shape: ModelShape, rows: number, place: StagePlace): CompiledStage {
  const links = stageLinks(shape, place);
  const chain = chainOf(shape, rows);
  const size = rows * shape.context * shape.width;
  const arrayOf = (values: Float32Array | undefined): np.Array => {
    if (values?.length !== size) throw new RangeError(`${values?.length} activations; expected ${size}`);
    return np.array(values).reshape([rows * shape.context, shape.width]);
  };
  /** Goes on from activations, which the embedding has not; `x` stays the caller's. */
  const inputOf = ({ kind }: Link, text: Uint8Array, x: np.Array | undefined): Tensors => ({
    ...(kind === 'embedding' ? { tokens: tokensFrom(shape, rows, text, 0) } : { x: x!.ref }),
    ...(kind === 'head' ? { targets: tokensFrom(shape, rows, text, 1) } : {}),
  });

  return {
    forward({ parameters, text, activations }) {
      let x = place.stage === 0 ? undefined : arrayOf(activations);
      for (const link of links) {
        const output = chain[link.kind].forward(
          tensorsFrom(link.tensors, parameters),
          inputOf(link, text, x),
        );
        x?.dispose();
        x = output;
      }
      return place.stage === place.stages - 1 ? { loss: scalar(x!) } : { activations: floats(x!) };
    },

    backward({ parameters, text, activations }, outputGradient) {
      const inputs: (np.Array | undefined)[] = [place.stage === 0 ? undefined : arrayOf(activations)];
      for (const link of links.slice(0, -1)) {
        const input = inputOf(link, text, inputs.at(-1));
        inputs.push(chain[link.kind].forward(tensorsFrom(link.tensors, parameters), input));
      }
      let gradient: Tensors = place.stage === place.stages - 1 ? {} : { x: arrayOf(outputGradient) };
      const weights: StageGradients['weights'][number][] = [];
      for (const [index, link] of [...links.entries()].reverse()) {
        const x = inputs[index];
        const own = tensorsFrom(link.tensors, parameters);
        const [ofWeights, ofInput] = chain[link.kind].backward(own, inputOf(link, text, x), gradient);
        x?.dispose();
        gradient = ofInput;
        for (const { name, offset } of link.tensors)
          weights.push({ offset, values: floats(tensor(ofWeights, name)) });
      }
      return { weights, ...(gradient.x === undefined ? {} : { input: floats(gradient.x) }) };
    },
  };
}

function chainOf(shape: ModelShape, rows: number): Chain {
  const key = [shape.width, shape.heads, shape.context, rows].join('/');
  let chain = chains.get(key);
  if (chain === undefined) {
    chain = {
      embedding: programsOf((weights, { tokens }) => embed(shape, rows, weights, tokens!)),
      block: programsOf((weights, { x }) => block(shape, rows, weights, '', x!)),
      head: programsOf((weights, { x, targets }) => crossEntropy(predict(weights, x!), targets!)),
    };
    chains.set(key, chain);
  }
  return chain;
}

function programsOf(link: LinkFunction): Programs {
  return {
    forward: jit(link),
    backward: jit((weights: Tensors, { x, ...data }: Tensors, { x: outputGradient }: Tensors) => {
      const [output, pullBack] = vjp(
        (own: Tensors, input: Tensors) => link(own, { ...data, ...input }),
        [weights, x === undefined ? {} : { x }],
      );
      const gradients = pullBack(outputGradient ?? np.onesLike(output.ref));
      output.dispose();
      pullBack.dispose();
      return gradients;
    }),
  };
}
