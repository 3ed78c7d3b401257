/**
 * Who learns from what: deals the corpus's documents to the ranks.
 *
 * First some documents of every genre are held out for all alike; no rank trains on them, and the loss is
 * measured there. The rest are dealt out whole, each to one rank, so that shards are disjoint. It is a pure
 * function of the settings: every process deals the same cards without asking another.
 */
import { InputError } from '../errors.js';
import { Random } from '../random.js';
import { GENRES, type Genre } from '../scenario/genres.js';
import { listDocuments, type Document } from './text.js';

export interface DataSettings {
  readonly seed: number;
  /** `mixed`: documents of any genre to every rank; `genres`: documents of its own genre to each rank. */
  readonly shards: 'mixed' | 'genres';
  /** One entry per rank, or per pipeline, so as many as there are shards; of no effect when mixed. */
  readonly genres: readonly (string | undefined)[];
}

export interface Shards {
  readonly heldOut: readonly Document[];
  /** By rank; none is empty. */
  readonly training: readonly (readonly Document[])[];
}

/** One document in so many is held out, and at least one of each genre. */
const HELD_OUT_SHARE = 20;

/**
 * Deals all documents.
 *
 * @throws InputError if there are more ranks than documents, or more that share a genre than it has
 *   documents; or if a rank's genre does not exist.
 */
export function dealDocuments(settings: DataSettings): Shards {
  const random = new Random(settings.seed, 'shards');
  const heldOut: Document[] = [];
  const byGenre = new Map<Genre, Document[]>(GENRES.map((genre) => [genre, []]));
  for (const document of listDocuments()) byGenre.get(document.genre)?.push(document);
  for (const documents of byGenre.values()) {
    shuffle(documents, random);
    heldOut.push(...documents.splice(0, Math.max(1, Math.round(documents.length / HELD_OUT_SHARE))));
  }
  switch (settings.shards) {
    case 'mixed':
      return { heldOut, training: dealMixed(settings.genres.length, byGenre, random) };
    case 'genres':
      return { heldOut, training: dealGenres(settings.genres, byGenre) };
  }
}

/** The documents of one rank; see {@link dealDocuments}. */
export function shardOf(settings: DataSettings, rank: number): readonly Document[] {
  const shard = dealDocuments(settings).training[rank];
  if (!shard) throw new RangeError(`no rank ${rank} among ${settings.genres.length}`);
  return shard;
}

function dealMixed(worldSize: number, byGenre: Map<Genre, Document[]>, random: Random): Document[][] {
  const documents = [...byGenre.values()].flat();
  shuffle(documents, random);
  requireEnough(worldSize, documents.length, 'of the corpus');
  return deal(documents, worldSize);
}

function dealGenres(names: DataSettings['genres'], byGenre: Map<Genre, Document[]>): Document[][] {
  const genres = names.map(genreNamed);
  const hands = new Map<Genre, Document[][]>();
  for (const [genre, documents] of byGenre) {
    const sharers = genres.filter((other) => other === genre).length;
    if (sharers === 0) continue;
    requireEnough(sharers, documents.length, `of genre ${genre}`);
    hands.set(genre, deal(documents, sharers));
  }
  return genres.map((genre) => hands.get(genre)?.shift() ?? []);
}

function genreNamed(name: string | undefined, rank: number): Genre {
  const genre = GENRES.find((known) => known === name);
  if (genre) return genre;
  throw new InputError(`genre of rank ${rank}: found "${name ?? ''}"; allowed: ${GENRES.join(', ')}`);
}

function requireEnough(ranks: number, documents: number, what: string): void {
  if (ranks <= documents) return;
  throw new InputError(
    `nodes: found ${ranks} to share the ${documents} training documents ${what}; allowed: at most ${documents}`,
  );
}

/** Deals round by round, so that hands differ by one document at most. */
function deal(documents: readonly Document[], ranks: number): Document[][] {
  const hands: Document[][] = Array.from({ length: ranks }, () => []);
  documents.forEach((document, index) => hands[index % ranks]?.push(document));
  return hands;
}

/** Fisher and Yates's shuffle, in place. */
function shuffle<T>(items: T[], random: Random): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const [a, b] = [items[last], items[other]];
    if (a !== undefined && b !== undefined) [items[last], items[other]] = [b, a];
  }
}
