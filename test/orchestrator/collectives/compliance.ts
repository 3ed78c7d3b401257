/**
 * What every collective must keep, for any number of members, also if it is no power of two, for any size, also
 * one smaller than the members, for one range or several, for some of the ranks only, for any regions and any dense
 * encoding.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Collective } from '../../../orchestrator/collectives/index.js';
import { chunkSlices } from '../../../orchestrator/collectives/divide.js';
import { encodedBytes, type DenseEncoding } from '../../../src/compression/index.js';
import { bytesPerRank } from '../../../src/schedule/bytes.js';
import { problemsOf } from '../../../src/schedule/check.js';
import type { Range } from '../../../src/schedule/operation.js';
import { indicesOf } from '../../support/ranges.js';
import { races, stuckWithoutStorage } from './hazards.js';
import { bits, noise, played, scheduleOf, wholeNumbers, type Setting } from './playing.js';

const encodings: readonly DenseEncoding[] = [
  { kind: 'float32' },
  { kind: 'float16' },
  { kind: 'bfloat16' },
  { kind: 'int8', rounding: 'nearest' },
  { kind: 'int8', rounding: 'stochastic' },
  { kind: 'int8-blockwise', block: 8, rounding: 'stochastic' },
  { kind: 'e3m0', block: 8, rounding: 'nearest' },
];

const settings: fc.Arbitrary<Setting> = fc
  .record({
    count: fc.oneof(fc.integer({ min: 1, max: 17 }), fc.constantFrom(2, 4, 8, 16)),
    strangers: fc.integer({ min: 0, max: 3 }),
    length: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 150 })),
    others: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 2 }),
    offset: fc.integer({ min: 0, max: 9 }),
    beyond: fc.integer({ min: 0, max: 9 }),
    sliceElements: fc.integer({ min: 3, max: 60 }),
    encoding: fc.constantFrom(...encodings),
    regionCount: fc.integer({ min: 1, max: 5 }),
    shuffle: fc.infiniteStream(fc.nat()),
  })
  .map(
    ({ count, strangers, length, others, offset, beyond, sliceElements, encoding, regionCount, shuffle }) => {
      // An element apart from each other.
      const lengths = [length, ...others];
      let next = offset;
      const ranges = lengths.map((one): Range => {
        const range = { offset: next, length: one };
        next += one + 1;
        return range;
      });
      const draw = (bound: number) => Number(shuffle.next().value) % bound;
      const ranks = [...Array(count + strangers).keys()].map((rank) => ({ rank, key: draw(1000) }));
      return {
        worldSize: count + strangers,
        members: ranks
          .sort((a, b) => a.key - b.key)
          .slice(0, count)
          .map(({ rank }) => rank),
        elements: offset + lengths.reduce((sum, one) => sum + one + 1, 0) + beyond,
        ranges,
        sliceElements,
        encoding,
        regions: Array.from({ length: count }, () => `region-${draw(regionCount)}`),
      };
    },
  );

const orders = fc
  .infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }))
  .map((order) => (count: number) => Math.floor(Number(order.next().value) * count));

export function describeCollective(name: string, collective: Collective): void {
  describe(`${name}, as any collective,`, () => {
    it('is sound, orders what touches the same elements, and needs no storage between ranks', () => {
      fc.assert(
        fc.property(settings, (setting) => {
          const schedule = scheduleOf(collective, setting);
          expect(problemsOf(schedule)).toEqual([]);
          expect(races(schedule)).toEqual([]);
          expect(stuckWithoutStorage(schedule)).toBe(0);
        }),
        { numRuns: 50 },
      );
    });

    it('moves every slice, as it was cut for all members, 2·(N-1) times', () => {
      fc.assert(
        fc.property(settings, (setting) => {
          const { ranges, members, sliceElements, encoding } = setting;
          const slices = chunkSlices(ranges, members.length, sliceElements).flat();
          const schedule = scheduleOf(collective, setting);
          const moved = schedule.parts.flatMap(({ operations }) =>
            operations.flatMap((one) => (one.kind === 'send' ? [`${one.offset}+${one.length}`] : [])),
          );
          for (const { offset, length } of slices)
            expect(moved.filter((one) => one === `${offset}+${length}`)).toHaveLength(
              2 * (members.length - 1),
            );
          const total = slices.reduce((sum, { length }) => sum + encodedBytes(encoding, length), 0);
          const sent = bytesPerRank(schedule).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
          expect(sent).toBe(2 * (members.length - 1) * total);
        }),
        { numRuns: 50 },
      );
    });

    it('leaves the exact sum of whole numbers, where the encoding holds them, and nothing else changed', async () => {
      const exact = settings.filter(({ encoding }) =>
        ['float32', 'float16', 'bfloat16'].includes(encoding.kind),
      );
      await fc.assert(
        fc.asyncProperty(exact, fc.nat(), orders, async (setting, seed, pick) => {
          const { worldSize, elements, ranges, members } = setting;
          const before = Array.from({ length: worldSize }, (_, rank) => wholeNumbers(elements, seed + rank));
          const after = await played(scheduleOf(collective, setting), before, pick);
          for (const [rank, values] of after.entries()) {
            const expected = before[rank]!.map((own, i) => {
              const summed = members.includes(rank) && indicesOf(ranges).includes(i);
              return summed ? members.reduce((sum, member) => sum + before[member]![i]!, 0) : own;
            });
            expect([...values]).toEqual([...expected]);
          }
        }),
        { numRuns: 50 },
      );
    });

    it('leaves about the sum of any numbers, as near as float32 comes', async () => {
      const exact = settings.map((setting): Setting => ({ ...setting, encoding: { kind: 'float32' } }));
      await fc.assert(
        fc.asyncProperty(exact, fc.nat(), async (setting, seed) => {
          const { worldSize, elements, ranges, members } = setting;
          const before = Array.from({ length: worldSize }, (_, rank) => noise(elements, seed + rank));
          const after = await played(scheduleOf(collective, setting), before);
          for (const i of indicesOf(ranges)) {
            const values = members.map((member) => before[member]![i]!);
            const sum = values.reduce((a, b) => a + b, 0);
            const size = values.reduce((a, b) => a + Math.abs(b), 0);
            const found = after[members[0]!]![i]!;
            expect(Math.abs(found - sum)).toBeLessThanOrEqual(members.length * 2 ** -24 * size);
          }
        }),
        { numRuns: 30 },
      );
    });

    it('leaves the same bits with every member, whatever the encoding and the order of play', async () => {
      await fc.assert(
        fc.asyncProperty(settings, fc.nat(), orders, orders, async (setting, seed, pick, other) => {
          const { worldSize, elements, ranges, members } = setting;
          const schedule = scheduleOf(collective, setting);
          const before = Array.from({ length: worldSize }, (_, rank) => noise(elements, seed + rank));
          const ends = [await played(schedule, before, pick), await played(schedule, before, other)];
          const [first, ...rest] = ends.flatMap((after) =>
            members.map((member) =>
              bits(after[member]!.filter((_, i) => indicesOf(ranges).includes(i))).toString('hex'),
            ),
          );
          for (const one of rest) expect(one).toBe(first);
        }),
        { numRuns: 60 },
      );
    });
  });
}
