/**
 * The simulator against cases small enough to work out by hand, then against bounds that hold for any. Link
 * rates are chosen so that one slice takes one second; acknowledgements are left out except where told.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { FLOAT32 } from '../../src/compression/index.js';
import { RunError } from '../../src/errors.js';
import type { Operation, Schedule } from '../../src/schedule/operation.js';
import type { TimedOperation } from '../../src/schedule/timed.js';
import { simulate, type SimulationOptions } from '../../src/simulation/index.js';
import { wireBytes } from '../../src/transport/framing.js';
import { handPart, handSchedule, requestFor } from '../support/request.js';
import { evenTopology, topologyWith } from './topologies.js';

/** bit/s at which a slice of one element takes a second. */
const ONE = 8 * wireBytes(4, { tls: false, mtu: 1500 });
const options = { pace: 10, tls: false, segmentsPerAck: Infinity };

/** Two elements on two ranks: each sends one slice, then another. */
const pair = (round = 0): Schedule =>
  compileRound(requestFor({ kind: 'ddp', slice: 4 }, { parameterCount: 2, round }));

/** A schedule of hand-written parts, each operation without what follows from its place. */
function schedule(
  ...parts: (readonly [kind: 'send' | 'recv', peer: number, after?: number[]])[][]
): Schedule {
  return handSchedule(
    ...parts.map((operations) =>
      operations.map(([kind, peer, after = []], id): Operation => {
        const sequence = operations
          .slice(0, id)
          .filter((other) => other[0] === kind && other[1] === peer).length;
        const slice = { buffer: 'reduction', offset: 0, length: 1, encoding: FLOAT32, bytes: 4 } as const;
        const base = { ...slice, id, after, peer, sequence };
        return kind === 'send'
          ? { ...base, kind, stream: `send:${peer}`, settle: false }
          : { ...base, kind, stream: `recv:${peer}`, into: 'copy' };
      }),
    ),
  );
}

/** "kind start-end" of one rank's operations, in order of their starts. */
function times(timed: readonly TimedOperation[], rank: number, round = 0): string[] {
  return timed
    .filter((played) => played.rank === rank && played.round === round)
    .sort((a, b) => a.start - b.start)
    .map(({ operation, start, end }) => `${operation.kind} ${+start.toFixed(6)}-${+end.toFixed(6)}`);
}

describe('simulate, by hand', () => {
  it('delays a slice by its uplink and its path; a faster downlink adds nothing', () => {
    const topology = evenTopology(2, { uplink: ONE, downlink: 2 * ONE }, 0.25);
    const timed = simulate([pair(0), pair(1)], { ...options, topology });
    const first = ['compute 0-10', 'send 10-11', 'recv 10.25-11.25', 'send 11.25-12.25', 'recv 11.5-12.5'];
    expect(times(timed, 0)).toEqual([...first, 'outer 12.5-12.5']);
    expect(times(timed, 1)).toEqual([...first, 'outer 12.5-12.5']);
    expect(times(timed, 0, 1)).toEqual([
      'compute 12.5-22.5',
      'send 22.5-23.5',
      'recv 22.75-23.75',
      'send 23.75-24.75',
      'recv 24-25',
      'outer 25-25',
    ]);
  });

  it('waits for a downlink slower than the uplink', () => {
    const topology = evenTopology(2, { uplink: ONE, downlink: ONE / 2 }, 0.25);
    expect(times(simulate([pair()], { ...options, topology }), 0)).toEqual([
      'compute 0-10',
      'send 10-11',
      'recv 10.25-12.25',
      'send 12.25-13.25',
      'recv 12.5-14.5',
      'outer 14.5-14.5',
    ]);
  });

  it('books acknowledgements on the uplink of the receiver', () => {
    const topology = evenTopology(2, { uplink: ONE, downlink: ONE }, 0.25);
    const timed = simulate([pair()], { ...options, topology, segmentsPerAck: 1 });
    const ack = (8 * 66) / ONE;
    expect(times(timed, 0)[3]).toBe(`send ${+(11 + ack).toFixed(6)}-${+(12 + ack).toFixed(6)}`);
  });

  it('gives the uplink to streams in the order in which they ask', () => {
    const topology = evenTopology(3, { uplink: ONE, downlink: ONE }, 0.5);
    const fan = schedule(
      [
        ['send', 2],
        ['send', 1],
        ['send', 1],
      ],
      [
        ['recv', 0],
        ['recv', 0],
      ],
      [['recv', 0]],
    );
    const timed = simulate([fan], { ...options, topology });
    // The second send to 1 asks only when the first has left, after the send to 2.
    expect(times(timed, 0)).toEqual(['send 0-1', 'send 1-2', 'send 2-3']);
    expect(times(timed, 1)).toEqual(['recv 1.5-2.5', 'recv 2.5-3.5']);
    expect(times(timed, 2)).toEqual(['recv 0.5-1.5']);
  });

  it('shares a downlink between two senders', () => {
    const meet = schedule(
      [
        ['recv', 1],
        ['recv', 2],
      ],
      [['send', 0]],
      [['send', 0]],
    );
    const ends = (downlink: number) => {
      const topology = evenTopology(3, { uplink: ONE, downlink }, 0.5);
      return simulate([meet], { ...options, topology })
        .slice(0, 2)
        .map(({ end }) => end);
    };
    expect(ends(ONE)).toEqual([1.5, 2.5]);
    expect(ends(2 * ONE)).toEqual([1.5, 1.5]);
  });

  it('keeps what came early until it is asked for, also from a peer that is rounds ahead', () => {
    const part = schedule([['send', 1]], [['recv', 0]]);
    const work: Operation = {
      id: 0,
      kind: 'compute',
      stream: 'compute',
      after: [],
      work: 'gradient',
      firstStep: 0,
      steps: 1,
      contribution: [],
    };
    const late: Schedule = {
      ...part,
      parts: part.parts.map((own) =>
        own.rank === 0
          ? own
          : handPart(1, [work, ...own.operations.map((operation) => ({ ...operation, id: 1, after: [0] }))]),
      ),
    };
    const topology = evenTopology(2, { uplink: ONE, downlink: ONE }, 0.5);
    const timed = simulate([late, { ...late, round: 1 }], { ...options, topology });
    expect([...times(timed, 0), ...times(timed, 0, 1)]).toEqual(['send 0-1', 'send 1-2']);
    expect([...times(timed, 1), ...times(timed, 1, 1)]).toEqual([
      'compute 0-10',
      'recv 10-10',
      'compute 10-20',
      'recv 20-20',
    ]);
  });

  it('takes the time of an outer step, and keeps the numbers of the rounds', () => {
    const topology = evenTopology(2, { uplink: ONE, downlink: ONE }, 0);
    const timed = simulate([pair(7)], { ...options, topology, outerSeconds: 3 });
    expect(times(timed, 1, 7).at(-1)).toBe('outer 12-15');
  });

  it('says which operation never starts, and refuses another number of nodes', () => {
    const topology = evenTopology(2, { uplink: ONE, downlink: ONE }, 0);
    const stuck = schedule(
      [
        ['recv', 1],
        ['send', 1, [0]],
      ],
      [
        ['recv', 0],
        ['send', 0, [0]],
      ],
    );
    const play = () => simulate([stuck], { ...options, topology });
    expect(play).toThrow(RunError);
    expect(play).toThrow(/round 0 .* operation 0 of rank 0 never starts/);
    const three = evenTopology(3, { uplink: ONE, downlink: ONE }, 0);
    expect(() => simulate([pair()], { ...options, topology: three })).toThrow(RangeError);
  });
});

describe('simulate, in bounds', () => {
  const access = fc.record({
    uplink: fc.integer({ min: 1, max: 100 }).map((mbit) => mbit * 1e6),
    downlink: fc.integer({ min: 1, max: 100 }).map((mbit) => mbit * 1e6),
  });
  const meshes = fc.record({
    nodes: fc.array(access, { minLength: 2, maxLength: 9 }),
    delays: fc.array(fc.double({ min: 0, max: 0.2, noNaN: true }), { minLength: 7, maxLength: 7 }),
    elements: fc.integer({ min: 1, max: 20_000 }),
    slice: fc.integer({ min: 2_000, max: 65_536 }),
    tls: fc.boolean(),
  });

  it('never beats a link, a path or a dependency, and repeats itself exactly', () => {
    fc.assert(
      fc.property(meshes, ({ nodes, delays, elements, slice, tls }) => {
        const topology = topologyWith(nodes, (from, to) => delays[(3 * from + to) % 7] ?? 0);
        const schedules = [0, 1, 2].map((round) =>
          compileRound(
            requestFor({ kind: 'ddp', slice }, { worldSize: nodes.length, parameterCount: elements, round }),
          ),
        );
        const all: SimulationOptions = { topology, pace: 0.5, tls };
        const timed = simulate(schedules, all);
        expect(timed).toHaveLength(
          schedules.flatMap(({ parts }) => parts.flatMap((part) => part.operations)).length,
        );
        expect(simulate(schedules, all)).toEqual(timed);
        expect(violations(timed, all)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('pipelines slices around the ring: time close to that of the bytes alone', () => {
    const [worldSize, elements, slice, uplink, delay] = [8, 400_000, 16_384, 50e6, 0.03];
    const topology = evenTopology(worldSize, { uplink, downlink: uplink }, delay);
    const round = compileRound(requestFor({ kind: 'ddp', slice }, { worldSize, parameterCount: elements }));
    const timed = simulate([round], { topology, pace: 1, tls: true, segmentsPerAck: Infinity });
    const seconds = Math.max(...timed.map(({ end }) => end)) - 1;
    const framing = { tls: true, mtu: 1500 };
    const sends = round.parts[0]?.operations.filter(({ kind }) => kind === 'send') ?? [];
    const serial = sends.reduce(
      (sum, send) => sum + ('bytes' in send ? wireBytes(send.bytes, framing) : 0),
      0,
    );
    const least = (8 * serial) / uplink;
    const oneSlice = (8 * wireBytes(slice, framing)) / uplink;
    expect(seconds).toBeGreaterThanOrEqual((least + delay) * (1 - 1e-9));
    // A chunk outlasts the path's delay, so only the last hop's delay shows, and a slice here and there.
    expect(seconds).toBeLessThan(least + delay + worldSize * oneSlice);
  });
});

/** What a timeline must not do, in words. */
function violations(timed: readonly TimedOperation[], { topology, tls }: SimulationOptions): string[] {
  const slack = 1e-9;
  const found: string[] = [];
  const at = new Map(
    timed.map((played) => [`${played.round} ${played.rank} ${played.operation.id}`, played]),
  );
  const sends = new Map<string, TimedOperation>();
  const uplinks = topology.nodes.map((): TimedOperation[] => []);
  for (const played of timed) {
    const { round, rank, operation, start, end } = played;
    for (const before of operation.after) {
      const ended = at.get(`${round} ${rank} ${before}`)?.end ?? Infinity;
      if (end < ended - slack) found.push(`${rank}/${operation.id} ends before ${before} has`);
      if (operation.kind !== 'recv' && start < ended - slack)
        found.push(`${rank}/${operation.id} starts early`);
    }
    if (operation.kind !== 'send') continue;
    sends.set(`${round} ${rank} ${operation.peer} ${operation.sequence}`, played);
    uplinks[rank]?.push(played);
    const seconds =
      (8 * wireBytes(operation.bytes, { tls, mtu: topology.mtu })) / (topology.nodes[rank]?.uplink ?? 0);
    if (Math.abs(end - start - seconds) > slack)
      found.push(`${rank}/${operation.id} is not at the rate of its uplink`);
  }
  for (const { round, rank, operation, end } of timed) {
    if (operation.kind !== 'recv') continue;
    const send = sends.get(`${round} ${operation.peer} ${rank} ${operation.sequence}`);
    const delay = topology.paths[operation.peer]?.[rank]?.delay ?? Infinity;
    if (!send || end < send.end + delay - slack)
      found.push(`${rank}/${operation.id} ends before its last byte came`);
  }
  for (const [rank, own] of uplinks.entries()) {
    const inOrder = own.toSorted((a, b) => a.start - b.start);
    for (const [i, { start }] of inOrder.entries()) {
      if (i > 0 && start < (inOrder[i - 1]?.end ?? 0) - slack)
        found.push(`uplink ${rank} sends two slices at once`);
    }
  }
  return found;
}
