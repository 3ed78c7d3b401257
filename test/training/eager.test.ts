/** Eager updates against the same rounds written out as loops, and what they must add up to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eagerStep } from '../../src/training/eager.js';
import { allocateReplica } from '../../src/training/memory.js';

const RANKS = 3;
const values = (length: number) =>
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }).map(Math.fround), {
    minLength: length,
    maxLength: length,
  });
/** By round and rank: how far the inner steps move the only parameter there is. */
const moves = fc
  .integer({ min: 1, max: 8 })
  .chain((rounds) => fc.array(values(RANKS), { minLength: rounds, maxLength: rounds }));

/** All ranks' rounds, with an exact all-reduce between them; by rank, where it ends. */
function trained(
  rounds: readonly (readonly number[])[],
  settings: { readonly learningRate: number; readonly momentum: number },
) {
  const replicas = Array.from({ length: RANKS }, () => allocateReplica(1));
  for (const [round, ofRanks] of rounds.entries()) {
    const sum = replicas.reduce((total, { reduction }) => Math.fround(total + reduction[0]!), 0);
    for (const [rank, replica] of replicas.entries()) {
      if (round > 0) replica.reduction[0] = sum;
      replica.parameters[0]! += ofRanks[rank]!;
      eagerStep(replica, RANKS, settings, [{ offset: 0, length: 1 }]);
    }
  }
  return replicas;
}

describe('eagerStep', () => {
  it('is Nesterov by own of this round and others of the round before, to the rounding of float32', () => {
    fc.assert(
      fc.property(moves, (rounds) => {
        const [learningRate, momentum] = [0.5, 0.75];
        const expected = Array.from({ length: RANKS }, (_, rank) => {
          let [anchor, buffer] = [0, 0];
          for (const [round, ofRanks] of rounds.entries()) {
            // A pseudo-gradient points from where the inner steps led back to the anchor.
            const others = (rounds[round - 1] ?? []).reduce(
              (sum, move, of) => sum - (of === rank ? 0 : move),
              0,
            );
            const g = (others - ofRanks[rank]!) / RANKS;
            buffer = momentum * buffer + g;
            anchor -= learningRate * (g + momentum * buffer);
          }
          return anchor;
        });
        const replicas = trained(rounds, { learningRate, momentum });
        for (const [rank, { parameters, anchor }] of replicas.entries()) {
          expect(parameters).toEqual(anchor);
          expect(anchor[0]).toBeCloseTo(expected[rank]!, 4);
        }
      }),
    );
  });

  it('counts each share once for every replica, but for the own one of the last round', () => {
    fc.assert(
      fc.property(moves, (rounds) => {
        const replicas = trained(rounds, { learningRate: 1, momentum: 0 });
        const shared = rounds.slice(0, -1).reduce((sum, ofRanks) => sum + ofRanks.reduce((a, b) => a + b), 0);
        for (const [rank, { parameters }] of replicas.entries())
          expect(parameters[0]).toBeCloseTo((shared + rounds.at(-1)![rank]!) / RANKS, 4);
      }),
    );
  });

  it('leaves the own share of this round to be exchanged and to be taken back', () => {
    const memory = allocateReplica(3);
    memory.anchor.set([4, 4, 4]);
    memory.parameters.set([3, 3, 3]);
    memory.reduction.set([6, 6, 6]);
    memory.exchange.set([2, 2, 2]);
    eagerStep(memory, 2, { learningRate: 1, momentum: 0 }, [{ offset: 1, length: 2 }]);
    // (6 - 2 + 1) / 2
    expect([...memory.anchor]).toEqual([4, 1.5, 1.5]);
    expect([...memory.parameters]).toEqual([3, 1.5, 1.5]);
    expect([...memory.reduction]).toEqual([6, 1, 1]);
    expect([...memory.exchange]).toEqual([2, 1, 1]);
  });
});
