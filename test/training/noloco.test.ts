import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestPull, nolocoStep } from '../../src/training/noloco.js';

const settings = { learningRate: 0.7, momentum: 0.5, pull: 0.6 };
const whole = [{ offset: 0, length: 2 }];

const stateOf = (anchor: number[], exchange: number[], outerMomentum: number[], reduction: number[]) => ({
  anchor: Float32Array.from(anchor),
  exchange: Float32Array.from(exchange),
  outerMomentum: Float32Array.from(outerMomentum),
  reduction: Float32Array.from(reduction),
});

describe('nolocoStep', () => {
  it('is momentum, the mean pseudo-gradient and the pull to the middle of the pair', () => {
    const state = stateOf([1, -2], [3, -2], [0.5, 0], [0.25, 0.5]);
    nolocoStep(state, 2, settings, whole);
    const [first, second] = [0.5 * 0.5 + 0.7 * 0.125 + 0.6 * (1 - 2), 0.7 * 0.25];
    expect(state.outerMomentum).toEqual(Float32Array.of(first, second));
    expect(state.anchor).toEqual(Float32Array.of(1 - Math.fround(first), -2 - Math.fround(second)));
  });

  it('moves a pair that agrees alike, and one that does not closer together', () => {
    const [a, b] = [stateOf([1, 4], [2, 4], [0, 0], [0.5, 1]), stateOf([2, 4], [1, 4], [0, 0], [0.5, 1])];
    for (const state of [a, b]) nolocoStep(state, 2, settings, whole);
    expect(a.anchor[1]).toBe(b.anchor[1]);
    expect(b.anchor[0]! - a.anchor[0]!).toBeCloseTo(1 - 0.6, 6);
  });

  it('lets one that rests go on by itself, whatever it has left of a peer', () => {
    const state = stateOf([1, 1], [NaN, 7], [0, 0], [0.5, 0.5]);
    nolocoStep(state, 1, settings, whole);
    expect(state.anchor).toEqual(Float32Array.of(1 - Math.fround(0.35), 1 - Math.fround(0.35)));
  });

  it('leaves alone what is outside the ranges', () => {
    const state = stateOf([1, 1], [0, 0], [0, 0], [1, 1]);
    nolocoStep(state, 2, settings, [{ offset: 1, length: 1 }]);
    expect([state.anchor[0], state.outerMomentum[0]]).toEqual([1, 0]);
    expect(state.anchor[1]).toBeLessThan(1);
  });
});

describe('largestPull', () => {
  it('is where the spread of replicas that are only pulled stops dying away', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5 }),
        fc.double({ min: 0, max: 0.8, noNaN: true }),
        (count, momentum) => {
          const bound = largestPull(momentum, count);
          expect(growthOfSpread(count, momentum, 0.95 * bound)).toBeLessThan(1);
          expect(growthOfSpread(count, momentum, 1.05 * bound)).toBeGreaterThan(1);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('is 2·(1 - α²) for many', () => {
    expect(largestPull(0.5, 1e6)).toBeCloseTo(1.5, 5);
    expect(largestPull(0.5, 7)).toBeCloseTo(1.5, 12);
    expect(largestPull(0.5, 2)).toBeCloseTo(3, 12);
  });
});

/**
 * By what factor the expected squares of the replicas' distances from their mean change per round in the long run,
 * without gradients: the second moments of all anchors and momenta, stepped by the mean over all pairings.
 */
function growthOfSpread(count: number, momentum: number, pull: number): number {
  const steps = pairingsOf([...Array(count).keys()]).map((pairs) => stepOf(count, pairs, momentum, pull));
  let moments = start(count);
  let growth = 1;
  for (let round = 0; round < 150; round++) {
    const next = steps
      .map((step) => product(product(step, moments), transposed(step)))
      .reduce((sum, one) => sum.map((row, i) => row.map((value, j) => value + one[i]![j]!)));
    growth = trace(next) / steps.length / trace(moments);
    const scale = 1 / trace(next);
    moments = next.map((row) => row.map((value) => value * scale));
  }
  return growth;
}

type Matrix = number[][];

/** Anchors that differ and sum to zero, each replica's momentum a half of its anchor. */
function start(count: number): Matrix {
  const anchors = Array.from({ length: count }, (_, i) => i ** 2 - ((count - 1) * (2 * count - 1)) / 6);
  const state = [...anchors, ...anchors.map((value) => value / 2)];
  return state.map((a) => state.map((b) => a * b));
}

/** All ways to pair ranks; with an odd number each rests in some. */
function pairingsOf(ranks: readonly number[]): [number, number][][] {
  const [first, ...others] = ranks;
  if (first === undefined) return [[]];
  const met = others.flatMap((other) =>
    pairingsOf(others.filter((one) => one !== other)).map((rest): [number, number][] => [
      [first, other],
      ...rest,
    ]),
  );
  return ranks.length % 2 === 0 ? met : [...met, ...pairingsOf(others)];
}

/** The map of anchors and momenta, one after the other, that a round with these pairs is. */
function stepOf(count: number, pairs: readonly [number, number][], momentum: number, pull: number): Matrix {
  const momenta = Array.from({ length: count }, (_, rank) => {
    const row = Array<number>(2 * count).fill(0);
    row[count + rank] = momentum;
    const pair = pairs.find((one) => one.includes(rank));
    for (const other of pair ?? []) row[other] = other === rank ? pull / 2 : -pull / 2;
    return row;
  });
  const anchors = momenta.map((row, rank) => row.map((value, i) => (i === rank ? 1 : 0) - value));
  return [...anchors, ...momenta];
}

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));

const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));

const trace = (a: Matrix): number => a.reduce((sum, row, i) => sum + row[i]!, 0);
