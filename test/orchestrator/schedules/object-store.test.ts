/** Rounds through an object store: sound for any mesh, right in bytes, the same choice for all, and they train. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chosenOwners } from '../../../orchestrator/schedules/object-store.js';
import { compileRound } from '../../../orchestrator/schedules/index.js';
import { encodedBytes } from '../../../src/compression/index.js';
import { scenarioSchema, type Scenario } from '../../../src/scenario/schema.js';
import { bytesPerPair, bytesPerRank } from '../../../src/schedule/bytes.js';
import { problemsOf } from '../../../src/schedule/check.js';
import { topologicalOrder } from '../../../src/schedule/graph.js';
import type { Operation, Schedule } from '../../../src/schedule/operation.js';
import { parameterLayout } from '../../../src/training/model.js';
import { Random } from '../../../src/random.js';
import { referenceOf } from '../../support/reference.js';
import { requestFor } from '../../support/request.js';

const MODEL = { layers: 1, width: 8, heads: 1, context: 4 };
const compressions = [
  { kind: 'none' },
  { kind: 'int8', errorFeedback: true },
  { kind: 'top-k', chunk: 64, keep: 4 },
] as const;

const meshes = fc.record({
  worldSize: fc.integer({ min: 2, max: 9 }),
  gather: fc.integer({ min: 1, max: 12 }),
  round: fc.nat(1000),
  seed: fc.nat(1000),
  compression: fc.constantFrom(...compressions),
});

type Mesh = typeof meshes extends fc.Arbitrary<infer T> ? T : never;

const roundOf = ({ worldSize, gather, round, seed, compression }: Mesh): Schedule =>
  compileRound(
    requestFor(
      { kind: 'object-store', innerSteps: 2, windowSteps: 4, gather, compression },
      { worldSize, model: MODEL, round, seed },
    ),
  );

const only = <K extends Operation['kind']>(operations: readonly Operation[], kind: K) =>
  operations.filter((operation): operation is Extract<Operation, { kind: K }> => operation.kind === kind);

describe('a round through the object store', () => {
  it('is sound, and every get comes after the put of what it gets, in any order that is allowed', () => {
    fc.assert(
      fc.property(meshes, (mesh) => {
        const schedule = roundOf(mesh);
        expect(problemsOf(schedule)).toEqual([]);
        const random = new Random(mesh.seed, 'order');
        const put = new Set<number>();
        for (const { operation } of topologicalOrder(schedule, (count) => random.integer(count))) {
          if (operation.kind === 'put') put.add(operation.owner);
          if (operation.kind === 'get') expect(put).toContain(operation.owner);
        }
      }),
    );
  });

  it('moves one object up from each rank, and down to it those of the others that were chosen', () => {
    fc.assert(
      fc.property(meshes, (mesh) => {
        const schedule = roundOf(mesh);
        const { worldSize, gather } = mesh;
        const chosen = chosenOwners(mesh);
        for (const { rank, operations } of schedule.parts) {
          const [put] = only(operations, 'put');
          const gets = only(operations, 'get');
          const { encoding } = only(operations, 'compress')[0]!;
          const sizes = parameterLayout(MODEL).map(({ length }) => encodedBytes(encoding, length));
          const bytes = sizes.reduce((a, b) => a + b);
          expect(put).toMatchObject({ owner: rank, round: mesh.round, bytes });
          expect(gets.map(({ owner }) => owner)).toEqual(chosen.filter((owner) => owner !== rank));
          expect(gets.length).toBeLessThanOrEqual(gather);
          expect(bytesPerRank(schedule)[rank]).toMatchObject({
            sentBytes: bytes,
            receivedBytes: gets.length * bytes,
          });
          // The sum is taken in order of ranks, of contributions that lie apart.
          const { slots } = only(operations, 'aggregate')[0]!;
          const slotOf = (owner: number) =>
            owner === rank ? put?.slot : gets.find((get) => get.owner === owner)?.slot;
          expect(slots).toEqual(chosen.map(slotOf));
          expect(new Set([put?.slot, ...slots]).size).toBe(1 + gets.length);
          expect(only(operations, 'outer')[0]).toMatchObject({ contributors: chosen.length });
        }
        // Stars only: whatever moves, the store is at one end.
        for (const { from, to } of bytesPerPair(schedule)) expect([from, to]).toContain(worldSize);
      }),
    );
  });

  it('begins to download when the window is over, and not before', () => {
    const { parts } = roundOf({ worldSize: 3, gather: 2, round: 0, seed: 1, compression: compressions[0] });
    for (const { operations } of parts) {
      const [wait] = only(operations, 'wait');
      expect(wait).toMatchObject({ paces: 4 });
      for (const { after } of only(operations, 'get')) expect(after).toEqual([wait?.id]);
      expect(only(operations, 'put')[0]?.after).not.toContain(wait?.id);
    }
  });
});

describe('whose objects count', () => {
  it('is everybody, or as many as a node may get: different ranks each time, the same for the same seed', () => {
    fc.assert(
      fc.property(meshes, (mesh) => {
        const chosen = chosenOwners(mesh);
        expect(chosen).toHaveLength(mesh.gather >= mesh.worldSize - 1 ? mesh.worldSize : mesh.gather);
        expect(chosen).toEqual([...new Set(chosen)].sort((a, b) => a - b));
        expect(chosen).toEqual(chosenOwners(mesh));
        for (const rank of chosen) expect(rank).toBeLessThan(mesh.worldSize);
      }),
    );
  });

  it('comes round to all alike', () => {
    const [worldSize, gather, rounds] = [8, 3, 4000];
    const counts = new Array<number>(worldSize).fill(0);
    for (let round = 0; round < rounds; round++)
      for (const rank of chosenOwners({ worldSize, gather, seed: 1, round })) counts[rank]!++;
    const expected = (rounds * gather) / worldSize;
    // Binomial, with a deviation of 31; a draw that leaves somebody out is off by hundreds.
    for (const count of counts) expect(Math.abs(count - expected)).toBeLessThan(5 * 31);
  });
});

describe('training through the object store', () => {
  const scenarioOf = (protocol: object): Scenario =>
    scenarioSchema.parse({
      name: 'small',
      rounds: 6,
      protocol: { kind: 'object-store', innerSteps: 4, windowSteps: 5, gather: 3, ...protocol },
      pace: '10 ms',
      model: { layers: 1, width: 32, heads: 2, context: 16 },
      nodes: [{ region: 'us-east', uplink: '10 Mbit/s', count: 4 }],
    });

  it.each([
    ['uncompressed', { compression: { kind: 'none' } }],
    ['as SparseLoCo does', { compression: { kind: 'top-k', chunk: 1024, keep: 64 } }],
    ['of two of four', { gather: 2, compression: { kind: 'int8-blockwise', errorFeedback: true } }],
  ])('%s: lowers the loss, and all ranks end alike', async (_, protocol) => {
    // Ranks that end unlike are an error of the reference.
    const { initialLoss, finalLoss, weightsSha256 } = await referenceOf(scenarioOf(protocol));
    expect(finalLoss).toBeLessThan(initialLoss - 0.3);
    expect(weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('with everybody is DiLoCo, but for the order of the sum', async () => {
    const outer = { learningRate: 0.7, momentum: 0.9 };
    const through = await referenceOf(scenarioOf({ outer, compression: { kind: 'none' } }));
    const { finalLoss } = await referenceOf({
      ...scenarioOf({}),
      protocol: scenarioSchema.shape.protocol.parse({ kind: 'diloco', innerSteps: 4, outer }),
    });
    expect(Math.abs(through.finalLoss / finalLoss - 1)).toBeLessThan(1e-3);
  });
});
