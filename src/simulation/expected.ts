/**
 * The heartbeat that a schedule should have, read off a simulated timeline. It is what a capture of the
 * same run is held against, so the terms are those of src/traffic: a burst of a node is the time from
 * the first to the last byte it sends in a round, the period the time from one burst's start to the next's.
 *
 * In the first round all ranks start at the same instant; after it each starts when it is done, and the ring
 * settles into a rhythm. Only that rhythm counts here.
 */
import { RunError } from '../errors.js';
import type { TimedOperation } from '../schedule/timed.js';
import {
  ackBytes,
  SEGMENTS_PER_ACK,
  tcpPayloadBytes,
  wireBytes,
  type PacketFraming,
} from '../transport/framing.js';

export interface ExpectedHeartbeat {
  /** Mean time between the starts of successive bursts of a node. */
  readonly periodSeconds: number;
  /** Mean length of a burst. */
  readonly burstSeconds: number;
  /** Mean bytes a node sends in a burst: Ethernet frames with data, and acknowledgements of what it gets. */
  readonly burstBytesPerNode: number;
  /** Mean bytes that TCP carries for a node in a burst, one way: payload and all framing above TCP. */
  readonly burstTcpPayloadPerNode: number;
  /** Share of the time in which a node's burst is under way. */
  readonly dutyCycle: number;
}

export interface HeartbeatOptions extends PacketFraming {
  /** Rounds left out at the beginning; default 1. */
  readonly skipRounds?: number;
  readonly segmentsPerAck?: number;
}

interface Burst {
  start: number;
  end: number;
  bytes: number;
  tcpPayload: number;
}

/**
 * The mean heartbeat of all nodes over the rounds in steady state.
 *
 * @throws RunError if fewer than two rounds with bursts remain, for then there is no period.
 */
export function expectedHeartbeat(
  timed: readonly TimedOperation[],
  options: HeartbeatOptions,
): ExpectedHeartbeat {
  const burstsOfRanks = [...burstsByRank(timed, options).values()];
  const intervals = burstsOfRanks.flatMap((bursts) =>
    bursts.slice(1).map((burst, i) => burst.start - (bursts[i]?.start ?? NaN)),
  );
  if (intervals.length === 0) throw new RunError('a heartbeat needs at least two rounds in steady state');
  const bursts = burstsOfRanks.flat();
  const periodSeconds = mean(intervals);
  const burstSeconds = mean(bursts.map(({ start, end }) => end - start));
  return {
    periodSeconds,
    burstSeconds,
    burstBytesPerNode: mean(bursts.map(({ bytes }) => bytes)),
    burstTcpPayloadPerNode: mean(bursts.map(({ tcpPayload }) => tcpPayload)),
    dutyCycle: burstSeconds / periodSeconds,
  };
}

/** For each rank that sends anything: its bursts, in order of rounds. */
function burstsByRank(
  timed: readonly TimedOperation[],
  { skipRounds = 1, segmentsPerAck = SEGMENTS_PER_ACK, ...framing }: HeartbeatOptions,
): Map<number, Burst[]> {
  const firstRound = timed.reduce((least, { round }) => Math.min(least, round), Infinity) + skipRounds;
  const byRank = new Map<number, Map<number, Burst>>();
  for (const { rank, round, operation, start, end } of timed) {
    if (round < firstRound || (operation.kind !== 'send' && operation.kind !== 'recv')) continue;
    const rounds = byRank.get(rank) ?? new Map<number, Burst>();
    byRank.set(rank, rounds);
    const burst = rounds.get(round) ?? { start: Infinity, end: -Infinity, bytes: 0, tcpPayload: 0 };
    rounds.set(round, burst);
    if (operation.kind === 'recv') {
      burst.bytes += ackBytes(operation.bytes, framing, segmentsPerAck);
      continue;
    }
    burst.start = Math.min(burst.start, start);
    burst.end = Math.max(burst.end, end);
    burst.bytes += wireBytes(operation.bytes, framing);
    burst.tcpPayload += tcpPayloadBytes(operation.bytes, framing);
  }
  return new Map(
    [...byRank].map(([rank, rounds]) => [
      rank,
      [...rounds].sort(([a], [b]) => a - b).flatMap(([, burst]) => (burst.start < Infinity ? [burst] : [])),
    ]),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
