import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRound, sendersInRun } from '../../../orchestrator/schedules/index.js';
import { drawPairs, peerIn } from '../../../orchestrator/schedules/pairs.js';
import { sendersOfRounds } from '../../../orchestrator/schedules/senders.js';
import { encodedBytes } from '../../../src/compression/index.js';
import { scenarioSchema } from '../../../src/scenario/schema.js';
import { bytesPerRank } from '../../../src/schedule/bytes.js';
import { problemsOf } from '../../../src/schedule/check.js';
import { playRound, type Trainer } from '../../../src/schedule/reference.js';
import { allocateReplica } from '../../../src/training/index.js';
import { bits, noise } from '../collectives/playing.js';
import { referenceOf } from '../../support/reference.js';
import { requestFor, type PartialProtocol } from '../../support/request.js';

const worlds = fc.integer({ min: 2, max: 17 });
const seeds = fc.nat();
const compressions = fc.constantFrom(
  { kind: 'none' as const },
  { kind: 'float16' as const },
  { kind: 'int8' as const, rounding: 'stochastic' as const },
  { kind: 'int8' as const, errorFeedback: true },
);

const protocol = (given: Partial<PartialProtocol<'noloco'>> = {}): PartialProtocol<'noloco'> => ({
  kind: 'noloco',
  innerSteps: 5,
  slice: 64,
  ...given,
});

describe('drawPairs', () => {
  it('pairs every rank once, but for one of an odd number, the same for the same seed and round', () => {
    fc.assert(
      fc.property(worlds, seeds, fc.nat(1000), (worldSize, seed, round) => {
        const pairs = drawPairs(worldSize, seed, round);
        expect(pairs).toHaveLength(Math.floor(worldSize / 2));
        expect(new Set(pairs.flat()).size).toBe(2 * pairs.length);
        for (const rank of pairs.flat()) expect(rank).toBeGreaterThanOrEqual(0);
        for (const rank of pairs.flat()) expect(rank).toBeLessThan(worldSize);
        for (const [a, b] of pairs) expect([peerIn(pairs, a), peerIn(pairs, b)]).toEqual([b, a]);
        expect(drawPairs(worldSize, seed, round)).toEqual(pairs);
      }),
    );
  });

  it('draws all pairings about equally often', () => {
    const ROUNDS = 3000;
    const counts = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const drawn = drawPairs(4, 1, round).map((pair) => [...pair].sort().join('-'));
      const key = drawn.sort().join(' ');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['0-1 2-3', '0-2 1-3', '0-3 1-2']);
    // Four standard deviations of a binomial count with p = 1/3.
    for (const count of counts.values())
      expect(Math.abs(count - ROUNDS / 3)).toBeLessThan(4 * Math.sqrt((ROUNDS * 2) / 9));
  });
});

describe('a NoLoCo round', () => {
  it('is sound; who meets sends both buffers once, compressed but for the anchor; who rests sends nothing', () => {
    fc.assert(
      fc.property(
        worlds,
        seeds,
        compressions,
        fc.integer({ min: 1, max: 300 }),
        (worldSize, seed, compression, length) => {
          const request = requestFor(protocol({ compression }), { worldSize, seed, parameterCount: length });
          const schedule = compileRound(request);
          expect(problemsOf(schedule)).toEqual([]);
          const met = drawPairs(worldSize, seed, 0).flat();
          for (const { rank, sentBytes, receivedBytes } of bytesPerRank(schedule)) {
            const { operations } = schedule.parts[rank]!;
            const expected = operations.reduce(
              (sum, one) =>
                one.kind === 'send' && one.buffer === 'anchor'
                  ? sum + 4 * one.length + encodedBytes(encodingOfSums(operations), one.length)
                  : sum,
              0,
            );
            expect([sentBytes, receivedBytes]).toEqual([expected, expected]);
            expect(expected > 0).toBe(met.includes(rank));
            expect(operations.at(-1)).toMatchObject({
              kind: 'outer',
              update: { optimizer: 'noloco', learningRate: 0.7, momentum: 0.5, pull: 0.7 },
              contributors: met.includes(rank) ? 2 : 1,
            });
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('leaves the sum, the same bits for both, and the peer’s anchor, in whatever order it is played', async () => {
    const orders = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(worlds, seeds, compressions, orders, async (worldSize, seed, compression, order) => {
        const length = 50;
        const request = requestFor(protocol({ compression }), { worldSize, seed, parameterCount: length });
        const replicas = Array.from({ length: worldSize }, () => allocateReplica(length));
        const own = replicas.map((_, rank) => noise(length, seed + rank));
        const given = own.map((values) => values);
        replicas.forEach(({ anchor }, rank) => anchor.set(noise(length, 99 + seed + rank)));
        const trainer: Trainer = {
          seed,
          buffers: ({ rank }) => replicas[rank]!,
          work(rank, _, { kind }) {
            if (kind === 'compute') replicas[rank]!.reduction.set(own[rank]!);
            // Stands for what is compressed away.
            if (kind === 'compress') {
              replicas[rank]!.reduction.fill(rank);
              given[rank] = replicas[rank]!.reduction.slice();
            }
          },
        };
        const pick = (count: number) => Math.floor(Number(order.next().value) * count);
        await playRound(compileRound(request), trainer, { pick });
        for (const [a, b] of drawPairs(worldSize, seed, 0)) {
          const [first, second] = [replicas[a]!, replicas[b]!];
          expect(bits(first.reduction)).toEqual(bits(second.reduction));
          expect(bits(first.exchange)).toEqual(bits(second.anchor));
          expect(bits(second.exchange)).toEqual(bits(first.anchor));
          if (compression.kind !== 'none') continue;
          expect(bits(first.reduction)).toEqual(bits(given[a]!.map((value, i) => value + given[b]![i]!)));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('says beforehand whom a rank will meet in a whole run', () => {
    fc.assert(
      fc.property(worlds, seeds, fc.integer({ min: 1, max: 12 }), (worldSize, seed, rounds) => {
        const request = requestFor(protocol(), { worldSize, seed, parameterCount: 3 });
        const met = sendersOfRounds(rounds, (round) => compileRound({ ...request, round }));
        expect(sendersInRun(request, rounds)).toEqual(met);
      }),
      { numRuns: 30 },
    );
  });
});

describe('training by NoLoCo', () => {
  const scenarioOf = (count: number, given: object = {}) =>
    scenarioSchema.parse({
      name: 'small',
      rounds: 6,
      protocol: { kind: 'noloco', innerSteps: 4, ...given },
      pace: '10 ms',
      training: { inner: { learningRate: 0.005 } },
      model: { layers: 1, width: 32, heads: 2, context: 16 },
      nodes: [{ region: 'us-east', uplink: '10 Mbit/s', count }],
    });

  it.each([
    ['of an even number', 4, {}],
    ['with 8-bit pseudo-gradients', 4, { compression: { kind: 'int8', errorFeedback: true } }],
  ])('lowers the held-out loss %s', async (_, count, given) => {
    const { initialLoss, finalLoss } = await referenceOf(scenarioOf(count, given));
    expect(finalLoss).toBeLessThan(initialLoss - 0.5);
  });

  it('lowers it of an odd number too, and the same way each time', async () => {
    const scenario = scenarioOf(3);
    const [first, again] = [await referenceOf(scenario), await referenceOf(scenario)];
    expect(again).toEqual(first);
    expect(first.finalLoss).toBeLessThan(first.initialLoss - 0.5);
  });
});

function encodingOfSums(operations: ReturnType<typeof compileRound>['parts'][number]['operations']) {
  const sum = operations.find((one) => one.kind === 'recv' && one.into === 'sum');
  if (sum?.kind !== 'recv') throw new Error('nothing is summed');
  return sum.encoding;
}
