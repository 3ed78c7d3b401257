/**
 * What neighbouring stages hand to each other for one microbatch: how many numbers, how they are written on the
 * wire, in how many messages, and where in the scratch buffers they lie.
 *
 * A hop is an address in the `activations` buffers, the same at both of its ends, as the offset of a slice is the
 * same for who sends and who receives it. Each microbatch has places of its own, so that within a step nothing
 * is overwritten and a receive never has to wait for room: ranks that exchange both activations and gradients
 * over one line would otherwise have to prove that they can't wait for each other. A scratch place costs an
 * emulated node next to nothing; what a real device would have to keep is `peakInFlight`.
 */
import { FLOAT32, type Encoding } from '../../../src/compression/index.js';
import type { ModelShape, PipelineProtocol } from '../../../src/scenario/schema.js';
import type { Range } from '../../../src/schedule/operation.js';
import { boundaryElements } from '../../../src/training/stage-layout.js';
import { checkedSliceElements } from '../slice-size.js';

/**
 * Elements that share a scale where activations are sent as 8-bit integers: block-wise (Dettmers et al.,
 * arXiv:2110.02861), as SWARM sends its activations (Ryabinin et al., arXiv:2301.11913).
 */
const BLOCK = 64;

/** As a microbatch crosses any boundary between two stages, either way. */
export interface Boundary {
  /** Elements of the activations, and of the gradient by them. */
  readonly elements: number;
  readonly encoding: Encoding;
  /** Consecutive pieces of these elements, a message each. */
  readonly slices: readonly Range[];
  /**
   * Pieces of the token ids, bytes. In a subspace they travel forwards with the activations, because part of what
   * a token is lies outside of it and is looked up anew by every stage (Ramasinghe et al., arXiv:2506.01260).
   * One byte each, for that is what a token is here; a vocabulary of real size takes 4.
   */
  readonly tokenSlices: readonly Range[];
}

/** @throws InputError naming `protocol.slice` if a slice holds no element. */
export function boundaryOf(
  { activations, microbatches, slice }: PipelineProtocol,
  model: ModelShape,
  batch: number,
): Boundary {
  const rows = batch / microbatches;
  const elements = boundaryElements(model, rows, activations);
  const sliceElements = checkedSliceElements(slice, 1, 1);
  const int8 = activations.kind === 'int8';
  const tokens = activations.kind === 'subspace' ? rows * model.context : 0;
  return {
    elements,
    encoding: int8 ? { kind: 'int8-blockwise', block: BLOCK, rounding: 'nearest' } : FLOAT32,
    // Whole blocks, so that cutting adds no scale.
    slices: cut(elements, int8 ? Math.max(BLOCK, sliceElements - (sliceElements % BLOCK)) : sliceElements),
    tokenSlices: cut(tokens, slice),
  };
}

/** Bytes of a microbatch's token ids; 0 if they are not sent. */
export function tokenBytes({ tokenSlices }: Boundary): number {
  return tokenSlices.reduce((sum, { length }) => sum + length, 0);
}

/** Pieces of `most` elements, and a last one with what is left. */
function cut(elements: number, most: number): Range[] {
  return Array.from({ length: Math.ceil(elements / most) }, (_, i) => ({
    offset: i * most,
    length: Math.min(most, elements - i * most),
  }));
}

/** Which pipeline it is, of how many ranks, and which hop: from stage `boundary` to the next, and back. */
export interface Hop {
  readonly boundary: number;
  readonly microbatch: number;
  readonly way: 'forward' | 'backward';
}

/**
 * Number of a hop's place: different for any two hops that meet at a rank. Of the boundaries between a rank's
 * neighbours the even and the odd ones take turns; that from the last rank to the first is apart, for with an odd
 * number of ranks it would meet one of its own kind.
 */
export function placeOf(
  { boundary, microbatch, way }: Hop,
  { ranks, microbatches }: { readonly ranks: number; readonly microbatches: number },
): number {
  const [chunk, position] = [Math.floor(boundary / ranks), boundary % ranks];
  const lane = 3 * chunk + (position === ranks - 1 ? 2 : position % 2);
  return 2 * (lane * microbatches + microbatch) + (way === 'forward' ? 0 : 1);
}

/** Places that a pipeline needs, at each of its ranks. */
export function placesOf(ranks: number, microbatches: number, chunks: number): number {
  const last = ranks * chunks - 2;
  const places = Array.from({ length: last + 1 }, (_, boundary) =>
    placeOf({ boundary, microbatch: microbatches - 1, way: 'backward' }, { ranks, microbatches }),
  );
  return 1 + Math.max(...places);
}
