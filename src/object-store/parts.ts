/** How a large object is cut for transport, and how its parts travel: the same on the way up and on the way down. */
import type { Range } from '../schedule/operation.js';

/** Consecutive parts of at most `part` bytes; one, however small, if all fits into it. */
export function partsOfObject(bytes: number, part: number): Range[] {
  if (bytes <= part) return [{ offset: 0, length: bytes }];
  return Array.from({ length: Math.ceil(bytes / part) }, (_, index) => ({
    offset: index * part,
    length: Math.min(part, bytes - index * part),
  }));
}

/** Does a task for each item, `most` of them at a time, in order; the results in that order. */
export async function severalAtOnce<T, R>(
  items: readonly T[],
  most: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await task(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}
