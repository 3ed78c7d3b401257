/** Ranges of flat arrays, written out. */
import type { Range } from '../../src/schedule/operation.js';

/** The index of each element of the ranges, in their order. */
export const indicesOf = (ranges: readonly Range[]): number[] =>
  ranges.flatMap(({ offset, length }) => Array.from({ length }, (_, i) => offset + i));
