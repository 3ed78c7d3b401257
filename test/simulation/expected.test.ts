import { describe, expect, it } from 'vitest';
import { compiledOf, compileRound } from '../../orchestrator/schedules/index.js';
import { forecast } from '../../orchestrator/schedules/forecast.js';
import { FLOAT32 } from '../../src/compression/index.js';
import { RunError } from '../../src/errors.js';
import { scenarioSchema } from '../../src/scenario/schema.js';
import type { TimedOperation } from '../../src/schedule/timed.js';
import { expectedHeartbeat, simulate } from '../../src/simulation/index.js';
import { detectBursts } from '../../src/traffic/index.js';
import { parameterCount } from '../../src/training/index.js';
import { ackBytes, tcpPayloadBytes, wireBytes, type PacketFraming } from '../../src/transport/framing.js';
import { requestFor } from '../support/request.js';
import { evenTopology, topologyWith } from './topologies.js';

const framing = { tls: false, mtu: 1500 };
const ONE = 8 * wireBytes(4, framing);
const rounds = [0, 1, 2, 3].map((round) =>
  compileRound(requestFor({ kind: 'ddp', slice: 4 }, { parameterCount: 2, round })),
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
    const range = { buffer: 'reduction', offset: 0, length: 1 } as const;
    const slice = { ...range, peer: 3, sequence: 0, encoding: FLOAT32, bytes: 4, settle: false };
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

  it('counts as many beats in a round as pauses tell apart', () => {
    // Two bursts in each round of 10 s; the stall within the first is no pause.
    const timed = [0, 1, 2, 3].flatMap((round) => [
      sent(round, 0, 10 * round, 10 * round + 1),
      sent(round, 1, 10 * round + 1.2, 10 * round + 2),
      sent(round, 0, 10 * round + 5, 10 * round + 6),
      sent(round, 1, 10 * round + 5, 10 * round + 7),
    ]);
    const { periodSeconds, burstSeconds, burstBytesPerNode } = expectedHeartbeat(timed, framing);
    // Rank 0 first sends at 10, 15, … 35, rank 1 at 11.2, 15, … 35.
    expect(periodSeconds).toBeCloseTo((25 + 23.8) / 2 / 5, 9);
    expect(burstSeconds).toBeCloseTo(2, 9);
    expect(burstBytesPerNode).toBe(wireBytes(4, framing));
  });

  it('is of the mesh for a node too that rests in some beats', () => {
    const timed = [0, 1, 2, 3, 4, 5].flatMap((round) => [
      sent(round, 0, 10 * round, 10 * round + 1),
      ...(round % 3 === 0 ? [] : [sent(round, 1, 10 * round, 10 * round + 2)]),
    ]);
    expect(expectedHeartbeat(timed, framing).periodSeconds).toBeCloseTo(10, 9);
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

const BIN_SECONDS = 0.01;

/** Bytes that all nodes send in each bin: a slice evenly over the time that it takes. */
function egress(timed: readonly TimedOperation[], on: PacketFraming): Float64Array {
  const last = Math.max(...timed.map(({ end }) => end));
  const bytes = new Float64Array(Math.ceil(last / BIN_SECONDS) + 100);
  for (const { operation, start, end } of timed) {
    if (operation.kind !== 'send') continue;
    const [first, final] = [start, end].map((time) => Math.floor(time / BIN_SECONDS)) as [number, number];
    for (let bin = first; bin <= final; bin++)
      bytes[bin]! += wireBytes(operation.bytes, on) / (final - first + 1);
  }
  return bytes;
}

describe('forecast', () => {
  const uneven = topologyWith(
    [20e6, 40e6, 30e6, 25e6].map((rate) => ({ uplink: rate, downlink: rate })),
    (from, to) => 0.01 + 0.03 * Math.abs(from - to),
  );
  const scenario = scenarioSchema.parse({
    name: 'uneven',
    rounds: 1000,
    protocol: { kind: 'diloco', innerSteps: 5 },
    pace: '200 ms',
    outerPace: '10 ms',
    model: { layers: 2 },
    nodes: [{ region: 'us-east', uplink: '20 Mbit/s', count: 4 }],
  });
  const modelBytes = 4 * parameterCount(scenario.model);

  it('gives the round asked for, with its bytes', () => {
    const { schedule, timed, wireBytes: perRank } = forecast(scenario, uneven, 7);
    expect(schedule.round).toBe(7);
    expect(new Set(timed.map(({ round }) => round))).toEqual(new Set([7]));
    expect(timed).toHaveLength(schedule.parts.flatMap(({ operations }) => operations).length);
    for (const bytes of perRank) {
      // Four bytes of every element, 3/2 times; framing and acknowledgements come to 7 to 8 %.
      expect(bytes / (modelBytes * 1.5)).toBeGreaterThan(1.05);
      expect(bytes / (modelBytes * 1.5)).toBeLessThan(1.1);
    }
  });

  it.each([
    ['diloco', { kind: 'diloco', innerSteps: 8 }, 1],
    ['eager', { kind: 'diloco', innerSteps: 8, overlap: 'eager' }, 1],
    ['streaming', { kind: 'streaming', innerSteps: 8, fragments: 2, delay: 2 }, 2],
    ['streaming in sequence', { kind: 'streaming', innerSteps: 12, fragments: 4, pattern: 'sequential' }, 4],
    ['streaming without delay', { kind: 'streaming', innerSteps: 8, fragments: 2, delay: 0 }, 2],
  ])('of %s is what the detector finds in the traffic of the same mesh', (_, protocol, beats) => {
    const written = { name: 'any', rounds: 1000, protocol, pace: '1 s', model: { layers: 4, width: 64 } };
    const nodes = [{ region: 'us-east', uplink: '20 Mbit/s', count: 4 }];
    const one = scenarioSchema.parse({ ...written, nodes });
    const { heartbeat } = forecast(one, uneven);
    const { compileRound: compile } = compiledOf(one);
    const rounds = Array.from({ length: 12 }, (__, round) => compile(round));
    const { pace, outerPace: outerSeconds } = one;
    const timed = simulate(rounds, { topology: uneven, pace, outerSeconds, tls: true });
    const { bursts } = detectBursts(egress(timed, { tls: true, mtu: 1500 }), BIN_SECONDS);
    const starts = bursts.map(({ start }) => start * BIN_SECONDS).slice(2 * beats);
    const seconds = (starts.at(-1)! - starts[0]!) / (starts.length - 1);
    expect(Math.abs(heartbeat.periodSeconds / seconds - 1)).toBeLessThan(0.02);
    const bytes = bursts.reduce((sum, burst) => sum + burst.bytes, 0) / bursts.length / 4;
    // The series has no acknowledgements.
    const acknowledged = 1 + ackBytes(65536, framing) / wireBytes(65536, framing);
    expect(Math.abs(heartbeat.burstBytesPerNode / (bytes * acknowledged) - 1)).toBeLessThan(0.02);
  });

  it('is settled: later rounds have the same heartbeat, and so has a long simulation', () => {
    const early = forecast(scenario, uneven).heartbeat;
    expect(forecast(scenario, uneven, 500).heartbeat.periodSeconds).toBeCloseTo(early.periodSeconds, 9);
    const { compileRound: compile } = compiledOf(scenario);
    const many = Array.from({ length: 20 }, (_, round) => compile(round));
    const { pace, outerPace: outerSeconds } = scenario;
    const timed = simulate(many, { topology: uneven, pace, outerSeconds, tls: true });
    const long = expectedHeartbeat(timed, { tls: true, mtu: 1500, skipRounds: 10 });
    expect(Math.abs(long.periodSeconds / early.periodSeconds - 1)).toBeLessThan(0.002);
  });
});
