/**
 * The words a schedule is written in.
 *
 * A training protocol is compiled, round by round, into a schedule: for each rank a list of operations
 * with their dependencies. Think of it as sheet music: it says what follows what, who sends which slice
 * to whom, and how many bytes that is. It holds no socket, no timer and no tensor, so it can be drawn,
 * summed, checked and simulated before a single packet is sent. What plays it is another matter:
 * `nodes/` plays it with real tensors over real links, `src/simulation/` in virtual time.
 *
 * Operations run on streams, as on a GPU: within a stream one after the other in the order listed,
 * across streams freely, except where `after` says otherwise.
 *
 * What operations work on are a rank's buffers. Most are flat, with one element per parameter of the model,
 * and an operation says which ranges of them it means, so a fragment or a stage is nothing but a few ranges.
 */
import type { Encoding } from '../compression/encoding.js';

/**
 * A stream of one rank: its device, one direction of its link to one peer, its uploads to the object store,
 * or its downloads of one rank's objects from there.
 */
export type Stream = 'compute' | `send:${number}` | `recv:${number}` | 'put' | `get:${number}`;

/** Consecutive elements of a flat buffer. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/**
 * What a transfer reads and writes.
 * `reduction`: gradients or pseudo-gradients, summed as they pass; as many elements as the model.
 * `anchor`: the outer parameters; as many elements. `exchange`: a peer's copy of something; as many elements.
 * `activations`: float32 scratch between pipeline stages. `contributions`: scratch for encoded pseudo-gradients,
 * whose elements are bytes.
 */
export type BufferName = 'reduction' | 'anchor' | 'exchange' | 'activations' | 'contributions';

interface OperationBase {
  /** Position in the rank's part; unique there, counting from 0. */
  readonly id: number;
  readonly stream: Stream;
  /** Ids of operations of the same rank that must have ended before this one starts. */
  readonly after: readonly number[];
}

/** Forward and backward work on the device, of a whole model. */
export interface ComputeOperation extends OperationBase {
  readonly kind: 'compute';
  readonly stream: 'compute';
  /**
   * `inner-steps`: take whole inner optimizer steps (perhaps none), then write the pseudo-gradient
   * (anchor minus parameters) of the ranges in `contribution` to the reduction buffer.
   * `gradient`: one forward and backward pass; write the gradient, of all parameters, to the reduction buffer.
   */
  readonly work: 'inner-steps' | 'gradient';
  /** Global index of the first inner step, counting from 0 over the whole run. Each takes one pace. */
  readonly firstStep: number;
  readonly steps: number;
  readonly contribution: readonly Range[];
}

/**
 * Forward or backward work on one microbatch of one pipeline stage. A backward pass recomputes the forward
 * pass from the stage's input (Chen et al., arXiv:1604.06174), so between the two only that input is kept.
 * Gradients of weights are written to the reduction buffer for microbatch 0 and added for later ones.
 */
export interface StageOperation extends OperationBase {
  readonly kind: 'stage';
  readonly stream: 'compute';
  /**
   * `backward` is both halves at once: `backward-input` gives the gradient by the stage's input,
   * `backward-weight` that by its weights (Qi et al., arXiv:2401.10241).
   */
  readonly work: 'forward' | 'backward' | 'backward-input' | 'backward-weight';
  /** Global index of the inner step. */
  readonly step: number;
  /** Whose text: which replica of the pipeline this is, counting from 0. */
  readonly shard: number;
  /** Of the model, counting from 0 at the embedding; with interleaving a rank has several. */
  readonly stage: number;
  readonly stages: number;
  readonly microbatch: number;
  readonly microbatches: number;
  /** Time on the device, in paces. */
  readonly cost: number;
  /**
   * Elements of the activations buffer at which lie: the stage's input (absent for the first stage, which reads
   * text), its output, the gradient by that output (both absent for the last stage, which has a loss), and
   * the gradient by its input (absent for the first).
   */
  readonly input?: number;
  readonly output?: number;
  readonly outputGradient?: number;
  readonly inputGradient?: number;
  /**
   * Byte of the contributions buffer at which lie the ids of the tokens that the microbatch reads, one byte each.
   * Only where activations are coefficients in a subspace, since there every stage needs them: the first stage
   * writes them in its forward pass, and each later one has them from the stage before.
   */
  readonly tokens?: number;
}

interface TransferBase extends OperationBase {
  readonly peer: number;
  /** Number of this slice among those from the sender to the receiver in this round, counting from 0. */
  readonly sequence: number;
  readonly buffer: BufferName;
  /** First element of the slice in its buffer. */
  readonly offset: number;
  /** Elements in the slice; never 0. */
  readonly length: number;
  /** How its elements are written on the wire. */
  readonly encoding: Encoding;
  /** Payload bytes of the slice, encoded, before any framing: `encodedBytes(encoding, length)`. */
  readonly bytes: number;
}

export interface SendOperation extends TransferBase {
  readonly kind: 'send';
  readonly stream: `send:${number}`;
  /**
   * Whether the sender replaces what it has by what the receiver will read, so that both end with the same
   * bits although the encoding is lossy.
   */
  readonly settle: boolean;
}

export interface RecvOperation extends TransferBase {
  readonly kind: 'recv';
  readonly stream: `recv:${number}`;
  /** `sum`: add the slice to what is there; `copy`: overwrite what is there. */
  readonly into: 'sum' | 'copy';
}

/**
 * Compresses what this rank contributes, and remembers what was left out for the next time (error feedback:
 * Seide et al. 2014; Karimireddy et al., arXiv:1901.09847). On each slice, with e the residual:
 *
 *     e = decay·e + reduction      reduction = decode(encode(e))      e = e - reduction
 *
 * With `decay` 0 nothing is remembered.
 */
export interface CompressOperation extends OperationBase {
  readonly kind: 'compress';
  readonly stream: 'compute';
  /** What is encoded at once, as it will be when it is sent. */
  readonly slices: readonly Range[];
  readonly encoding: Encoding;
  readonly decay: number;
  /** Time on the device, in outer paces. */
  readonly cost: number;
  /** Byte of the contributions buffer from which on the encoded bytes are written; absent if they are not kept. */
  readonly slot?: number;
}

/** Sets slices of the reduction buffer to the sum of decoded contributions, added in the order of `slots`. */
export interface AggregateOperation extends OperationBase {
  readonly kind: 'aggregate';
  readonly stream: 'compute';
  /** What was encoded at once; one after the other in each contribution. */
  readonly slices: readonly Range[];
  readonly encoding: Encoding;
  /** Bytes of the contributions buffer at which the contributions begin. */
  readonly slots: readonly number[];
  /** Time on the device, in outer paces. */
  readonly cost: number;
}

/** What an optimizer does with the sum in the reduction buffer; a mean is the sum over `contributors`. */
export type Update =
  /** The inner optimizer on the mean gradient of that global inner step. */
  | { readonly optimizer: 'inner'; readonly step: number }
  /**
   * SGD with Nesterov momentum on the anchor, by the mean pseudo-gradient; then
   * parameters = mix·parameters + (1-mix)·anchor.
   */
  | {
      readonly optimizer: 'nesterov';
      readonly learningRate: number;
      readonly momentum: number;
      readonly mix: number;
    }
  /**
   * Nesterov by own pseudo-gradient of this round and the others' of the round before (Kale et al.,
   * arXiv:2502.12996). The reduction buffer holds the sum of the round before, `exchange` the own share of it;
   * both are left holding the own pseudo-gradient of this round.
   */
  | { readonly optimizer: 'eager'; readonly learningRate: number; readonly momentum: number }
  /**
   * NoLoCo (arXiv:2506.10911): Nesterov by the mean over a pair, and a pull of `pull` towards the mean of the
   * pair's anchors, of which `exchange` holds the peer's.
   */
  | {
      readonly optimizer: 'noloco';
      readonly learningRate: number;
      readonly momentum: number;
      readonly pull: number;
    };

/** Applies what was reduced to the parameters. */
export interface OuterOperation extends OperationBase {
  readonly kind: 'outer';
  readonly stream: 'compute';
  readonly update: Update;
  readonly ranges: readonly Range[];
  /** How many ranks' (or microbatches') values the sum is of. */
  readonly contributors: number;
  /** Time on the device, in outer paces. */
  readonly cost: number;
}

/** Lets the device rest until so many paces after the rank began the round. */
export interface WaitOperation extends OperationBase {
  readonly kind: 'wait';
  readonly stream: 'compute';
  readonly paces: number;
}

interface ObjectBase extends OperationBase {
  /** Whose object it is; its name is this rank and the round in which it was put. */
  readonly owner: number;
  readonly round: number;
  /** Where it lies in the contributions buffer, bytes. */
  readonly slot: number;
  /** Size of the object. */
  readonly bytes: number;
}

/** Uploads an own object to the object store. */
export interface PutOperation extends ObjectBase {
  readonly kind: 'put';
  readonly stream: 'put';
}

/** Downloads an object, as soon as it is there. */
export interface GetOperation extends ObjectBase {
  readonly kind: 'get';
  readonly stream: `get:${number}`;
}

export type TransferOperation = SendOperation | RecvOperation;

/** Work on the device, that is, on the compute stream. */
export type DeviceOperation =
  ComputeOperation | StageOperation | CompressOperation | AggregateOperation | OuterOperation | WaitOperation;

export type Operation = DeviceOperation | TransferOperation | PutOperation | GetOperation;

/** What one rank does in one round. */
export interface Part {
  readonly rank: number;
  readonly operations: readonly Operation[];
  /** Sizes of the scratch buffers that the operations use. */
  readonly scratch: Scratch;
}

export interface Scratch {
  readonly activationElements: number;
  readonly contributionBytes: number;
}

/** One round of a protocol, for all its members. `parts[r].rank === r`. */
export interface Schedule {
  readonly protocol: string;
  /** Counting from 0. */
  readonly round: number;
  readonly worldSize: number;
  readonly parts: readonly Part[];
}
