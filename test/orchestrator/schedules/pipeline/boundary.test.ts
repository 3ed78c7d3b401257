/** Where hops between stages lie: each in a place of its own at both of its ends, and no more places than needed. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { placeOf, placesOf } from '../../../../orchestrator/schedules/pipeline/boundary.js';

it('no two hops that meet at a rank share a place, and every rank has room for all of its own', () => {
  const sizes = fc.record({
    ranks: fc.integer({ min: 2, max: 9 }),
    microbatches: fc.integer({ min: 1, max: 5 }),
    chunks: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(sizes, ({ ranks, microbatches, chunks }) => {
      const places = Array.from({ length: ranks }, (): number[] => []);
      for (let boundary = 0; boundary < ranks * chunks - 1; boundary++)
        for (let microbatch = 0; microbatch < microbatches; microbatch++)
          for (const way of ['forward', 'backward'] as const) {
            const place = placeOf({ boundary, microbatch, way }, { ranks, microbatches });
            for (const stage of [boundary, boundary + 1]) places[stage % ranks]!.push(place);
          }
      const room = placesOf(ranks, microbatches, chunks);
      for (const ofRank of places) {
        expect(new Set(ofRank).size).toBe(ofRank.length);
        expect(Math.max(...ofRank)).toBeLessThan(room);
      }
      expect(room).toBeLessThanOrEqual(2 * microbatches * 3 * chunks);
    }),
  );
});
