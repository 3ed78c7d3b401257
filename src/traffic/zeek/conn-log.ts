/**
 * Writes conn.log as Zeek does: tab-separated with its header lines, or a JSON object a line.
 *
 * The header's #open and #close are the times of the first and the last packet, so that the same capture gives the same
 * file; Zeek has the wall clock there.
 */
import type { ConnRecord } from './conn-record.js';
import { connColumns, macColumns } from './columns.js';
import type { ConnColumn } from './columns.js';

type Field = string | number | bigint | boolean | readonly string[] | undefined;

/** The fields in the columns' order. */
function fieldsOf(record: ConnRecord, withMac: boolean): Field[] {
  const fields: Field[] = [
    secondsOf(record.startMicros),
    record.uid,
    record.originator,
    record.originatorPort,
    record.responder,
    record.responderPort,
    record.proto,
    record.service,
    record.durationMicros === undefined ? undefined : secondsOf(record.durationMicros),
    record.originatorBytes,
    record.responderBytes,
    record.state,
    record.isOriginatorLocal,
    record.isResponderLocal,
    record.missedBytes,
    record.history,
    record.originatorPackets,
    record.originatorIpBytes,
    record.responderPackets,
    record.responderIpBytes,
    record.tunnelParents.length > 0 ? record.tunnelParents : undefined,
    record.protocol,
  ];
  if (withMac) fields.push(record.originatorMac, record.responderMac);
  return fields;
}

/** "1.500000": whole microseconds, which a double of seconds since 1970 can't tell. */
function secondsOf(micros: number): string {
  const fraction = String(micros % 1e6).padStart(6, '0');
  return `${Math.floor(micros / 1e6)}.${fraction}`;
}

export interface ConnLogFormat {
  readonly json: boolean;
  /** With the two columns of MAC addresses. */
  readonly mac: boolean;
}

function columnsOf({ mac }: ConnLogFormat): readonly ConnColumn[] {
  return mac ? [...connColumns, ...macColumns] : connColumns;
}

/** The lines before the first row; empty for JSON. @param openMicros time of the first packet. */
export function connLogHeader(format: ConnLogFormat, openMicros: number): string {
  if (format.json) return '';
  const columns = columnsOf(format);
  return [
    '#separator \\x09',
    '#set_separator\t,',
    '#empty_field\t(empty)',
    '#unset_field\t-',
    '#path\tconn',
    `#open\t${dateOf(openMicros)}`,
    ['#fields', ...columns.map(({ name }) => name)].join('\t'),
    ['#types', ...columns.map(({ type }) => type)].join('\t'),
    '',
  ].join('\n');
}

/** The line after the last row; empty for JSON. */
export function connLogFooter(format: ConnLogFormat, closeMicros: number): string {
  return format.json ? '' : `#close\t${dateOf(closeMicros)}\n`;
}

/** A row with its line end. */
export function connLogRow(record: ConnRecord, format: ConnLogFormat): string {
  const fields = fieldsOf(record, format.mac);
  return `${format.json ? jsonOf(fields, columnsOf(format)) : fields.map(textOf).join('\t')}\n`;
}

function textOf(field: Field): string {
  if (field === undefined) return '-';
  if (typeof field === 'boolean') return field ? 'T' : 'F';
  return typeof field === 'object' ? field.join(',') : String(field);
}

/** Zeek leaves out what is unset. Times are numbers, written digit by digit. */
function jsonOf(fields: readonly Field[], columns: readonly ConnColumn[]): string {
  const members = columns.flatMap(({ name, type }, index) => {
    const field = fields[index];
    if (field === undefined) return [];
    const isPlain = typeof field === 'bigint' || type === 'time' || type === 'interval';
    return [`${JSON.stringify(name)}:${isPlain ? String(field) : JSON.stringify(field)}`];
  });
  return `{${members.join(',')}}`;
}

/** "2026-11-26-15-40-09", UTC. */
function dateOf(micros: number): string {
  return new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19).replace(/[T:]/g, '-');
}
