/** Ranges of the flat array: fragments and stages are a few of them. */
import type { Range } from '../schedule/operation.js';

/** What of `range` lies in any of `ranges`, in their order. */
export function overlaps(range: Range, ranges: readonly Range[]): Range[] {
  return ranges.flatMap((other) => {
    const offset = Math.max(range.offset, other.offset);
    const end = Math.min(range.offset + range.length, other.offset + other.length);
    return end > offset ? [{ offset, length: end - offset }] : [];
  });
}

export function elementsIn(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

/** Sets those elements of an array that lie in none of the ranges to zero. */
export function clearOutside(values: Float32Array, ranges: readonly Range[]): void {
  const kept = ranges.map(({ offset, length }) => ({
    offset,
    values: values.slice(offset, offset + length),
  }));
  values.fill(0);
  for (const { offset, values: own } of kept) values.set(own, offset);
}

/** The same elements in as few ranges as there can be: neighbours become one. */
export function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const range of ranges) {
    const before = result.at(-1);
    if (before !== undefined && before.offset + before.length === range.offset)
      result.splice(-1, 1, { offset: before.offset, length: before.length + range.length });
    else result.push(range);
  }
  return result;
}
