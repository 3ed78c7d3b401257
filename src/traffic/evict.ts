/**
 * Who makes way when a table is full: the half with the fewest bytes.
 *
 * Half at once, so that the sorting is paid for by as many insertions; and by bytes rather than by age, for
 * what is looked for here (transfers of weights) is large and may be silent for long between its bursts.
 */
export function smallerHalf<T extends { readonly bytes: number }>(items: readonly T[]): T[] {
  const bytes = Float64Array.from(items, (item) => item.bytes);
  const isLeaving = smallerHalfOf(bytes);
  return items.filter((item) => isLeaving(item.bytes));
}

/** The same for bytes alone: whether what has so many makes way, to be asked once for each in turn. */
export function smallerHalfOf(bytes: Float64Array): (bytes: number) => boolean {
  const count = Math.ceil(bytes.length / 2);
  const ascending = bytes.slice().sort();
  const most = ascending[count - 1] ?? 0;
  // Of those with just as many only some go.
  let level = count - ascending.findIndex((value) => value === most);
  return (value) => value < most || (value === most && level-- > 0);
}
