import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { targetsOf } from '../../../nodes/chatter/targets.js';
import type { Target } from '../../../src/persona/index.js';

const mesh = fc.record({
  worldSize: fc.integer({ min: 2, max: 40 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

const byRank = (to: Target, { worldSize, seed }: { worldSize: number; seed: number }): number[][] =>
  Array.from({ length: worldSize }, (_, rank) =>
    targetsOf({ name: 'a habit', to }, { rank, worldSize, seed }),
  );

describe('targets', () => {
  test('are never the speaker, nor twice the same, and stay the same', () => {
    const figure = fc.record({ value: fc.integer({ min: 1, max: 10 }), source: fc.constant('') });
    const target = fc.oneof(
      fc.constantFrom<Target>('coordinator', 'every-peer', 'each-pair'),
      fc.record({ neighbours: figure }),
      fc.record({ keepers: figure }),
    );
    fc.assert(
      fc.property(target, mesh, (to, of) => {
        const targets = byRank(to, of);
        targets.forEach((peers, rank) => {
          expect(peers).not.toContain(rank);
          expect(new Set(peers).size).toBe(peers.length);
          expect(peers.every((peer) => peer >= 0 && peer < of.worldSize)).toBe(true);
        });
        expect(byRank(to, of)).toEqual(targets);
      }),
    );
  });

  test('of a pair meet once', () => {
    fc.assert(
      fc.property(mesh, (of) => {
        const pairs = byRank('each-pair', of).flatMap((peers, rank) =>
          peers.map((peer) => `${rank}-${peer}`),
        );
        expect(pairs).toHaveLength((of.worldSize * (of.worldSize - 1)) / 2);
      }),
    );
  });

  test('that keep a key are the same for all', () => {
    fc.assert(
      fc.property(mesh, (of) => {
        const targets = byRank({ keepers: { value: 5, source: '' } }, of);
        const keepers = new Set(targets.flat());
        expect(keepers.size).toBe(Math.min(5, of.worldSize));
        targets.forEach((peers, rank) =>
          expect(peers.length).toBe(keepers.size - (keepers.has(rank) ? 1 : 0)),
        );
      }),
    );
  });

  test('that are neighbours are as many as there can be', () => {
    for (const peers of byRank({ neighbours: { value: 8, source: '' } }, { worldSize: 5, seed: 1 }))
      expect(peers).toHaveLength(4);
    for (const peers of byRank({ neighbours: { value: 8, source: '' } }, { worldSize: 20, seed: 1 }))
      expect(peers).toHaveLength(8);
  });

  test('of the coordinator’s host are none', () => {
    expect(byRank('coordinator', { worldSize: 3, seed: 1 })).toEqual([[], [0], [0]]);
  });
});
