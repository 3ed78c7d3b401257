/**
 * Zeek's conn.log, in either of its dialects: tab-separated with a header of its own, or a JSON object a line.
 *
 * A line is one connection, both directions. A line without a time of day, as logs with masked times have, is skipped
 * and counted.
 */
import { InputError } from '../../errors.js';
import type { LineFormat, LineOutcome } from './line-import.js';
import { parseDate, parseSeconds } from './text.js';
import { columns, NEEDED, zeekRecord } from './zeek-record.js';
import type { Column, Values } from './zeek-record.js';

export class ZeekTsvFormat implements LineFormat {
  readonly #values = empty();
  #separator = '\t';
  #unset = '-';
  /** Which column each position of a line is; undefined for those that are not read. */
  #order: readonly (Column | undefined)[] = [];

  line(line: string): LineOutcome {
    if (line === '') return undefined;
    if (!line.startsWith('#')) return this.#row(line);
    this.#readHeader(line);
    return undefined;
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

  #row(line: string): LineOutcome {
    if (this.#order.length === 0)
      throw new InputError("found a line before #fields; allowed: Zeek's header first");
    const values = this.#values;
    let start = 0;
    for (const column of this.#order) {
      if (start > line.length) return 'lines with fewer fields than the header names';
      const found = line.indexOf(this.#separator, start);
      const end = found < 0 ? line.length : found;
      if (column !== undefined) {
        const text = line.slice(start, end);
        values[column] = text === this.#unset ? '' : text;
      }
      start = end + this.#separator.length;
    }
    return zeekRecord(values, parseSeconds(values.ts));
  }
}

export class ZeekJsonFormat implements LineFormat {
  readonly #values = empty();

  line(line: string): LineOutcome {
    if (line === '') return undefined;
    let object: unknown;
    try {
      object = JSON.parse(line);
    } catch {
      return 'lines that are no JSON';
    }
    const values = this.#values;
    for (const column of columns) {
      const value = isObject(object) ? object[column] : undefined;
      values[column] = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    }
    return zeekRecord(values, timeOf(values.ts));
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

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function printable(text = ''): string {
  return text.slice(0, 60).replace(/[^ -~]/g, '?');
}
