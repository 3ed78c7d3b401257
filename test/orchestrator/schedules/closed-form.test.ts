/** The bytes of compiled rounds against the closed forms, over protocols, collectives, compressions and sizes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closedFormOf, compileRound, type RoundRequest } from '../../../orchestrator/schedules/index.js';
import { collectiveName, type CollectiveName } from '../../../src/scenario/protocol-schema.js';
import type { ModelShape } from '../../../src/scenario/schema.js';
import { bytesPerRank } from '../../../src/schedule/bytes.js';
import type { Schedule } from '../../../src/schedule/operation.js';
import { parameterCount } from '../../../src/training/index.js';
import { requestFor } from '../../support/request.js';

const dense = fc.constantFrom(
  { kind: 'none' as const },
  { kind: 'float16' as const },
  { kind: 'int8' as const },
  { kind: 'int8-blockwise' as const, block: 16, errorFeedback: true },
  { kind: 'e3m0' as const, block: 32 },
);
const sparse = fc.constantFrom(
  { kind: 'top-k' as const, chunk: 64, keep: 4 },
  { kind: 'dct-sign' as const, chunk: 64, keep: 8 },
);
const collectives = fc.constantFrom(...collectiveName.def.innerType.options);
const worlds = fc.integer({ min: 2, max: 17 });
const slices = fc.integer({ min: 256, max: 4096 });
const small: ModelShape = { layers: 4, width: 8, heads: 2, context: 8 };

/** A few regions, drawn again for each rank. */
const regionsFor = (worldSize: number) =>
  fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: worldSize, maxLength: worldSize });

/**
 * How far a rank's own bytes may be off: an element and a scale for each message; and where shares are not the chunks
 * that slices were cut for, two slices for each meeting or trip.
 */
function roundingOf(schedule: Schedule, collective: CollectiveName, rank: number): number {
  const sends = schedule.parts[rank]!.operations.filter((one) => one.kind === 'send');
  const largest = Math.max(0, ...sends.map(({ bytes }) => bytes));
  const shares =
    { 'halving-doubling': 2 * Math.log2(17) + 2, hierarchical: 2 * 3 }[collective as string] ?? 0;
  return 8 * sends.length + 2 * shares * largest;
}

const total = (bytes: readonly number[]): number => bytes.reduce((sum, one) => sum + one, 0);

/** Exactly in total, each rank within a rounding. */
function expectClosedForm(request: RoundRequest, collective: CollectiveName): void {
  const schedule = compileRound(request);
  const sent = bytesPerRank(schedule).map(({ sentBytes }) => sentBytes);
  const { bytesByRank } = closedFormOf(request);
  expect(total(bytesByRank)).toBeCloseTo(total(sent), 4);
  for (const [rank, bytes] of sent.entries())
    expect(Math.abs(bytes - bytesByRank[rank]!)).toBeLessThanOrEqual(roundingOf(schedule, collective, rank));
}

describe('closedFormOf', () => {
  it('of a dense exchange is what its ranks send: exactly in total, each within a rounding', () => {
    const cases = worlds.chain((worldSize) =>
      fc.record({
        worldSize: fc.constant(worldSize),
        regions: regionsFor(worldSize),
        collective: collectives,
        compression: dense,
        slice: slices,
        kind: fc.constantFrom('ddp' as const, 'diloco' as const),
        length: fc.integer({ min: 1, max: 3000 }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ worldSize, regions, collective, compression, slice, kind, length }) => {
        const common = { collective, compression, slice };
        const given = { worldSize, regions, parameterCount: length };
        const request =
          kind === 'ddp'
            ? requestFor({ kind, ...common }, given)
            : requestFor({ kind, innerSteps: 2, ...common }, given);
        expectClosedForm(request, collective);
      }),
      { numRuns: 150 },
    );
  });

  const exact = (request: ReturnType<typeof requestFor>) => {
    const sent = bytesPerRank(compileRound(request)).map(({ sentBytes }) => sentBytes);
    const { bytesByRank } = closedFormOf(request);
    for (const [rank, bytes] of sent.entries()) expect(bytesByRank[rank]).toBeCloseTo(bytes, 4);
  };

  it('is exact for a parameter server, for sparse contributions, for gossip and for an object store', () => {
    const server = { kind: 'ddp', collective: 'parameter-server' } as const;
    fc.assert(
      fc.property(worlds, dense, sparse, slices, fc.nat(9), (worldSize, compression, kept, slice, round) => {
        const given = { worldSize, round, model: small, parameterCount: parameterCount(small) };
        exact(requestFor({ ...server, compression, slice }, given));
        exact(requestFor({ kind: 'ddp', compression: kept, slice }, given));
        exact(requestFor({ kind: 'noloco', innerSteps: 2, compression, slice }, given));
        const store = { kind: 'object-store', innerSteps: 2, windowSteps: 3, gather: 2 } as const;
        exact(requestFor({ ...store, compression: kept }, given));
      }),
      { numRuns: 30 },
    );
  });

  it('of an overlapped DiLoCo is that of DiLoCo, once there is something to exchange', () => {
    const eager = requestFor({ kind: 'diloco', innerSteps: 2, overlap: 'eager' }, { worldSize: 4 });
    expect(total(closedFormOf(eager).bytesByRank)).toBe(0);
    const later = closedFormOf({ ...eager, round: 1 });
    expect(later).toEqual(closedFormOf(requestFor({ kind: 'diloco', innerSteps: 2 }, { worldSize: 4 })));
  });

  it('of Streaming DiLoCo is what its ranks send in a round', () => {
    fc.assert(
      fc.property(worlds, dense, fc.integer({ min: 1, max: 4 }), (worldSize, compression, fragments) => {
        const request = requestFor(
          { kind: 'streaming', innerSteps: 8, fragments, delay: 1, compression, slice: 512 },
          { worldSize, model: small },
        );
        expectClosedForm(request, 'ring');
      }),
      { numRuns: 40 },
    );
  });

  it('of a pipeline is what its ranks send in a round', () => {
    const cases = fc.record({
      stages: fc.integer({ min: 2, max: 4 }),
      replicas: fc.integer({ min: 1, max: 3 }),
      schedule: fc.constantFrom('gpipe' as const, '1f1b' as const, 'zb-h1' as const, 'interleaved' as const),
      activations: fc.constantFrom(
        { kind: 'none' as const },
        { kind: 'int8' as const },
        { kind: 'subspace' as const, rank: 4 },
      ),
      diloco: fc.boolean(),
      compression: dense,
    });
    fc.assert(
      fc.property(cases, ({ stages: drawn, replicas, schedule, activations, diloco, compression }) => {
        const [stages, chunks] = schedule === 'interleaved' ? [2, 2] : [drawn, 1];
        const request = requestFor(
          {
            ...{ kind: 'pipeline', schedule, stages, chunks, microbatches: 4, activations, compression },
            innerSteps: 3,
            ...(diloco ? { outer: {} } : {}),
          },
          { worldSize: stages * replicas, model: small },
        );
        expectClosedForm(request, 'ring');
      }),
      { numRuns: 40 },
    );
  });

  it('says the formula', () => {
    const textOf = (request: RoundRequest) => closedFormOf(request).text;
    expect(textOf(requestFor({ kind: 'ddp' }))).toBe('2·V·(N−1)/N');
    const compression = { kind: 'int8' } as const;
    expect(textOf(requestFor({ kind: 'ddp', compression }))).toBe('2·V·(N−1)/N, V as int8');
    const collective = 'halving-doubling';
    expect(textOf(requestFor({ kind: 'ddp', collective }, { worldSize: 6 }))).toContain('P = 4');
    const gossip = { kind: 'noloco', innerSteps: 3 } as const;
    expect(textOf(requestFor(gossip))).toBe('2·V');
    expect(textOf(requestFor(gossip, { worldSize: 5 }))).toBe('2·V, but for one that rests');
  });
});
