/**
 * Ring all-reduce as properties: for any number of ranks and any size, also those that do not divide and
 * those smaller than the ring.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divide, ringSlices } from '../../../orchestrator/schedules/ring.js';
import { compileRound } from '../../../orchestrator/schedules/index.js';
import { bytesPerPair, bytesPerRank, ringBytesPerRank } from '../../../src/schedule/bytes.js';
import { problemsOf } from '../../../src/schedule/check.js';
import type { Schedule } from '../../../src/schedule/operation.js';
import { playRound } from '../../../src/schedule/reference.js';

const ring = (worldSize: number, parameterCount: number, slice: number): Schedule =>
  compileRound({ protocol: { kind: 'ddp', slice }, worldSize, parameterCount, round: 0 });

/** World size, elements, bytes of a slice; at most a few thousand operations. */
const cases = fc
  .tuple(
    fc.integer({ min: 2, max: 64 }),
    fc.oneof(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 5000 })),
  )
  .chain(([worldSize, elements]) => {
    const least = 4 * Math.max(1, Math.ceil(elements / worldSize / 6));
    return fc.tuple(fc.constant(worldSize), fc.constant(elements), fc.integer({ min: least, max: 70_000 }));
  });

describe('cutting', () => {
  it('covers a range with pieces of balanced size, the longer ones first', () => {
    expect(divide({ offset: 10, length: 7 }, 3)).toEqual([
      { offset: 10, length: 3 },
      { offset: 13, length: 2 },
      { offset: 15, length: 2 },
    ]);
    expect(divide({ offset: 0, length: 2 }, 3).map(({ length }) => length)).toEqual([1, 1, 0]);
  });

  it('leaves no slice empty or above the limit, and no element out', () => {
    fc.assert(
      fc.property(cases, ([worldSize, elements, bytes]) => {
        const most = Math.floor(bytes / 4);
        const slices = ringSlices(worldSize, elements, most).flat();
        let next = 0;
        for (const { offset, length } of slices) {
          expect(offset).toBe(next);
          expect(length).toBeGreaterThan(0);
          expect(length).toBeLessThanOrEqual(most);
          next += length;
        }
        expect(next).toBe(elements);
      }),
    );
  });
});

describe('ring all-reduce', () => {
  it('is sound: matched, in order, without deadlock', () => {
    fc.assert(
      fc.property(cases, ([worldSize, elements, slice]) => {
        expect(problemsOf(ring(worldSize, elements, slice))).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('sends 2·V·(N-1)/N bytes per rank: exactly on average, each within a chunk rounding', () => {
    fc.assert(
      fc.property(cases, ([worldSize, elements, slice]) => {
        const ranks = bytesPerRank(ring(worldSize, elements, slice));
        const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
        expect(sum(ranks.map(({ sentBytes }) => sentBytes))).toBe(2 * elements * 4 * (worldSize - 1));
        expect(sum(ranks.map(({ receivedBytes }) => receivedBytes))).toBe(2 * elements * 4 * (worldSize - 1));
        for (const { sentBytes, receivedBytes } of ranks) {
          const closed = ringBytesPerRank(elements * 4, worldSize);
          expect(Math.abs(sentBytes - closed)).toBeLessThan(2 * (worldSize - 1) * 4);
          expect(Math.abs(receivedBytes - closed)).toBeLessThan(2 * (worldSize - 1) * 4);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('talks to its successor only', () => {
    for (const { from, to } of bytesPerPair(ring(5, 100, 16))) expect(to).toBe((from + 1) % 5);
    expect(bytesPerPair(ring(2, 10, 16)).map(({ from, to, bytes }) => [from, to, bytes])).toEqual([
      [0, 1, 40],
      [1, 0, 40],
    ]);
  });

  it('leaves the sum in ring order on every rank, bit for bit, in whatever order it is played', async () => {
    const orders = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(cases, fc.integer(), orders, async ([worldSize, elements, slice], seed, order) => {
        const gradients = Array.from({ length: worldSize }, (_, rank) => noise(elements, seed + rank));
        const buffers = gradients.map((gradient) => new Float32Array(gradient.length));
        const compute = (rank: number) => buffers[rank]?.set(gradients[rank] ?? []);
        const pick = (count: number) => Math.floor(Number(order.next().value) * count);
        await playRound(ring(worldSize, elements, slice), buffers, { compute, outer: () => undefined }, pick);
        const expected = bits(sumInRingOrder(gradients));
        for (const buffer of buffers) expect(bits(buffer).equals(expected)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('orders every pair of accesses to the same elements of which one writes', () => {
    for (const [worldSize, elements, slice] of [
      [2, 7, 8],
      [3, 20, 8],
      [5, 23, 12],
      [7, 3, 4],
    ] as const) {
      expect(races(ring(worldSize, elements, slice))).toEqual([]);
    }
  });
});

/** Values of very different size, so that another order of summation gives other bits. */
function noise(length: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 10 ** ((state >>> 8) % 7);
  });
}

/** Chunk c is summed from rank c on; written without the schedule's own code. */
function sumInRingOrder(gradients: readonly Float32Array[]): Float32Array {
  const worldSize = gradients.length;
  const elements = gradients[0]?.length ?? 0;
  const result = new Float32Array(elements);
  let at = 0;
  for (let chunk = 0; chunk < worldSize; chunk++) {
    const length = Math.floor(elements / worldSize) + (chunk < elements % worldSize ? 1 : 0);
    for (const end = at + length; at < end; at++) {
      let sum = gradients[chunk]?.[at] ?? NaN;
      for (let hop = 1; hop < worldSize; hop++) {
        sum = Math.fround(sum + (gradients[(chunk + hop) % worldSize]?.[at] ?? NaN));
      }
      result[at] = sum;
    }
  }
  return result;
}

function bits(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** Pairs of operations of one rank that touch the same elements, one of them writing, and are not ordered. */
function races({ parts }: Schedule): string[] {
  const found: string[] = [];
  for (const { rank, operations } of parts) {
    const earlier: Set<number>[] = [];
    const lastOf = new Map<string, number>();
    for (const { id, stream, after } of operations) {
      const before = [...after, ...(lastOf.has(stream) ? [lastOf.get(stream) ?? -1] : [])];
      earlier[id] = new Set(before.flatMap((one) => [one, ...(earlier[one] ?? [])]));
      lastOf.set(stream, id);
    }
    for (const a of operations) {
      for (const b of operations) {
        if (a.id >= b.id || earlier[b.id]?.has(a.id)) continue;
        if (a.kind === 'send' && b.kind === 'send') continue;
        const isTransfer = (one: typeof a) => one.kind === 'send' || one.kind === 'recv';
        const apart =
          isTransfer(a) &&
          isTransfer(b) &&
          (a.offset + a.length <= b.offset || b.offset + b.length <= a.offset);
        if (!apart) found.push(`rank ${rank}: ${a.kind} ${a.id}, ${b.kind} ${b.id}`);
      }
    }
  }
  return found;
}
