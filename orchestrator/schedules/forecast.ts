/**
 * What a run should look like, before it runs: a few successive rounds, compiled and played in virtual time.
 * `meshbeat schedule` draws it; a run compares what it measured with it. It holds for the whole run because
 * all rounds are alike once the first few are over; that is so while membership does not change.
 */
import type { Scenario } from '../../src/scenario/schema.js';
import type { Topology } from '../../src/scenario/topology.js';
import { stationsBetween } from '../../src/scenario/way.js';
import type { Schedule } from '../../src/schedule/operation.js';
import type { TimedOperation } from '../../src/schedule/timed.js';
import {
  emissionsOf,
  expectedHeartbeat,
  simulate,
  type EmissionOptions,
  type ExpectedHeartbeat,
} from '../../src/simulation/index.js';
import { packetFramingOf } from '../../src/transport/framing.js';
import { compileRound, requestOf } from './index.js';

/**
 * A ring of unlike links takes a few rounds to find its rhythm, and the rhythm may span several rounds. With
 * these numbers the period of meshes drawn at random was within 0.2 % of that over twenty rounds.
 */
const ROUNDS_TO_SETTLE = 4;
const ROUNDS_MEASURED = 4;

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
export function forecast(scenario: Scenario, topology: Topology, round = 0): Forecast {
  const { pace, outerPace, transport } = scenario;
  const request = requestOf(scenario);
  const first = Math.max(0, round - ROUNDS_TO_SETTLE);
  const schedules = Array.from({ length: ROUNDS_TO_SETTLE + ROUNDS_MEASURED }, (_, i) =>
    compileRound({ ...request, round: first + i }),
  );
  const { tls } = transport;
  const part = request.protocol.kind === 'object-store' ? request.protocol.store.part : Infinity;
  const between = (from: number, to: number) => stationsBetween(topology, from, to).slice(1, -1);
  const framing = { ...packetFramingOf(topology, tls), store: topology.nodes.length, between, part };
  const timed = simulate(schedules, { topology, pace, outerSeconds: outerPace, tls, part });
  const schedule = schedules.find((one) => one.round === round);
  if (!schedule) throw new RangeError(`round ${round} was not compiled`);
  const ofRound = timed.filter((one) => one.round === round);
  return {
    schedule,
    timed: ofRound,
    heartbeat: expectedHeartbeat(timed, { ...framing, skipRounds: ROUNDS_TO_SETTLE }),
    wireBytes: wireBytesOf(ofRound, schedule.worldSize, framing),
  };
}

function wireBytesOf(
  timed: readonly TimedOperation[],
  worldSize: number,
  options: EmissionOptions,
): number[] {
  const sums = new Array<number>(worldSize).fill(0);
  for (const { host, bytes } of emissionsOf(timed, options))
    if (host < worldSize) sums[host] = (sums[host] ?? 0) + bytes;
  return sums;
}
