/**
 * The heartbeat that a schedule should have, read off a simulated timeline. It is what a capture of the
 * same run is held against, so the terms are those of src/traffic: a burst is the mesh's, from the first byte
 * that any node sends in a round to the last, and the period the time from one burst's start to the next's.
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
  /** Mean time between the first bytes that a node sends in successive rounds; in a rhythm all have the same. */
  readonly periodSeconds: number;
  /** Mean time from the first byte that any node sends in a round to the last. */
  readonly burstSeconds: number;
  /** Mean bytes a node sends in a burst: Ethernet frames with data, and acknowledgements of what it gets. */
  readonly burstBytesPerNode: number;
  /** Mean bytes that TCP carries for a node in a burst, one way: payload and all framing above TCP. */
  readonly burstTcpPayloadPerNode: number;
  /** Share of the time in which a burst is under way; 1 where each begins before the last has ended. */
  readonly dutyCycle: number;
}

export interface HeartbeatOptions extends PacketFraming {
  /** Rounds left out at the beginning; default 1. */
  readonly skipRounds?: number;
  readonly segmentsPerAck?: number;
}

/** What one node sends in one round. */
interface Burst {
  readonly rank: number;
  readonly round: number;
  /** Of its sends; Infinity and -Infinity while there is none. */
  start: number;
  end: number;
  bytes: number;
  tcpPayload: number;
}

/**
 * The mean heartbeat of the mesh over the rounds in steady state.
 *
 * @throws RunError if fewer than two rounds with bursts remain, for then there is no period.
 */
export function expectedHeartbeat(
  timed: readonly TimedOperation[],
  options: HeartbeatOptions,
): ExpectedHeartbeat {
  const bursts = burstsOf(timed, options);
  const intervals = groups(bursts, ({ rank }) => rank).flatMap((ofRank) =>
    ofRank.slice(1).map((burst, i) => burst.start - (ofRank[i]?.start ?? NaN)),
  );
  if (intervals.length === 0) throw new RunError('a heartbeat needs at least two rounds in steady state');
  const periodSeconds = mean(intervals);
  const burstSeconds = mean(groups(bursts, ({ round }) => round).map(span));
  return {
    periodSeconds,
    burstSeconds,
    burstBytesPerNode: mean(bursts.map(({ bytes }) => bytes)),
    burstTcpPayloadPerNode: mean(bursts.map(({ tcpPayload }) => tcpPayload)),
    dutyCycle: Math.min(1, burstSeconds / periodSeconds),
  };
}

/** The bursts of all ranks that send anything, in order of rounds. */
function burstsOf(
  timed: readonly TimedOperation[],
  { skipRounds = 1, segmentsPerAck = SEGMENTS_PER_ACK, ...framing }: HeartbeatOptions,
): Burst[] {
  const firstRound = timed.reduce((least, { round }) => Math.min(least, round), Infinity) + skipRounds;
  const bursts = new Map<string, Burst>();
  for (const { rank, round, operation, start, end } of timed) {
    if (round < firstRound || (operation.kind !== 'send' && operation.kind !== 'recv')) continue;
    const key = `${round}/${rank}`;
    const burst = bursts.get(key) ?? {
      rank,
      round,
      start: Infinity,
      end: -Infinity,
      bytes: 0,
      tcpPayload: 0,
    };
    bursts.set(key, burst);
    if (operation.kind === 'recv') {
      burst.bytes += ackBytes(operation.bytes, framing, segmentsPerAck);
      continue;
    }
    burst.start = Math.min(burst.start, start);
    burst.end = Math.max(burst.end, end);
    burst.bytes += wireBytes(operation.bytes, framing);
    burst.tcpPayload += tcpPayloadBytes(operation.bytes, framing);
  }
  return [...bursts.values()].filter(({ start }) => start < Infinity).sort((a, b) => a.round - b.round);
}

/** Seconds from the first byte of these bursts to the last. */
function span(bursts: readonly Burst[]): number {
  const first = bursts.reduce((least, { start }) => Math.min(least, start), Infinity);
  const last = bursts.reduce((most, { end }) => Math.max(most, end), -Infinity);
  return last - first;
}

/** The elements that share a key, in their order, for each key. */
function groups<T>(elements: readonly T[], keyOf: (element: T) => number): T[][] {
  const byKey = new Map<number, T[]>();
  for (const element of elements) {
    const group = byKey.get(keyOf(element)) ?? [];
    byKey.set(keyOf(element), group);
    group.push(element);
  }
  return [...byKey.values()];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
