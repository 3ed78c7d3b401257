/**
 * A finished connection as a row of conn.log.
 */
import { formatAddress } from '../../capture/index.js';
import type { Connection, Transport, Words } from './connection.js';
import { isWithin } from './local.js';
import type { Network } from './local.js';
import { TcpState } from './tcp-end.js';
import type { TcpSession } from './tcp-session.js';

/** conn_state; what each means is in docs/zeek.md. */
export type ConnState =
  'S0' | 'S1' | 'S2' | 'S3' | 'SF' | 'SH' | 'SHR' | 'REJ' | 'RSTO' | 'RSTR' | 'RSTOS0' | 'RSTRH' | 'OTH';

/** Fields in the log's order. Those that can be missing are undefined then. */
export interface ConnRecord {
  /** Microseconds since 1970-01-01 UTC. */
  readonly startMicros: number;
  readonly uid: string;
  readonly originator: string;
  readonly originatorPort: number;
  readonly responder: string;
  readonly responderPort: number;
  readonly proto: Transport;
  readonly service: string | undefined;
  /** Undefined when the conversation took no time at all; then the next two are, too. */
  readonly durationMicros: number | undefined;
  readonly originatorBytes: Count | undefined;
  readonly responderBytes: Count | undefined;
  readonly state: ConnState;
  readonly isOriginatorLocal: boolean;
  readonly isResponderLocal: boolean;
  readonly missedBytes: number;
  readonly history: string | undefined;
  readonly originatorPackets: number;
  readonly originatorIpBytes: number;
  readonly responderPackets: number;
  readonly responderIpBytes: number;
  readonly tunnelParents: readonly string[];
  readonly protocol: number;
  readonly originatorMac: string | undefined;
  readonly responderMac: string | undefined;
}

/** A bigint where contradictory sequence numbers made Zeek's count wrap around. */
export type Count = number | bigint;

export function recordOf(connection: Connection, local: readonly Network[]): ConnRecord {
  const { forth, back } = connection;
  const duration = connection.lastAt - connection.startedAt;
  const hasLasted = duration > 0;
  return {
    startMicros: connection.startedAt,
    uid: connection.uid,
    originator: textOf(connection.originator),
    originatorPort: connection.originatorPort,
    responder: textOf(connection.responder),
    responderPort: connection.responderPort,
    proto: connection.transport,
    service: connection.services.length > 0 ? connection.services.join(',') : undefined,
    durationMicros: hasLasted ? duration : undefined,
    originatorBytes: hasLasted ? sizeOf(connection, true) : undefined,
    responderBytes: hasLasted ? sizeOf(connection, false) : undefined,
    state: stateOf(connection),
    isOriginatorLocal: isWithin(local, connection.originator),
    isResponderLocal: isWithin(local, connection.responder),
    missedBytes: connection.missedBytes,
    history: connection.history.text || undefined,
    originatorPackets: forth.packets,
    originatorIpBytes: forth.ipBytes,
    responderPackets: back.packets,
    responderIpBytes: back.ipBytes,
    tunnelParents: connection.tunnelParents,
    protocol: connection.protocol,
    originatorMac: macOf(connection.originatorMac),
    responderMac: macOf(connection.responderMac),
  };
}

function sizeOf({ tcp, forth, back }: Connection, isOriginator: boolean): Count {
  if (tcp === undefined) return Math.max(0, (isOriginator ? forth : back).payloadBytes);
  const { size } = isOriginator ? tcp.originator : tcp.responder;
  return size < 0 ? BigInt.asUintN(64, BigInt(size)) : size;
}

function stateOf({ transport, tcp, forth, back, history }: Connection): ConnState {
  if (tcp !== undefined) return tcpStateOf(tcp, history.text);
  if (transport !== 'udp') return 'OTH';
  if (forth.payloadBytes >= 0) return back.payloadBytes >= 0 ? 'SF' : 'S0';
  return back.payloadBytes >= 0 ? 'SHR' : 'OTH';
}

function tcpStateOf({ originator, responder }: TcpSession, history: string): ConnState {
  const one = originator.state;
  const other = responder.state;
  const isOneUnknown = one === TcpState.inactive || one === TcpState.partial;
  const isOtherUnknown = other === TcpState.inactive || other === TcpState.partial;
  if (other === TcpState.reset) {
    const isEmpty = one === TcpState.reset && originator.size === 0 && responder.size === 0;
    if (one === TcpState.synSent || one === TcpState.synAckSent || isEmpty) return 'REJ';
    return isOneUnknown ? 'RSTRH' : 'RSTR';
  }
  if (one === TcpState.reset) {
    if (!isOtherUnknown) return 'RSTO';
    return /^\^?S[^HAFGIQ]*R.*$/.test(history) ? 'RSTOS0' : 'OTH';
  }
  if (one === TcpState.closed && other === TcpState.closed) return 'SF';
  if (one === TcpState.closed) return isOtherUnknown ? 'SH' : 'S2';
  if (other === TcpState.closed) return isOneUnknown ? 'SHR' : 'S3';
  if (one === TcpState.synSent && other === TcpState.inactive) return 'S0';
  return one === TcpState.established && other === TcpState.established ? 'S1' : 'OTH';
}

function textOf(words: Words): string {
  const isIpv4 = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return formatAddress(
    isIpv4 ? { version: 4, words: [words[3], 0, 0, 0] } : { version: 6, words: [...words] },
  );
}

function macOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.every((byte) => byte === 0)) return undefined;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
