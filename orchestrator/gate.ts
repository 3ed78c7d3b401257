/**
 * The gate's second half: did the emulator keep up, and did the capture see what the schedule sent?
 *
 * A run that fails any check is not evidence of anything, however good it looks. Every check is a number
 * against a limit, so that the manifest says by how much.
 */
import {
  besidesTraffic,
  objectTraffic,
  type Besides,
  type StoreTraffic,
} from '../src/object-store/framing.js';
import type { GateCheck, GateVerdict, TraceProgram } from '../src/run/files.js';
import { hostsOf, type Topology } from '../src/scenario/index.js';
import type { Schedule } from '../src/schedule/operation.js';
import { tcpPayloadBytes } from '../src/transport/framing.js';
import type { Lateness } from '../src/wan/fabric.js';
import type { EventFacts } from './network-events.js';

/** 99 of 100 packets must leave within this time of when the model wanted them out, seconds. */
const LATENESS_P99_LIMIT = 0.005;
/** A node that hears nothing for this long would show as a stall in its traffic, seconds. */
const EVENT_LOOP_LAG_LIMIT = 0.25;
/** An event must be applied within this time of its instant, seconds. */
const EVENT_LATENESS_LIMIT = 0.05;
const PAYLOAD_TOLERANCE_SHARE = 0.03;
/** Padding, 0.5 %, and what queues dropped and TCP sent again. */
const TUNNEL_PAYLOAD_TOLERANCE_SHARE = 0.05;

export interface Observed {
  /** Inner steps that missed their pace, over all nodes. */
  readonly overruns: number;
  readonly lateness: Lateness;
  /** Longest hold-up of any node's event loop, seconds. */
  readonly eventLoopLag: number;
  /** Packets the capture missed; null where it can't tell, undefined without a capture. */
  readonly missedPackets?: number | null;
  /** Unique TCP payload in the capture, bytes; undefined without a capture, or where it can't be told. */
  readonly capturedPayload?: number;
  /** Whether it was read off the packets of a tunnel, which hide what was sent twice. */
  readonly inTunnel?: boolean;
  /** What the schedules of all rounds send, with framing: see expectedPayload(). */
  readonly expectedPayload: number;
  /** The same of rounds that were abandoned and played again, of which any part may have been sent. Default 0. */
  readonly abandonedPayload?: number;
  /** How declared events were kept; absent if there are none. */
  readonly events?: Pick<EventFacts, 'missed' | 'latest'>;
  /** By rank; those of one group must be alike. */
  readonly weightsHashes: readonly { readonly group: number; readonly hash: string }[];
}

/** Whether the events of the scenario were the events of the run. */
export function eventChecks({ missed, latest }: Pick<EventFacts, 'missed' | 'latest'>): GateCheck[] {
  return [
    limit('events that did not happen', missed, 0, 'events'),
    limit('lateness of events, longest', latest, EVENT_LATENESS_LIMIT, 's'),
  ];
}

/** How the emulator has kept up until now: the checks that can be made while a run goes on. */
export function paceChecks(observed: Pick<Observed, 'overruns' | 'lateness' | 'eventLoopLag'>): GateCheck[] {
  return [
    limit('steps that missed their pace', observed.overruns, 0, 'steps'),
    ...latenessChecks(observed.lateness),
    limit('event loop hold-up, longest', observed.eventLoopLag, EVENT_LOOP_LAG_LIMIT, 's'),
  ];
}

/**
 * The network's part of them, which is all there is to check while nobody trains. None where no lateness was measured:
 * with wan.driver netem the kernel shapes, and does not tell.
 */
export const latenessChecks = ({ count, p99 }: Lateness): GateCheck[] =>
  count === 0 ? [] : [limit('lateness of shaped packets, 99th percentile', p99, LATENESS_P99_LIMIT, 's')];

/** Whether the capture has all packets; no check where it can't tell. */
export const missedCheck = (packets: number | null | undefined): GateCheck[] =>
  typeof packets === 'number' ? [limit('packets missed by the capture', packets, 0, 'packets')] : [];

/** Whether all programs ran until they were stopped, or ended without an error; no check without programs. */
export function programsChecks(topology: Topology, ended: readonly TraceProgram[]): GateCheck[] {
  const watched = hostsOf(topology).filter(({ program }) => program?.mayFail === false);
  if (watched.length === 0) return [];
  const names = new Set(watched.map(({ name }) => name));
  const failed = ended.filter(({ node, stopped, status }) => names.has(node) && !stopped && status !== 0);
  const who = [...new Set(failed.map(({ node }) => node))].join(', ');
  const name = `programs that failed${who === '' ? '' : ` (${who})`}`;
  return [limit(name, failed.length, 0, 'programs')];
}

export function runChecks(observed: Observed): GateCheck[] {
  const { missedPackets, capturedPayload, expectedPayload } = observed;
  const { weightsHashes } = observed;
  const groups = new Set(weightsHashes.map(({ group }) => group)).size;
  const distinct = new Set(weightsHashes.map(({ group, hash }) => `${group} ${hash}`)).size;
  return [
    ...paceChecks(observed),
    ...missedCheck(missedPackets),
    ...(capturedPayload === undefined ? [] : [payloadCheck(expectedPayload, capturedPayload, observed)]),
    ...(observed.events === undefined ? [] : eventChecks(observed.events)),
    {
      name: 'different final weights',
      expected: groups,
      measured: distinct,
      tolerance: 0,
      unit: 'hashes',
      ok: distinct === groups,
    },
  ];
}

export function verdictOf(checks: readonly GateCheck[]): GateVerdict {
  return { verdict: checks.every(({ ok }) => ok) ? 'valid' : 'invalid', checks };
}

/**
 * TCP payload that the slices and objects of these schedules come to, bytes: see src/transport/framing.ts and
 * src/object-store/framing.ts.
 *
 * @param part Objects larger than this travel in parts of this size, bytes.
 */
export function expectedPayload(schedules: Iterable<Schedule>, tls: boolean, part = Infinity): number {
  let sum = 0;
  for (const { parts } of schedules) {
    for (const { operations } of parts) {
      for (const operation of operations) {
        if (operation.kind === 'send') sum += tcpPayloadBytes(operation.bytes, { tls });
        else if (operation.kind === 'put' || operation.kind === 'get')
          sum += bothWays(objectTraffic(operation.kind, operation.bytes, { tls, part }));
      }
    }
  }
  return sum;
}

/** TCP payload of what nodes say to an object store besides. */
export function payloadBesides(besides: Partial<Besides>, tls: boolean): number {
  return bothWays(besidesTraffic({ buckets: 0, connections: 0, vainLooks: 0, ...besides }, { tls }));
}

const bothWays = ({ toStore, fromStore }: StoreTraffic): number => toStore + fromStore;

function limit(name: string, measured: number, most: number, unit: string): GateCheck {
  return { name, expected: null, measured, tolerance: most, unit, ok: measured <= most };
}

/** Of what was abandoned between nothing and all may have been sent: half of it is expected, give or take as much. */
function payloadCheck(
  all: number,
  measured: number,
  { abandonedPayload: abandoned = 0, inTunnel = false }: Pick<Observed, 'abandonedPayload' | 'inTunnel'>,
): GateCheck {
  const expected = all + abandoned / 2;
  const share = inTunnel ? TUNNEL_PAYLOAD_TOLERANCE_SHARE : PAYLOAD_TOLERANCE_SHARE;
  const tolerance = share * all + abandoned / 2;
  const ok = Math.abs(measured - expected) <= tolerance;
  const name = inTunnel ? 'captured TCP payload, by the tunnel’s framing' : 'captured TCP payload';
  return { name, expected, measured, tolerance, unit: 'bytes', ok };
}
