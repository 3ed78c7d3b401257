/**
 * What a run should look like, before it runs: a few successive rounds, compiled and played in virtual time.
 * `meshbeat schedule` draws it; a run compares what it measured with it. It holds for the whole run because
 * all rounds are alike once the first few are over; that is so while membership does not change.
 */
import type { Topology } from '../../src/scenario/topology.js';
import type { Part, Schedule } from '../../src/schedule/operation.js';
import type { TimedOperation } from '../../src/schedule/timed.js';
import { expectedHeartbeat, simulate, type ExpectedHeartbeat } from '../../src/simulation/index.js';
import { ackBytes, wireBytes, type PacketFraming } from '../../src/transport/framing.js';
import { compileRound, type RoundRequest } from './index.js';

/**
 * A ring of unlike links takes a few rounds to find its rhythm, and the rhythm may span several rounds. With
 * these numbers the period of meshes drawn at random was within 0.2 % of that over twenty rounds.
 */
const ROUNDS_TO_SETTLE = 4;
const ROUNDS_MEASURED = 4;

export interface ForecastRequest extends Omit<RoundRequest, 'worldSize'> {
  readonly topology: Topology;
  /** Seconds of one inner step. */
  readonly pace: number;
  /** Seconds of one optimizer update after a reduction. */
  readonly outerPace: number;
  readonly tls: boolean;
}

export interface Forecast {
  /** The round asked for. */
  readonly schedule: Schedule;
  /** That round as played; seconds, from an origin that means nothing in itself. */
  readonly timed: readonly TimedOperation[];
  readonly heartbeat: ExpectedHeartbeat;
  /** By rank: bytes of the Ethernet frames a node sends in that round, acknowledgements included. */
  readonly wireBytes: readonly number[];
}

/**
 * One round as it would be played, and the heartbeat once the mesh has found its rhythm.
 *
 * @throws InputError as `compileRound`.
 */
export function forecast(request: ForecastRequest): Forecast {
  const { protocol, parameterCount, topology, pace, outerPace, tls } = request;
  const worldSize = topology.nodes.length;
  const first = Math.max(0, request.round - ROUNDS_TO_SETTLE);
  const schedules = Array.from({ length: ROUNDS_TO_SETTLE + ROUNDS_MEASURED }, (_, i) =>
    compileRound({ protocol, worldSize, parameterCount, round: first + i }),
  );
  const framing = { tls, mtu: topology.mtu };
  const timed = simulate(schedules, { topology, pace, outerSeconds: outerPace, tls });
  const schedule = schedules.find(({ round }) => round === request.round);
  if (!schedule) throw new RangeError(`round ${request.round} was not compiled`);
  return {
    schedule,
    timed: timed.filter(({ round }) => round === request.round),
    heartbeat: expectedHeartbeat(timed, { ...framing, skipRounds: ROUNDS_TO_SETTLE }),
    wireBytes: schedule.parts.map((part) => wireBytesOf(part, framing)),
  };
}

function wireBytesOf({ operations }: Part, framing: PacketFraming): number {
  return operations.reduce((sum, operation) => {
    if (operation.kind === 'send') return sum + wireBytes(operation.bytes, framing);
    if (operation.kind === 'recv') return sum + ackBytes(operation.bytes, framing);
    return sum;
  }, 0);
}
