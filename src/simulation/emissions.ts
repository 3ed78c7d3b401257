/**
 * What operations have hosts send: the bytes that a capture of the same run would show, and from whom. A slice makes
 * its sender send data and its receiver acknowledgements; an object likewise, with the object store at one end.
 */
import { objectTraffic } from '../object-store/framing.js';
import type { TimedOperation } from '../schedule/timed.js';
import {
  ackBytes,
  ackFrameBytes,
  frameBytes,
  SEGMENTS_PER_ACK,
  tcpPayloadBytes,
  wireBytes,
  type PacketFraming,
} from '../transport/framing.js';

export interface EmissionOptions extends PacketFraming {
  /** Default 2. */
  readonly segmentsPerAck?: number;
  /** Position of the object store among the hosts, where there is one. */
  readonly store?: number;
  /** Hosts on the way from one to another that send everything on, see stationsBetween(); default: none. */
  readonly between?: (from: number, to: number) => readonly number[];
  /** Objects larger than this travel in parts of this size, bytes; default: none does. */
  readonly part?: number;
}

/** What a host sends because of one operation. */
export interface Emission {
  /** Its rank, or for the object store its position. */
  readonly host: number;
  readonly round: number;
  /** Of the transfer, as timed. */
  readonly start: number;
  readonly end: number;
  /** Whether it is the transfer itself; if not, what goes the other way: acknowledgements, requests, answers. */
  readonly data: boolean;
  /** Of Ethernet frames. */
  readonly bytes: number;
  /** What TCP carries of the transfer, bytes. */
  readonly tcpPayload: number;
}

/** Of all operations that move anything, in their order. */
export function emissionsOf(timed: readonly TimedOperation[], options: EmissionOptions): Emission[] {
  return timed.flatMap((one) =>
    emissionsOfOne(one, options).flatMap(({ to, ...emission }) => [
      emission,
      ...(options.between?.(emission.host, to) ?? []).map((host) => ({ ...emission, host })),
    ]),
  );
}

/** An emission and to whom. */
type Addressed = Emission & { readonly to: number };

function emissionsOfOne(
  { rank, round, operation, start, end }: TimedOperation,
  options: EmissionOptions,
): Addressed[] {
  const { segmentsPerAck = SEGMENTS_PER_ACK, store = -1, part = Infinity } = options;
  const when = { round, start, end };
  if (operation.kind === 'send') {
    const tcpPayload = tcpPayloadBytes(operation.bytes, options);
    const bytes = wireBytes(operation.bytes, options);
    return [{ ...when, host: rank, to: operation.peer, data: true, bytes, tcpPayload }];
  }
  if (operation.kind === 'recv') {
    const bytes = ackBytes(operation.bytes, options, segmentsPerAck);
    return [{ ...when, host: rank, to: operation.peer, data: false, bytes, tcpPayload: 0 }];
  }
  if (operation.kind !== 'put' && operation.kind !== 'get') return [];
  const { toStore, fromStore } = objectTraffic(operation.kind, operation.bytes, { tls: options.tls, part });
  const [from, to, there, back] =
    operation.kind === 'put' ? [rank, store, toStore, fromStore] : [store, rank, fromStore, toStore];
  const answer = frameBytes(back, options) + ackFrameBytes(there, options, segmentsPerAck);
  return [
    { ...when, host: from, to, data: true, bytes: frameBytes(there, options), tcpPayload: there },
    { ...when, host: to, to: from, data: false, bytes: answer, tcpPayload: 0 },
  ];
}
