/**
 * Ring all-reduce as properties: for any number of ranks and any size, also those that do not divide and
 * those smaller than the ring. What every collective must keep is in compliance.ts; here is what is the ring's.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkSlices, divide } from '../../../orchestrator/collectives/divide.js';
import { compileRound } from '../../../orchestrator/schedules/index.js';
import { bytesPerPair, bytesPerRank } from '../../../src/schedule/bytes.js';
import { ringBytes } from '../../../src/schedule/closed-form.js';
import type { Schedule } from '../../../src/schedule/operation.js';
import { playRound, type Trainer } from '../../../src/schedule/reference.js';
import { allocateReplica } from '../../../src/training/index.js';
import { requestFor } from '../../support/request.js';
import { bits, noise } from './playing.js';

const ring = (worldSize: number, parameterCount: number, slice: number): Schedule =>
  compileRound(requestFor({ kind: 'ddp', slice }, { worldSize, parameterCount }));

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
        const slices = chunkSlices([{ offset: 0, length: elements }], worldSize, most).flat();
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

describe('cutting several ranges', () => {
  const ranges = [
    { offset: 10, length: 5 },
    { offset: 20, length: 1 },
    { offset: 30, length: 6 },
  ];

  it('cuts chunks across them, but no slice', () => {
    expect(chunkSlices(ranges, 2, 3)).toEqual([
      [
        { offset: 10, length: 3 },
        { offset: 13, length: 2 },
        { offset: 20, length: 1 },
      ],
      [
        { offset: 30, length: 3 },
        { offset: 33, length: 3 },
      ],
    ]);
    expect(chunkSlices(ranges, 12, 3).map((chunk) => chunk.length)).toEqual(Array(12).fill(1));
    expect(chunkSlices([], 2, 3)).toEqual([[], []]);
  });
});

describe('ring all-reduce', () => {
  it('sends 2·V·(N-1)/N bytes per rank: exactly on average, each within a chunk rounding', () => {
    fc.assert(
      fc.property(cases, ([worldSize, elements, slice]) => {
        const ranks = bytesPerRank(ring(worldSize, elements, slice));
        const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
        expect(sum(ranks.map(({ sentBytes }) => sentBytes))).toBe(2 * elements * 4 * (worldSize - 1));
        expect(sum(ranks.map(({ receivedBytes }) => receivedBytes))).toBe(2 * elements * 4 * (worldSize - 1));
        for (const { sentBytes, receivedBytes } of ranks) {
          const closed = ringBytes(elements * 4, worldSize)[0]!;
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
        const replicas = gradients.map(({ length }) => allocateReplica(length));
        const trainer: Trainer = {
          seed: 1,
          buffers: ({ rank }) => replicas[rank]!,
          work(rank, _, { kind }) {
            if (kind === 'compute') replicas[rank]!.reduction.set(gradients[rank]!);
          },
        };
        const pick = (count: number) => Math.floor(Number(order.next().value) * count);
        await playRound(ring(worldSize, elements, slice), trainer, { pick });
        const expected = bits(sumInRingOrder(gradients));
        for (const { reduction } of replicas) expect(bits(reduction).equals(expected)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

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
