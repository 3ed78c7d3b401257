/**
 * What nfdump prints: `-o csv` and its table (`-o line`, `long`, `extended`). Its JSON is in nfdump-json.ts.
 *
 * nfdump prints local time without saying which; we read UTC, so run it as `TZ=UTC nfdump`. Its CSV (1.7.1) has whole
 * seconds and a duration in milliseconds, the other two have milliseconds: prefer JSON where starts matter. Bytes and
 * packets are already multiplied by the sampling rate there (nfdump does so when it collects), so records read here
 * say rate 1. What was paired to biflows by `-B` has its second direction in the out columns.
 */
import { InputError } from '../../errors.js';
import type { FlowHandler } from '../flows/record.js';
import type { FlowImport } from './import.js';
import { Skips } from './import.js';
import { Lines } from './lines.js';
import { endReasonOf } from './template-record.js';
import { addressOf, parseCount, parseDate, parseFlags, parsePort, parseProtocol } from './text.js';

/** A flow as text, whatever the dialect; empty where it says nothing. */
export interface NfdumpFlow {
  readonly first: string;
  readonly last: string;
  /** Seconds. */
  readonly duration: string;
  readonly protocol: string;
  readonly source: string;
  readonly sourcePort: string;
  readonly destination: string;
  /** For ICMP `type.code`, or NetFlow's number. */
  readonly destinationPort: string;
  readonly flags: string;
  readonly packets: string;
  readonly octets: string;
  readonly backPackets: string;
  readonly backOctets: string;
}

/** Calls back with the flow's record, or counts why there is none. */
export function emitNfdump(flow: NfdumpFlow, skipped: Skips, onRecord: FlowHandler): void {
  const source = addressOf(flow.source.trim());
  const destination = addressOf(flow.destination.trim());
  if (source === undefined || destination === undefined) {
    skipped.add(
      "records whose addresses can't be read (nfdump shortens IPv6 in its tables: use -o csv or -6)",
    );
    return;
  }
  const startMicros = parseDate(flow.first);
  // Its CSV has ends in whole seconds, and a duration that is exact.
  const endMicros =
    flow.duration === '' ? parseDate(flow.last) : startMicros + Math.round(Number(flow.duration) * 1e6);
  const protocol = parseProtocol(flow.protocol);
  const isIcmp = protocol === 1 || protocol === 58;
  const destinationPort = portOf(flow.destinationPort);
  const count = (text: string) => (text === '' ? 0 : parseCount(text));
  const tcpFlags = protocol === 6 ? parseFlags(flow.flags.trim()) : 0;
  const sourcePort = flow.sourcePort === '' || isIcmp ? 0 : parsePort(flow.sourcePort);
  const forward = { packets: count(flow.packets), octets: count(flow.octets), tcpFlags };
  const backward = { packets: count(flow.backPackets), octets: count(flow.backOctets), tcpFlags: 0 };
  const sum = forward.packets + forward.octets + backward.packets + backward.octets;
  if (!(startMicros >= 0 && endMicros >= startMicros && Number.isSafeInteger(endMicros)))
    skipped.add('records without a time');
  else if (protocol === undefined || !(sourcePort + destinationPort + sum >= 0)) {
    skipped.add("records whose protocol, ports or counts can't be read");
  } else {
    onRecord({
      source,
      destination,
      sourcePort,
      destinationPort,
      protocol,
      startMicros,
      endMicros,
      forward,
      backward,
      endReason: endReasonOf(0, tcpFlags),
      samplingRate: 1,
    });
  }
}

function portOf(text: string): number {
  if (text === '') return 0;
  const [type, code] = text.split('.');
  return parsePort(code === undefined ? text : String(Number(type) * 256 + Number(code)));
}

/** Names of the columns, of nfdump 1.6 and 1.7 and, behind them, of 1.7.3 and later. */
const aliases: Readonly<Record<keyof NfdumpFlow, readonly string[]>> = {
  first: ['ts', 'firstSeen'],
  last: ['te', 'lastSeen'],
  duration: ['td', 'duration'],
  protocol: ['pr', 'proto'],
  source: ['sa', 'srcAddr'],
  sourcePort: ['sp', 'srcPort'],
  destination: ['da', 'dstAddr'],
  destinationPort: ['dp', 'dstPort'],
  flags: ['flg', 'flags'],
  packets: ['ipkt', 'packets', 'inPackets'],
  octets: ['ibyt', 'bytes', 'inBytes'],
  backPackets: ['opkt', 'outPackets'],
  backOctets: ['obyt', 'outBytes'],
};

/** `nfdump -o csv`. */
export class NfdumpCsvImport implements FlowImport {
  readonly skipped = new Skips();
  readonly #lines: Lines;
  readonly #onRecord: FlowHandler;
  /** Position of each value in a line; -1 for none. */
  #positions: Readonly<Record<keyof NfdumpFlow, number>> | undefined;
  #isOver = false;

  constructor(onRecord: FlowHandler) {
    this.#onRecord = onRecord;
    this.#lines = new Lines((line) => this.#line(line));
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  finish(): undefined {
    this.#lines.finish();
    return undefined;
  }

  #line(line: string): void {
    if (line === 'Summary') this.#isOver = true;
    if (this.#isOver || line === '') return;
    if (this.#positions === undefined) {
      this.#positions = positionsOf(line.split(','));
      return;
    }
    // nfdump quotes nothing.
    const cells = line.split(',');
    const cell = (key: keyof NfdumpFlow) => cells[this.#positions?.[key] ?? -1] ?? '';
    const flow: NfdumpFlow = {
      first: cell('first'),
      last: cell('last'),
      duration: cell('duration'),
      protocol: cell('protocol'),
      source: cell('source'),
      sourcePort: cell('sourcePort'),
      destination: cell('destination'),
      destinationPort: cell('destinationPort'),
      flags: cell('flags'),
      packets: cell('packets'),
      octets: cell('octets'),
      backPackets: cell('backPackets'),
      backOctets: cell('backOctets'),
    };
    emitNfdump(flow, this.skipped, this.#onRecord);
  }
}

function positionsOf(header: readonly string[]): Record<keyof NfdumpFlow, number> {
  const position = (key: keyof NfdumpFlow) => header.findIndex((name) => aliases[key].includes(name.trim()));
  const keys = Object.keys(aliases) as (keyof NfdumpFlow)[];
  const entries = keys.map((key) => [key, position(key)] as const);
  const missing = entries.find(([key, at]) => at < 0 && needed.includes(key));
  if (missing !== undefined) {
    throw new InputError(
      `found no column ${aliases[missing[0]].join(' or ')}; allowed: the output of nfdump -o csv`,
    );
  }
  return Object.fromEntries(entries) as Record<keyof NfdumpFlow, number>;
}

const needed: readonly (keyof NfdumpFlow)[] = [
  'first',
  'source',
  'destination',
  'protocol',
  'packets',
  'octets',
];

/** `2011-03-18 19:06:08.853     00:00:00.000 UDP  10.0.0.1:43927 ->  10.0.0.2:53  ........   0   1   66   1` */
const row =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\s+(?:(\d+):(\d\d):)?(\d+\.\d{3})\s+(\S+)\s+(\S+)\s+<?->\s+(\S+)\s+([A-Z.]{6,8}|0x[0-9a-f]+)?\s*(.*)$/i;

/** nfdump's tables for people: `-o line` (the default), `-o long`, `-o extended`. */
export class NfdumpTableImport implements FlowImport {
  readonly skipped = new Skips();
  readonly #lines: Lines;
  readonly #onRecord: FlowHandler;
  #header = '';

  constructor(onRecord: FlowHandler) {
    this.#onRecord = onRecord;
    this.#lines = new Lines((line) => this.#line(line));
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  finish(): undefined {
    this.#lines.finish();
    return undefined;
  }

  #line(line: string): void {
    if (line.startsWith('Date first seen')) this.#header = line;
    if (!/^\d{4}-/.test(line)) return;
    const match = row.exec(line);
    if (match === null) {
      this.skipped.add('lines that are no flow');
      return;
    }
    const [
      ,
      first = '',
      hours = '0',
      minutes = '0',
      seconds = '0',
      protocol = '',
      from = '',
      to = '',
      flags = '',
    ] = match;
    const rest = numbersOf(match[9] ?? '');
    if (this.#header.includes('Tos')) rest.shift();
    const [source, sourcePort] = endpoint(from);
    const [destination, destinationPort] = endpoint(to);
    const duration = String(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
    const [packets = '', octets = ''] = rest;
    const counts = { packets, octets, backPackets: '', backOctets: '' };
    const flow = {
      first,
      last: '',
      duration,
      protocol,
      flags,
      source,
      sourcePort,
      destination,
      destinationPort,
    };
    emitNfdump({ ...flow, ...counts }, this.skipped, this.#onRecord);
  }
}

/** Address and port: `10.0.0.1:80`, `2001:db8::1.80`, for ICMP `10.0.0.1:8.0`. */
function endpoint(text: string): [address: string, port: string] {
  const isIpv4 = /^[\d.]+:/.test(text);
  const at = isIpv4 ? text.indexOf(':') : text.lastIndexOf('.');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The numbers of a table's row; large ones are printed as `1.2 M`, in units of 1000. */
function numbersOf(text: string): string[] {
  const factors: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  return [...text.matchAll(/([\d.]+)(?: ([KMGT])(?= |$))?/g)].map(([, number = '', unit = '']) =>
    String(Math.round(Number(number) * (factors[unit] ?? 1))),
  );
}
