/**
 * Ring all-reduce, expanded into sends and receives.
 *
 * Cut the buffer into one chunk per rank and let the chunks travel around a ring, each rank passing on to
 * its successor what it got from its predecessor. On the first trip (reduce-scatter) every stop adds its
 * own values to the chunk that passes; after N-1 hops a chunk holds the sum of all ranks. On the second
 * trip (all-gather) the finished chunks are copied to everyone. Each rank so sends 2·(N-1) chunks, that is
 * 2·V·(N-1)/N for a buffer of V bytes, which is the least any all-reduce can do (Patarasu and Yuan,
 * "Bandwidth optimal all-reduce algorithms for clusters of workstations", JPDC 2009).
 *
 * Chunks are cut further into slices, and a rank may pass a slice on as soon as that slice has come, not
 * when its chunk has. Over a wide-area link this matters: what is in flight then fills the path.
 *
 * The order of summation is the order of the ring: chunk c starts at rank c and is summed there first, then
 * at c+1, c+2, …. So the result depends on nothing but the world size, and, being copied in the second
 * trip, it is the same on every rank, bit for bit.
 *
 * This is a description, not a player: it allocates nothing of size V and touches no network.
 */
import type { RecvOperation, SendOperation } from '../../src/schedule/operation.js';

/** A range of elements of the reduction buffer. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

export interface RingRequest {
  readonly worldSize: number;
  readonly rank: number;
  /** Elements of the reduction buffer (V). */
  readonly elements: number;
  readonly bytesPerElement: number;
  /** Largest slice, elements. */
  readonly sliceElements: number;
  /** Id of the first operation; the others follow without a gap. */
  readonly firstId: number;
  /** Ids of the operations of this rank that fill the reduction buffer. */
  readonly after: readonly number[];
}

/**
 * Cuts `range` into `pieces` consecutive ranges whose lengths differ by at most one element, the longer
 * ones first. With fewer elements than pieces the last pieces are empty.
 */
export function divide(range: Range, pieces: number): Range[] {
  const short = Math.floor(range.length / pieces);
  const longer = range.length % pieces;
  return Array.from({ length: pieces }, (_, piece) => ({
    offset: range.offset + piece * short + Math.min(piece, longer),
    length: short + (piece < longer ? 1 : 0),
  }));
}

/** The slices of each chunk: `worldSize` lists, of which those of empty chunks are empty. */
export function ringSlices(worldSize: number, elements: number, sliceElements: number): Range[][] {
  return divide({ offset: 0, length: elements }, worldSize).map((chunk) =>
    divide(chunk, Math.ceil(chunk.length / sliceElements)),
  );
}

/**
 * What one rank does in a ring all-reduce, in an order in which it could do it alone: by step, the slices
 * it sends before those it receives.
 *
 * At step s (0 … 2N-3; the first N-1 are the reduce-scatter) rank i sends chunk (i-s) mod N to rank i+1 and
 * receives chunk (i-s-1) mod N from rank i-1. Empty when there is one rank only.
 *
 * Dependencies, besides the order of the streams:
 * - step 0 sends what `after` left in the buffer, and a receive that sums adds to it;
 * - a later step sends what the step before received, slice by slice;
 * - a receive that copies overwrites what this rank sent N-1 steps earlier, so it waits for that send
 *   to have read it. The data's own way around the ring says so too; here it can be seen.
 */
export function ringAllReduce(request: RingRequest): (SendOperation | RecvOperation)[] {
  const { worldSize, rank, bytesPerElement, after } = request;
  if (worldSize < 2) return [];
  const next = (rank + 1) % worldSize;
  const previous = (rank + worldSize - 1) % worldSize;
  const slices = ringSlices(worldSize, request.elements, request.sliceElements);
  const chunkOf = (step: number) => slices[(rank - step + 2 * worldSize) % worldSize] ?? [];

  const operations: (SendOperation | RecvOperation)[] = [];
  // Ids of a step's slices are consecutive, so the first one tells them all.
  const firstSend: number[] = [];
  let firstRecvOfStepBefore = 0;
  let [sent, received] = [0, 0];

  for (let step = 0; step < 2 * (worldSize - 1); step++) {
    const gathering = step >= worldSize - 1;
    firstSend[step] = request.firstId + operations.length;
    for (const [k, { offset, length }] of chunkOf(step).entries()) {
      operations.push({
        id: request.firstId + operations.length,
        kind: 'send',
        stream: `send:${next}`,
        after: step === 0 ? after : [firstRecvOfStepBefore + k],
        peer: next,
        sequence: sent++,
        offset,
        length,
        bytes: length * bytesPerElement,
      });
    }
    const overwritten = firstSend[step - (worldSize - 1)] ?? 0;
    firstRecvOfStepBefore = request.firstId + operations.length;
    for (const [k, { offset, length }] of chunkOf(step + 1).entries()) {
      operations.push({
        id: request.firstId + operations.length,
        kind: 'recv',
        stream: `recv:${previous}`,
        after: gathering ? [overwritten + k] : after,
        peer: previous,
        sequence: received++,
        offset,
        length,
        bytes: length * bytesPerElement,
        into: gathering ? 'copy' : 'sum',
      });
    }
  }
  return operations;
}
