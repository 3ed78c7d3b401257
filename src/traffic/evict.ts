/**
 * Who makes way when a table is full: the half with the fewest bytes.
 *
 * Half at once, so that the sorting is paid for by as many insertions; and by bytes rather than by age, for
 * what is looked for here (transfers of weights) is large and may be silent for long between its bursts.
 */
export function smallerHalf<T extends { readonly bytes: number }>(items: readonly T[]): T[] {
  const ascending = [...items].sort((a, b) => a.bytes - b.bytes);
  return ascending.slice(0, Math.ceil(items.length / 2));
}
