/** Streaming DiLoCo's schedules: when what is exchanged, and that the device need not wait for it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRound, holdingsOf } from '../../../orchestrator/schedules/index.js';
import { stopsOf } from '../../../orchestrator/schedules/streaming.js';
import { bytesPerRank } from '../../../src/schedule/bytes.js';
import { problemsOf } from '../../../src/schedule/check.js';
import type { Operation, Schedule } from '../../../src/schedule/operation.js';
import { simulate } from '../../../src/simulation/index.js';
import { fragmentRanges } from '../../../src/training/fragments.js';
import { races } from '../../support/accesses.js';
import { requestFor } from '../../support/request.js';
import { evenTopology } from '../../simulation/topologies.js';

const shapeOf = (layers: number) => ({ layers, width: 2, heads: 1, context: 2 });

/** H, P and τ that a scenario may have. */
const timings = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(), fc.nat())
  .map(([innerSteps, someFragments, someDelay]) => {
    const fragments = 1 + (someFragments % Math.min(innerSteps, 6));
    return { innerSteps, fragments, delay: someDelay % (Math.floor(innerSteps / fragments) + 1) };
  });

const requests = fc
  .record({
    timing: timings,
    moreLayers: fc.nat(3),
    worldSize: fc.integer({ min: 1, max: 5 }),
    pattern: fc.constantFrom('strided' as const, 'sequential' as const),
    slice: fc.integer({ min: 64, max: 2000 }),
    round: fc.nat(1000),
  })
  .map(({ timing, moreLayers, worldSize, pattern, slice, round }) =>
    requestFor(
      { kind: 'streaming', ...timing, pattern, slice },
      { worldSize, round, model: shapeOf(timing.fragments + moreLayers) },
    ),
  );

const computes = (operations: readonly Operation[]) =>
  operations.flatMap((operation) => (operation.kind === 'compute' ? [operation] : []));
const outers = (operations: readonly Operation[]) =>
  operations.flatMap((operation) => (operation.kind === 'outer' ? [operation] : []));

describe('the stops of a round', () => {
  it('are where a fragment starts, and τ steps later where it is merged', () => {
    expect(stopsOf({ innerSteps: 8, fragments: 2, delay: 1 })).toEqual([
      { at: 3, starts: [0], merges: [] },
      { at: 4, starts: [], merges: [0] },
      { at: 7, starts: [1], merges: [] },
      { at: 8, starts: [], merges: [1] },
    ]);
    // As late as it may be: each starts as the one before it is merged.
    expect(stopsOf({ innerSteps: 6, fragments: 3, delay: 2 })).toEqual([
      { at: 0, starts: [0], merges: [] },
      { at: 2, starts: [1], merges: [0] },
      { at: 4, starts: [2], merges: [1] },
      { at: 6, starts: [], merges: [2] },
    ]);
    expect(stopsOf({ innerSteps: 5, fragments: 1, delay: 0 })).toEqual([{ at: 5, starts: [0], merges: [0] }]);
  });

  it('give each fragment its turn, one under way at a time, the last one merged at the end', () => {
    fc.assert(
      fc.property(timings, (timing) => {
        const stops = stopsOf(timing);
        const { innerSteps, fragments, delay } = timing;
        const stepOf = (which: 'starts' | 'merges', fragment: number) =>
          stops.filter((stop) => stop[which].includes(fragment)).map(({ at }) => at);
        for (let fragment = 0; fragment < fragments; fragment++) {
          const [start] = stepOf('starts', fragment);
          expect(stepOf('starts', fragment)).toHaveLength(1);
          expect(stepOf('merges', fragment)).toEqual([start! + delay]);
          if (fragment > 0) expect(start).toBeGreaterThanOrEqual(stepOf('merges', fragment - 1)[0]!);
        }
        expect(stops[0]!.at).toBeGreaterThanOrEqual(0);
        expect(stops.at(-1)).toMatchObject({ at: innerSteps, merges: [fragments - 1] });
        // Turns are as far apart as they can be where P does not divide H.
        const due = stops.filter(({ merges }) => merges.length > 0).map(({ at }) => at);
        const gaps = due.map((at, index) => at - (due[index - 1] ?? 0));
        expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a round of Streaming DiLoCo', () => {
  it('is sound, without races, and exchanges each parameter once: 2·V·(N-1) over all ranks', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const schedule = compileRound(request);
        expect(problemsOf(schedule)).toEqual([]);
        expect(races(schedule)).toEqual([]);
        const sent = bytesPerRank(schedule).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
        expect(sent).toBe(2 * 4 * request.parameterCount * (request.worldSize - 1));
      }),
      { numRuns: 40 },
    );
  });

  it('takes H inner steps, contributes and merges each fragment once, at its share of the outer time', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const { protocol, round, model, worldSize } = request;
        for (const { operations } of compileRound(request).parts) {
          let step = round * protocol.innerSteps;
          for (const { firstStep, steps } of computes(operations)) {
            expect(firstStep).toBe(step);
            step += steps;
          }
          expect(step).toBe((round + 1) * protocol.innerSteps);
          const fragments = fragmentRanges(model, protocol).flat();
          expect(computes(operations).flatMap(({ contribution }) => contribution)).toEqual(fragments);
          expect(outers(operations).flatMap(({ ranges }) => ranges)).toEqual(fragments);
          expect(outers(operations).reduce((sum, { cost }) => sum + cost, 0)).toBeCloseTo(1, 9);
          for (const { update, contributors } of outers(operations)) {
            expect(update).toMatchObject({ optimizer: 'nesterov', learningRate: 0.7, mix: 0.5 });
            expect(contributors).toBe(worldSize);
          }
          expect(operations.at(-1)?.kind).toBe('outer');
        }
      }),
      { numRuns: 40 },
    );
  });

  it('has the device wait for the network only where a result is merged', () => {
    fc.assert(
      fc.property(requests, (request) => {
        for (const { operations } of compileRound(request).parts) {
          for (const { kind, stream, after } of operations) {
            if (stream !== 'compute' || kind === 'outer') continue;
            expect(after.every((id) => operations[id]?.stream === 'compute')).toBe(true);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it.each(['strided', 'sequential'] as const)(
    '%s: costs no time beyond its compute if τ steps suffice for an exchange',
    (pattern) => {
      const secondsOf = (delay: number, pace: number) => {
        const rounds = [0, 1].map((round) => compileRound(delayed(delay, pattern, round)));
        const topology = evenTopology(4, { uplink: 10e6, downlink: 10e6 }, 0.03);
        const timed = simulate(rounds, { topology, pace, outerSeconds: 0.1, tls: true });
        return Math.max(...timed.map(({ end }) => end));
      };
      // An exchange takes about 0.4 s of these links; two steps take 2 s.
      expect(secondsOf(2, 1)).toBeCloseTo(2 * (8 * 1 + 0.1), 6);
      expect(secondsOf(0, 1)).toBeGreaterThan(2 * (8 * 1 + 0.1) + 4 * 0.2);
      // With steps too short for it the device waits, but for less than if nothing overlapped.
      expect(secondsOf(2, 0.1)).toBeGreaterThan(2 * (8 * 0.1 + 0.1) + 0.1);
      expect(secondsOf(2, 0.1)).toBeLessThan(secondsOf(0, 0.1));
    },
  );

  function delayed(delay: number, pattern: 'strided' | 'sequential', round: number) {
    const model = { layers: 4, width: 64, heads: 2, context: 16 };
    const protocol = {
      kind: 'streaming',
      innerSteps: 8,
      fragments: 2,
      delay,
      pattern,
      slice: 16384,
    } as const;
    return requestFor(protocol, { worldSize: 4, model, round });
  }
});

describe('what ranks hold', () => {
  const groupsOf = (fragments: number, mix: number) => {
    const protocol = { kind: 'streaming', innerSteps: 4, fragments, mix } as const;
    return holdingsOf(requestFor(protocol, { worldSize: 3, model: shapeOf(2) })).map(({ group }) => group);
  };

  it('is their own, but where all is merged whole at the end of the round', () => {
    expect(groupsOf(2, 0)).toEqual([0, 1, 2]);
    expect(groupsOf(1, 0.5)).toEqual([0, 1, 2]);
    expect(groupsOf(1, 0)).toEqual([0, 0, 0]);
  });
});

describe('DiLoCo with eager overlap', () => {
  const protocol = { kind: 'diloco', innerSteps: 5, overlap: 'eager', slice: 64 } as const;
  const rounds = [0, 1, 2].map((round) =>
    compileRound(requestFor(protocol, { worldSize: 3, parameterCount: 90, round })),
  );
  const transfers = ({ parts }: Schedule) =>
    parts.flatMap(({ operations }) => operations.filter(({ kind }) => kind === 'send' || kind === 'recv'));

  it('is sound, without races, and sends what DiLoCo does from the second round on', () => {
    const plain = compileRound(
      requestFor({ ...protocol, overlap: 'none' }, { worldSize: 3, parameterCount: 90 }),
    );
    for (const schedule of rounds) {
      expect(problemsOf(schedule)).toEqual([]);
      expect(races(schedule)).toEqual([]);
    }
    expect(transfers(rounds[0]!)).toEqual([]);
    for (const schedule of rounds.slice(1)) expect(bytesPerRank(schedule)).toEqual(bytesPerRank(plain));
  });

  it('computes beside the exchange, neither waiting for the other, and applies both', () => {
    for (const { round, parts } of rounds) {
      for (const { operations } of parts) {
        const [compute] = computes(operations);
        expect(compute).toMatchObject({ firstStep: 5 * round, steps: 5, contribution: [], after: [] });
        const after = new Set(operations.flatMap((operation) => operation.after));
        expect(after.has(compute!.id)).toBe(false);
        expect(outers(operations)).toHaveLength(1);
        expect(outers(operations)[0]).toMatchObject({
          update: { optimizer: 'eager', learningRate: 0.7, momentum: 0.9 },
          contributors: 3,
        });
      }
    }
  });

  it('takes the longer of the two, not their sum', () => {
    const topology = evenTopology(3, { uplink: 1e6, downlink: 1e6 }, 0.02);
    const secondsOf = (pace: number) => {
      const timed = simulate(rounds, { topology, pace, tls: true });
      return Math.max(...timed.map(({ end }) => end));
    };
    expect(secondsOf(1)).toBeCloseTo(15, 9);
    const exchangeAlone = secondsOf(1e-9) / 2;
    // The first round has no exchange: it takes its steps alone.
    expect(secondsOf(0.001)).toBeCloseTo(0.005 + 2 * exchangeAlone, 6);
  });

  it('leaves each replica its own weights', () => {
    expect(holdingsOf(requestFor(protocol, { worldSize: 3 })).map(({ group }) => group)).toEqual([0, 1, 2]);
  });
});
