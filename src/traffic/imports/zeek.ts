/**
 * Zeek's conn.log, in either of its dialects: tab-separated with a header of its own, or a JSON object a line.
 *
 * A line is one connection, both directions. Zeek says more than a flow record holds and less: its history of letters
 * (docs.zeek.org, Conn::Info) is turned into the TCP flags that must have been seen, its state into why the record
 * ended. A line without a time of day, as logs with masked times have, is skipped and counted.
 */
import { InputError } from '../../errors.js';
import { FlowEndReason } from '../flows/record.js';
import type { FlowHandler, FlowRecord } from '../flows/record.js';
import type { FlowImport } from './import.js';
import { Skips } from './import.js';
import { Lines } from './lines.js';
import { addressOf, parseCount, parseDate, parsePort, parseProtocol, parseSeconds } from './text.js';

/** The columns that are read. The first six must be there. */
const columns = [
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
type Column = (typeof columns)[number];
const NEEDED = 6;

/** A line's values as text, by column; empty where unset. */
type Values = Record<Column, string>;

const NO_TIME = 'lines without a time';
const BROKEN = "lines whose addresses, ports or counts can't be read";

export class ZeekImport implements FlowImport {
  readonly skipped = new Skips();
  readonly #lines: Lines;
  readonly #onRecord: FlowHandler;
  readonly #isJson: boolean;
  readonly #values: Values = empty();
  #separator = '\t';
  #unset = '-';
  /** Which column each position of a line is; undefined for those that are not read. */
  #order: readonly (Column | undefined)[] = [];

  constructor(dialect: 'tsv' | 'json', onRecord: FlowHandler) {
    this.#onRecord = onRecord;
    this.#isJson = dialect === 'json';
    this.#lines = new Lines((line) => this.#line(line));
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  /** A last line without an end may be cut off; if it still reads as one, it counts. */
  finish(): undefined {
    this.#lines.finish();
    return undefined;
  }

  #line(line: string): void {
    if (line === '') return;
    if (this.#isJson) this.#readJson(line);
    else if (line.startsWith('#')) this.#readHeader(line);
    else this.#readTsv(line);
  }

  #readHeader(line: string): void {
    if (line.startsWith('#separator ')) {
      const text = line.slice('#separator '.length);
      this.#separator = text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      return;
    }
    const [key = '', ...rest] = line.split(this.#separator);
    if (key === '#unset_field') this.#unset = rest[0] ?? '-';
    if (key === '#path' && rest[0] !== 'conn') {
      throw new InputError(`found Zeek's log "${printable(rest[0])}"; allowed: its conn.log`);
    }
    if (key !== '#fields') return;
    const missing = columns.slice(0, NEEDED).find((column) => !rest.includes(column));
    if (missing !== undefined) {
      throw new InputError(`found no field ${missing}; allowed: a conn.log with ts, id and proto`);
    }
    this.#order = rest.map((name) => columns.find((column) => column === name));
  }

  #readTsv(line: string): void {
    if (this.#order.length === 0)
      throw new InputError("found a line before #fields; allowed: Zeek's header first");
    const values = this.#values;
    let start = 0;
    for (const column of this.#order) {
      if (start > line.length) {
        this.skipped.add('lines with fewer fields than the header names');
        return;
      }
      const found = line.indexOf(this.#separator, start);
      const end = found < 0 ? line.length : found;
      if (column !== undefined) {
        const text = line.slice(start, end);
        values[column] = text === this.#unset ? '' : text;
      }
      start = end + this.#separator.length;
    }
    this.#emit(values, parseSeconds(values.ts));
  }

  #readJson(line: string): void {
    let object: unknown;
    try {
      object = JSON.parse(line);
    } catch {
      this.skipped.add('lines that are no JSON');
      return;
    }
    const values = this.#values;
    for (const column of columns) {
      const value = isObject(object) ? object[column] : undefined;
      values[column] = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    }
    this.#emit(values, timeOf(values.ts));
  }

  #emit(values: Values, startMicros: number): void {
    if (Number.isNaN(startMicros)) {
      this.skipped.add(NO_TIME);
      return;
    }
    const record = recordOf(values, startMicros);
    if (record === undefined) this.skipped.add(BROKEN);
    else this.#onRecord(record);
  }
}

function empty(): Values {
  const values: Partial<Values> = {};
  for (const column of columns) values[column] = '';
  return values as Values;
}

/** JSON logs have seconds, or milliseconds (JSON::TS_MILLIS), or ISO 8601, as Zeek was told. */
function timeOf(text: string): number {
  const value = Number(text);
  if (Number.isNaN(value)) return parseDate(text);
  return parseSeconds(value > 1e11 ? String(value / 1e3) : text);
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

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function printable(text = ''): string {
  return text.slice(0, 60).replace(/[^ -~]/g, '?');
}
