/** Shards are disjoint, complete and the same wherever they are dealt. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { GENRES, genreInTurn } from '../../src/scenario/genres.js';
import { dealDocuments, shardOf, type DataSettings } from '../../src/training/shards.js';
import { listDocuments } from '../../src/training/text.js';

function settingsFor(worldSize: number, shards: DataSettings['shards'] = 'mixed', seed = 1): DataSettings {
  return { seed, shards, genres: Array.from({ length: worldSize }, (_, rank) => genreInTurn(rank)) };
}

function expectSound(settings: DataSettings): void {
  const { heldOut, training } = dealDocuments(settings);
  expect(training).toHaveLength(settings.genres.length);
  for (const shard of training) expect(shard.length).toBeGreaterThan(0);
  const ids = [...heldOut, ...training.flat()].map((document) => document.id);
  expect(new Set(ids).size).toBe(ids.length);
}

describe('dealDocuments', () => {
  it.each(['mixed', 'genres'] as const)('deals %s shards that are disjoint, for 2 to 64 ranks', (shards) => {
    for (let worldSize = 2; worldSize <= 64; worldSize++) expectSound(settingsFor(worldSize, shards));
  });

  it('deals mixed shards to 256 ranks', () => {
    expectSound(settingsFor(256));
  });

  it('deals out everything when mixed, in hands that differ by one document at most', () => {
    const { heldOut, training } = dealDocuments(settingsFor(7));
    const sizes = training.map((shard) => shard.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    expect(heldOut.length + training.flat().length).toBe(listDocuments().length);
  });

  it('holds out the same documents of every genre, however many ranks there are', () => {
    const { heldOut } = dealDocuments(settingsFor(2));
    expect(new Set(heldOut.map((document) => document.genre))).toEqual(new Set(GENRES));
    expect(dealDocuments(settingsFor(31)).heldOut).toEqual(heldOut);
    expect(dealDocuments(settingsFor(5, 'genres')).heldOut).toEqual(heldOut);
    expect(dealDocuments(settingsFor(2, 'mixed', 2)).heldOut).not.toEqual(heldOut);
  });

  it('gives each rank its own genre, and splits a shared one', () => {
    const genres = ['humor', 'lore', 'humor', 'press-editorial'];
    const { training } = dealDocuments({ seed: 1, shards: 'genres', genres });
    const found = training.map((shard) => [...new Set(shard.map((document) => document.genre))]);
    expect(found).toEqual([['humor'], ['lore'], ['humor'], ['press-editorial']]);
    expect(training[0]).not.toEqual(training[2]);
  });

  it('depends on the seed only', () => {
    expect(dealDocuments(settingsFor(4))).toEqual(dealDocuments(settingsFor(4)));
    expect(dealDocuments(settingsFor(4, 'mixed', 2)).training).not.toEqual(
      dealDocuments(settingsFor(4)).training,
    );
    expect(shardOf(settingsFor(4), 2)).toEqual(dealDocuments(settingsFor(4)).training[2]);
  });

  it.each([
    ['more ranks than documents', settingsFor(480), /found 480 .* at most 475/],
    [
      'more ranks than documents of a genre',
      { ...settingsFor(0, 'genres'), genres: Array.from({ length: 6 }, () => 'science-fiction') },
      /found 6 .* 5 training documents of genre science-fiction/,
    ],
    [
      'a genre that does not exist',
      { ...settingsFor(0, 'genres'), genres: ['lore', 'poems'] },
      /rank 1: found "poems"; allowed: press-reportage/,
    ],
    ['a rank without a genre', { ...settingsFor(0, 'genres'), genres: [undefined] }, /rank 0: found ""/],
  ] satisfies [string, DataSettings, RegExp][])('refuses %s', (_, settings, message) => {
    expect(() => dealDocuments(settings)).toThrow(InputError);
    expect(() => dealDocuments(settings)).toThrow(message);
  });
});
