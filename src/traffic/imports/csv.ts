/**
 * The table that `meshbeat export --to csv` writes, read back. Columns are found by their names, so a table whose
 * columns were reordered or added to by another program still reads; a value in quotes loses them.
 */
import { InputError } from '../../errors.js';
import type { FlowEndReason, FlowHandler, FlowRecord } from '../flows/record.js';
import { endReasons, flowColumns } from '../flows/table.js';
import type { FlowColumn } from '../flows/table.js';
import type { FlowImport } from './import.js';
import { Skips } from './import.js';
import { Lines } from './lines.js';
import { addressOf, parseCount, parsePort, parseSeconds } from './text.js';

export class CsvImport implements FlowImport {
  readonly skipped = new Skips();
  readonly #lines: Lines;
  readonly #onRecord: FlowHandler;
  /** Position of each column in a line. */
  #positions: Readonly<Record<FlowColumn, number>> | undefined;

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
    if (line === '') return;
    const cells = line.includes('"') ? line.replaceAll('"', '').split(',') : line.split(',');
    if (this.#positions === undefined) {
      this.#positions = positionsOf(cells);
      return;
    }
    const record = recordOf(cells, this.#positions);
    if (record === undefined) this.skipped.add("lines whose values can't be read");
    else this.#onRecord(record);
  }
}

function positionsOf(header: readonly string[]): Record<FlowColumn, number> {
  const entries = flowColumns.map((column) => [column, header.indexOf(column)] as const);
  const missing = entries.find(([, at]) => at < 0);
  if (missing !== undefined) {
    throw new InputError(`found no column ${missing[0]}; allowed: ${flowColumns.join(',')}`);
  }
  return Object.fromEntries(entries) as Record<FlowColumn, number>;
}

function recordOf(
  cells: readonly string[],
  at: Readonly<Record<FlowColumn, number>>,
): FlowRecord | undefined {
  const count = (column: FlowColumn) => parseCount(cells[at[column]] ?? '');
  const source = addressOf(cells[at.source] ?? '');
  const destination = addressOf(cells[at.destination] ?? '');
  const startMicros = parseSeconds(cells[at.start] ?? '');
  const endMicros = parseSeconds(cells[at.end] ?? '');
  const endReason = endReasons.findIndex((word) => word === cells[at.end_reason]) + 1;
  if (source === undefined || destination === undefined || endReason === 0) return undefined;
  const record: FlowRecord = {
    source,
    destination,
    sourcePort: parsePort(cells[at.source_port] ?? ''),
    destinationPort: parsePort(cells[at.destination_port] ?? ''),
    protocol: count('protocol'),
    startMicros,
    endMicros,
    forward: { packets: count('packets'), octets: count('bytes'), tcpFlags: count('tcp_flags') },
    backward: {
      packets: count('reverse_packets'),
      octets: count('reverse_bytes'),
      tcpFlags: count('reverse_tcp_flags'),
    },
    endReason: endReason as FlowEndReason,
    samplingRate: Number(cells[at.sampling_rate]),
  };
  return isWhole(record) ? record : undefined;
}

/** Comparisons with NaN, which stands for what can't be read, are false. */
function isWhole({ forward, backward, ...record }: FlowRecord): boolean {
  const sum =
    record.sourcePort +
    record.destinationPort +
    record.protocol +
    forward.packets +
    forward.octets +
    forward.tcpFlags +
    backward.packets +
    backward.octets +
    backward.tcpFlags;
  return (
    sum >= 0 &&
    record.startMicros >= 0 &&
    record.endMicros >= record.startMicros &&
    record.samplingRate >= 1 &&
    record.samplingRate < Infinity
  );
}
