import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { forecast } from '../../orchestrator/schedules/forecast.js';
import { RunError } from '../../src/errors.js';
import type { TimedOperation } from '../../src/schedule/timed.js';
import { expectedHeartbeat, simulate } from '../../src/simulation/index.js';
import { ackBytes, tcpPayloadBytes, wireBytes } from '../../src/transport/framing.js';
import { evenTopology, topologyWith } from './topologies.js';

const framing = { tls: false, mtu: 1500 };
const ONE = 8 * wireBytes(4, framing);
const rounds = [0, 1, 2, 3].map((round) =>
  compileRound({ protocol: { kind: 'ddp', slice: 4 }, worldSize: 2, parameterCount: 2, round }),
);

describe('expectedHeartbeat', () => {
  it('is the rhythm worked out by hand', () => {
    const topology = evenTopology(2, { uplink: ONE, downlink: ONE }, 0.25);
    const timed = simulate(rounds, { topology, pace: 10, tls: false, segmentsPerAck: Infinity });
    const heartbeat = expectedHeartbeat(timed, { ...framing, segmentsPerAck: Infinity });
    // Compute 10, two slices of 1 with a path of 0.25 after each; sending from 10 to 12.25.
    expect(heartbeat.periodSeconds).toBeCloseTo(12.5, 9);
    expect(heartbeat.burstSeconds).toBeCloseTo(2.25, 9);
    expect(heartbeat.dutyCycle).toBeCloseTo(2.25 / 12.5, 9);
    expect(heartbeat.burstBytesPerNode).toBe(2 * wireBytes(4, framing));
    expect(heartbeat.burstTcpPayloadPerNode).toBe(2 * tcpPayloadBytes(4, framing));
    expect(expectedHeartbeat(timed, framing).burstBytesPerNode).toBe(
      2 * wireBytes(4, framing) + 2 * ackBytes(4, framing),
    );
  });

  /** One slice from `rank`, its first byte at `start` and its last at `end`. */
  const sent = (round: number, rank: number, start: number, end: number): TimedOperation => {
    const slice = { peer: 3, sequence: 0, offset: 0, length: 1, bytes: 4 };
    return {
      round,
      rank,
      start,
      end,
      operation: { kind: 'send', id: 0, stream: 'send:3', after: [], ...slice },
    };
  };

  it('is of the mesh: a burst lasts from the first byte of any node to the last of any other', () => {
    const timed = [0, 1, 2, 3].flatMap((round) => [
      sent(round, 0, 10 * round, 10 * round + 2),
      sent(round, 1, 10 * round + 0.5, 10 * round + 3),
      sent(round, 0, 10 * round + 2, 10 * round + 2.5),
      // The last to end, and later in each round than in the one before.
      sent(round, 2, 10 * round + 1, 10 * round + 4 + round),
    ]);
    const { periodSeconds, burstSeconds, dutyCycle } = expectedHeartbeat(timed, framing);
    expect(periodSeconds).toBeCloseTo(10, 9);
    expect(burstSeconds).toBeCloseTo((5 + 6 + 7) / 3, 9);
    expect(dutyCycle).toBeCloseTo(0.6, 9);
  });

  it('does not count time twice when rounds overlap on different nodes', () => {
    const timed = [0, 1, 2].flatMap((round) => [
      sent(round, 0, round, round + 0.5),
      sent(round, 1, round + 0.5, round + 1.5),
    ]);
    const { burstSeconds, dutyCycle } = expectedHeartbeat(timed, framing);
    expect(burstSeconds).toBeCloseTo(1.5, 9);
    expect(dutyCycle).toBe(1);
  });

  it('leaves out the rounds before the rhythm, and needs two more', () => {
    const topology = evenTopology(2, { uplink: ONE, downlink: ONE }, 0.25);
    const timed = simulate(rounds, { topology, pace: 10, tls: false });
    const stretched = timed.map((played) =>
      played.round === 0 ? { ...played, start: played.start - 1000, end: played.end } : played,
    );
    expect(expectedHeartbeat(stretched, framing)).toEqual(expectedHeartbeat(timed, framing));
    expect(() => expectedHeartbeat(timed, { ...framing, skipRounds: 3 })).toThrow(RunError);
    expect(() => expectedHeartbeat([], framing)).toThrow(RunError);
  });
});

describe('forecast', () => {
  const uneven = topologyWith(
    [20e6, 40e6, 30e6, 25e6].map((rate) => ({ uplink: rate, downlink: rate })),
    (from, to) => 0.01 + 0.03 * Math.abs(from - to),
  );
  const request = {
    protocol: { kind: 'diloco', innerSteps: 5, outer: { learningRate: 0.7, momentum: 0.9 }, slice: 65536 },
    topology: uneven,
    parameterCount: 400_000,
    pace: 0.2,
    outerPace: 0.01,
    tls: true,
  } as const;

  it('gives the round asked for, with its bytes', () => {
    const { schedule, timed, wireBytes: perRank } = forecast({ ...request, round: 7 });
    expect(schedule.round).toBe(7);
    expect(new Set(timed.map(({ round }) => round))).toEqual(new Set([7]));
    expect(timed).toHaveLength(schedule.parts.flatMap(({ operations }) => operations).length);
    for (const bytes of perRank) {
      // Four bytes of every element, 3/2 times; framing and acknowledgements come to 7 to 8 %.
      expect(bytes / (400_000 * 4 * 1.5)).toBeGreaterThan(1.05);
      expect(bytes / (400_000 * 4 * 1.5)).toBeLessThan(1.1);
    }
  });

  it('is settled: later rounds have the same heartbeat, and so has a long simulation', () => {
    const early = forecast({ ...request, round: 0 }).heartbeat;
    expect(forecast({ ...request, round: 500 }).heartbeat.periodSeconds).toBeCloseTo(early.periodSeconds, 9);
    const { parameterCount, pace, outerPace, tls, protocol } = request;
    const many = Array.from({ length: 20 }, (_, round) =>
      compileRound({ protocol, worldSize: 4, parameterCount, round }),
    );
    const timed = simulate(many, { topology: uneven, pace, outerSeconds: outerPace, tls });
    const long = expectedHeartbeat(timed, { tls, mtu: 1500, skipRounds: 10 });
    expect(Math.abs(long.periodSeconds / early.periodSeconds - 1)).toBeLessThan(0.002);
  });
});
