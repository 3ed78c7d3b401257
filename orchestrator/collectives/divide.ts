/** How a buffer is cut: into chunks, one per member, and these into slices that are sent as one message. */
import type { Range } from '../../src/schedule/operation.js';

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

/** Pieces of at most `sliceElements`, of balanced size; none of an empty range. */
export function slicesOf(range: Range, sliceElements: number): Range[] {
  return divide(range, Math.ceil(range.length / sliceElements));
}

/**
 * The slices of each member's chunk: `members` lists, of which those of empty chunks are empty. Chunks are cut as if
 * the ranges lay one after the other; slices within them only.
 */
export function chunkSlices(ranges: readonly Range[], members: number, sliceElements: number): Range[][] {
  const length = ranges.reduce((sum, range) => sum + range.length, 0);
  return divide({ offset: 0, length }, members).map((chunk) =>
    piecesAt(ranges, chunk).flatMap((piece) => slicesOf(piece, sliceElements)),
  );
}

/** What is at these positions if the ranges lie one after the other; nothing empty. */
function piecesAt(ranges: readonly Range[], { offset, length }: Range): Range[] {
  let position = 0;
  return ranges.flatMap((range) => {
    const from = Math.max(offset - position, 0);
    const to = Math.min(offset + length - position, range.length);
    position += range.length;
    return to > from ? [{ offset: range.offset + from, length: to - from }] : [];
  });
}
