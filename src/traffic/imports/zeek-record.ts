/**
 * A connection of Zeek's conn.log as a flow record, both directions in one.
 *
 * Zeek says more than a flow record holds and less: its history of letters (docs.zeek.org, Conn::Info) is turned into
 * the TCP flags that must have been seen, its state into why the record ended.
 */
import { FlowEndReason } from '../flows/record.js';
import type { FlowRecord } from '../flows/record.js';
import { addressOf, parseCount, parsePort, parseProtocol, parseSeconds } from './text.js';

/** The columns that are read. */
export const columns = [
  'ts',
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'duration',
  'conn_state',
  'history',
  'orig_pkts',
  'orig_ip_bytes',
  'resp_pkts',
  'resp_ip_bytes',
  'ip_proto',
] as const;
export type Column = (typeof columns)[number];
/** How many of them must be there. */
export const NEEDED = 6;

/** A line's values as text, by column; empty where unset. */
export type Values = Record<Column, string>;

/** The connection's record, or why there is none. */
export function zeekRecord(values: Values, startMicros: number): FlowRecord | string {
  if (Number.isNaN(startMicros)) return 'lines without a time';
  return recordOf(values, startMicros) ?? "lines whose addresses, ports or counts can't be read";
}

function recordOf(values: Values, startMicros: number): FlowRecord | undefined {
  const source = addressOf(values['id.orig_h']);
  const destination = addressOf(values['id.resp_h']);
  const protocol = protocolOf(values, source?.version);
  const ports = portsOf(values, protocol);
  if (source === undefined || destination === undefined || ports === undefined) return undefined;
  const duration = values.duration === '' ? 0 : parseSeconds(values.duration);
  const counts = (packets: string, octets: string) => ({
    packets: packets === '' ? 0 : parseCount(packets),
    octets: octets === '' ? 0 : parseCount(octets),
  });
  const forward = counts(values.orig_pkts, values.orig_ip_bytes);
  const backward = counts(values.resp_pkts, values.resp_ip_bytes);
  const endMicros = startMicros + duration;
  const sum = forward.packets + forward.octets + backward.packets + backward.octets;
  if (
    !(startMicros >= 0) ||
    !(endMicros >= startMicros) ||
    !Number.isSafeInteger(endMicros) ||
    !Number.isFinite(sum)
  )
    return undefined;
  const isTcp = protocol === 6;
  return {
    source,
    destination,
    sourcePort: ports.source,
    destinationPort: ports.destination,
    protocol,
    startMicros,
    endMicros,
    forward: { ...forward, tcpFlags: isTcp ? flagsOf(values.history, forwardFlags) : 0 },
    backward: { ...backward, tcpFlags: isTcp ? flagsOf(values.history, backwardFlags) : 0 },
    endReason: endReasonOf(values.conn_state, isTcp),
    samplingRate: 1,
  };
}

function protocolOf(values: Values, version: 4 | 6 | undefined): number {
  const number = values.ip_proto === '' ? NaN : parseCount(values.ip_proto);
  if (number <= 255) return number;
  const named = parseProtocol(values.proto) ?? 0;
  return named === 1 && version === 6 ? 58 : named;
}

/** Requests of ICMP and their answers, IPv4 and IPv6: Zeek's responder "port" is then the answer's type. */
const answers: ReadonlySet<number> = new Set([8, 0, 13, 14, 15, 16, 17, 18, 9, 10]);
const answers6: ReadonlySet<number> = new Set([128, 129, 130, 131, 133, 134, 135, 136, 139, 140, 144, 145]);

/** Ports; for ICMP type and code, which Zeek has as originator's and responder's port. */
function portsOf(values: Values, protocol: number): { source: number; destination: number } | undefined {
  const source = parsePort(values['id.orig_p']);
  const destination = parsePort(values['id.resp_p']);
  if (Number.isNaN(source + destination)) return undefined;
  if (protocol !== 1 && protocol !== 58) return { source, destination };
  const isAnswered = (protocol === 1 ? answers : answers6).has(source);
  return { source: 0, destination: (source & 255) * 256 + (isAnswered ? 0 : destination & 255) };
}

/** TCP flags by letter of the history; originator's letters are upper case. */
const forwardFlags: Readonly<Record<string, number>> = flagTable((letter) => letter);
const backwardFlags: Readonly<Record<string, number>> = flagTable((letter) => letter.toLowerCase());

function flagTable(cased: (letter: string) => string): Record<string, number> {
  const [fin, syn, rst, ack] = [1, 2, 4, 16];
  const rows: readonly [string, number][] = [
    ['S', syn],
    ['H', syn | ack],
    ['A', ack],
    ['D', ack],
    ['F', fin | ack],
    ['R', rst],
    ['I', syn | rst],
    ['Q', syn | fin],
  ];
  return Object.fromEntries(rows.map(([letter, flags]) => [cased(letter), flags]));
}

function flagsOf(history: string, table: Readonly<Record<string, number>>): number {
  let flags = 0;
  for (const letter of history) flags |= table[letter] ?? 0;
  return flags;
}

/** A connection that was still open was ended by Zeek's own end (or its timer): not by the protocol. */
function endReasonOf(state: string, isTcp: boolean): FlowEndReason {
  if (!isTcp) return FlowEndReason.idle;
  if (state === 'S1') return FlowEndReason.forced;
  return state === 'SF' || state.startsWith('R') ? FlowEndReason.end : FlowEndReason.idle;
}
