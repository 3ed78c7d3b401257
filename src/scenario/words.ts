/** Words for people who have misspelt one: what is allowed, and what was probably meant. */
import { distance } from 'fastest-levenshtein';

/** Text that is cut, with a sign of it, when it is longer than `limit`. */
export const shorten = (text: string, limit: number): string =>
  text.length > limit ? `${text.slice(0, limit)}…` : text;

/** Of the allowed keys the one that a misspelt key most probably meant. */
export function nearest(key: string, allowed: readonly string[]): string | undefined {
  const ranked = allowed
    .map((candidate) => ({
      candidate,
      edits: distance(shorten(key, 60).toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= Math.min(3, Math.ceil(best.candidate.length * 0.4))
    ? best.candidate
    : undefined;
}

/** A list of allowed words, and a hint at the one that was probably meant. */
export function wordsAllowed(found: string, allowed: readonly string[]): string {
  const meant = nearest(found, allowed);
  return allowed.join(', ') + (meant === undefined ? '' : ` (did you mean ${meant}?)`);
}
