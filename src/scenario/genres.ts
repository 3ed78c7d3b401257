/**
 * The genres of text that a node may hold: the fifteen categories of the Brown corpus (Francis and Kučera,
 * 1964), by name. A scenario speaks of them so that a misspelt genre is found before anything starts; the
 * documents themselves are the business of `src/training/`.
 */

/** In the corpus's own order, A to R. */
export const GENRES = [
  'press-reportage',
  'press-editorial',
  'press-reviews',
  'religion',
  'hobbies',
  'lore',
  'belles-lettres',
  'government',
  'learned',
  'fiction-general',
  'mystery',
  'science-fiction',
  'adventure',
  'romance',
  'humor',
] as const;

export type Genre = (typeof GENRES)[number];

/** The genre of a rank that names none: each in turn. */
export const genreInTurn = (rank: number): Genre => GENRES[rank % GENRES.length] ?? GENRES[0];
