/** All-gather: everybody's bytes come to everybody, whatever the sizes, directly or around a ring. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allGather, type GatherRequest } from '../../../orchestrator/collectives/gather.js';
import { PartBuilder } from '../../../orchestrator/schedules/part-builder.js';
import { bytesPerPair, bytesPerRank } from '../../../src/schedule/bytes.js';
import { problemsOf } from '../../../src/schedule/check.js';
import { allGatherBytes } from '../../../src/schedule/closed-form.js';
import type { Schedule } from '../../../src/schedule/operation.js';
import { playRound } from '../../../src/schedule/reference.js';
import { allocateReplica } from '../../../src/training/index.js';
import { races, stuckWithoutStorage } from './hazards.js';

interface Setting {
  readonly count: number;
  readonly bytes: number;
  readonly sliceBytes: number;
  readonly route: GatherRequest['route'];
}

const settings = fc.record({
  count: fc.integer({ min: 1, max: 9 }),
  bytes: fc.integer({ min: 1, max: 100 }),
  sliceBytes: fc.integer({ min: 7, max: 120 }),
  route: fc.constantFrom<GatherRequest['route'][]>('direct', 'ring'),
});

/** Each fills its own slot, gathers, and looks at what has come. */
function scheduleOf({ count, bytes, sliceBytes, route }: Setting): Schedule {
  const members = Array.from({ length: count }, (_, rank) => new PartBuilder(rank));
  for (const part of members) part.contribution(count * bytes);
  const slots = members.map((_, owner) => ({ offset: owner * bytes, length: bytes }));
  const encoding = { kind: 'top-k', chunk: 1, keep: 1 } as const;
  const after = members.map((part, index) => [
    part.device({
      kind: 'compress',
      after: [],
      slices: [],
      encoding,
      decay: 0,
      cost: 0,
      slot: slots[index]!.offset,
    }),
  ]);
  allGather({ members, slots, sliceBytes, route, after }).forEach((ends, index) =>
    members[index]!.device({ kind: 'aggregate', after: ends, slices: [], encoding, slots: [], cost: 0 }),
  );
  return { protocol: 'test', round: 0, worldSize: count, parts: members.map((part) => part.part()) };
}

describe('all-gather', () => {
  it('is sound, orders what touches the same bytes, and needs no storage between ranks', () => {
    fc.assert(
      fc.property(settings, (setting) => {
        const schedule = scheduleOf(setting);
        expect(problemsOf(schedule)).toEqual([]);
        expect(stuckWithoutStorage(schedule)).toBe(0);
        const others = races(schedule).filter((pair) => !/send .*, aggregate|aggregate .*, send/.test(pair));
        // Sends may go on while the sum is made: both only read.
        expect(others).toEqual([]);
      }),
    );
  });

  it('sends (N-1) times its bytes from each, in slices no larger than they may be', () => {
    fc.assert(
      fc.property(settings, (setting) => {
        const { count, bytes, sliceBytes } = setting;
        const schedule = scheduleOf(setting);
        const ranks = bytesPerRank(schedule);
        expect(ranks.map(({ sentBytes }) => sentBytes)).toEqual(allGatherBytes(bytes, count));
        expect(ranks.map(({ receivedBytes }) => receivedBytes)).toEqual(allGatherBytes(bytes, count));
        for (const { operations } of schedule.parts)
          for (const operation of operations)
            if (operation.kind === 'send') expect(operation.length).toBeLessThanOrEqual(sliceBytes);
      }),
    );
  });

  it('brings everybody the bytes of everybody', async () => {
    await fc.assert(
      fc.asyncProperty(settings, async (setting) => {
        const { count, bytes } = setting;
        const own = (rank: number) => Uint8Array.from({ length: bytes }, (_, i) => 40 * rank + i);
        const replicas = Array.from({ length: count }, () =>
          allocateReplica(1, { activationElements: 0, contributionBytes: count * bytes }),
        );
        await playRound(scheduleOf(setting), {
          seed: 1,
          buffers: ({ rank }) => replicas[rank]!,
          work(rank, _, operation) {
            const { contributions } = replicas[rank]!;
            if (operation.kind === 'compress') contributions.set(own(rank), operation.slot);
          },
        });
        const all = Buffer.concat(replicas.map((_, rank) => own(rank)));
        for (const { contributions } of replicas) expect(all.equals(contributions)).toBe(true);
      }),
    );
  });

  it('is a clique of equal flows, or a ring of them', () => {
    const flows = (route: GatherRequest['route']) =>
      bytesPerPair(scheduleOf({ count: 3, bytes: 10, sliceBytes: 4, route })).map(
        ({ from, to, bytes, messages }) => [from, to, bytes, messages],
      );
    expect(flows('direct')).toEqual([
      [0, 1, 10, 3],
      [0, 2, 10, 3],
      [1, 0, 10, 3],
      [1, 2, 10, 3],
      [2, 0, 10, 3],
      [2, 1, 10, 3],
    ]);
    expect(flows('ring')).toEqual([
      [0, 1, 20, 6],
      [1, 2, 20, 6],
      [2, 0, 20, 6],
    ]);
  });
});
