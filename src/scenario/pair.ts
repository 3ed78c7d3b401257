/**
 * Keys that name two regions: "A--B" for both ways between them, "A->B" for the way from A to B only. What is said of
 * one way takes precedence over what is said of both.
 */
const REGION = '[a-z0-9]+(?:-[a-z0-9]+)*';

/** The form of a key; a region has single hyphens only, so both separators are unmistakable. */
export const PAIR_FORM = new RegExp(`^${REGION}(?:--|->)${REGION}$`);
/** The form of a key that means both ways. */
export const BOTH_WAYS_FORM = new RegExp(`^${REGION}--${REGION}$`);

/** The two regions of a key. */
export function pairOf(key: string): [string, string] {
  const [a = '', b = ''] = key.split(/--|->/);
  return [a, b];
}

/** Whether a key means one way only. */
export const isDirected = (key: string): boolean => key.includes('->');

/** The keys of a table under which it says something of the way from `a` to `b`: of both ways first, then of this one. */
export const keysFor = (table: object, a: string, b: string): string[] =>
  [...new Set([`${b}--${a}`, `${a}--${b}`, `${a}->${b}`])].filter((key) => Object.hasOwn(table, key));

/** What a table says of the way from `a` to `b`, in the order of keysFor(). */
export const entriesFor = <T>(table: Readonly<Record<string, T>>, a: string, b: string): T[] =>
  keysFor(table, a, b).map((key) => table[key]!);
