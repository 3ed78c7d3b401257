/** Plain English out of the tagged corpus. */
import { describe, expect, it } from 'vitest';
import { GENRES } from '../../src/scenario/genres.js';
import { listDocuments, plainText, readDocuments } from '../../src/training/text.js';

describe('plainText', () => {
  it('drops tags and spaces words as print does', () => {
    const tagged =
      "\n\tThe/at jury/nn said/vbd ,/, ``/`` No/rb (/( almost/rb )/) '/' cost/nn '/' ''/'' ./.\nWhy/wrb ?/. ?/.\n";
    expect(plainText(tagged)).toBe('The jury said, "No (almost) \'cost\'". Why?\n');
  });

  it('gives headlines and paragraphs a line each', () => {
    const tagged = 'Merger/nn-hl proposed/vbn-hl \nHowever/wrb ,/, no/at ./.\n\n\n\tIt/pps rained/vbd ./.\n';
    expect(plainText(tagged)).toBe('Merger proposed\nHowever, no.\nIt rained.\n');
  });

  it('keeps slashes that belong to words, and ends a sentence at an abbreviation with one dot', () => {
    expect(plainText('3-1/2/cd and/or/cc Ivan/np Allen/np Jr./np ./.')).toBe('3-1/2 and/or Ivan Allen Jr.\n');
  });

  it('is empty for empty text', () => {
    expect(plainText('')).toBe('');
    expect(plainText(' \n\t\n')).toBe('');
  });
});

describe('the corpus', () => {
  const documents = listDocuments();
  const text = Buffer.from(readDocuments(documents)).toString('latin1');

  it('is 500 documents in 15 genres', () => {
    expect(documents).toHaveLength(500);
    expect(new Set(documents.map((document) => document.genre))).toEqual(new Set(GENRES));
    const genreOf = new Map(documents.map(({ id, genre }) => [id, genre]));
    expect(genreOf.get('ca01')).toBe('press-reportage');
    expect(genreOf.get('cj80')).toBe('learned');
    expect(genreOf.get('cr09')).toBe('humor');
  });

  it('holds no tag and no byte outside printable ASCII', () => {
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    // A unit of measure looks like a tag, and is none; nor is a sound like /r/.
    const words = text.replace('material/hr./*0F./in.', '').split(/\s+/);
    const tag = /^[^/]\S*\/(nns?|vb[dgnz]?|at|in|jj|np|rb|cc|cs|ppss?|[.,:]|``|'')(-tl|-hl|-nc|\$)?$/;
    expect(words.filter((word) => tag.test(word))).toEqual([]);
  });

  it('reads as English: about six million bytes, one in six of them a space', () => {
    expect(text.length).toBeGreaterThan(5.5e6);
    expect(text.split(' ').length / text.length).toBeGreaterThan(0.15);
    expect(text).toContain("The Fulton County Grand Jury said Friday an investigation of Atlanta's recent");
  });
});
