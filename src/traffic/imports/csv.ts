/**
 * The table that `meshbeat export --to csv` writes, read back. Columns are found by their names, so a table whose
 * columns were reordered or added to by another program still reads; a value in quotes loses them.
 */
import type { FlowEndReason, FlowRecord } from '../flows/record.js';
import { endReasons, flowColumns } from '../flows/table.js';
import type { FlowColumn } from '../flows/table.js';
import { positionsOf } from './line-import.js';
import type { LineFormat, LineOutcome } from './line-import.js';
import { addressOf, parseCount, parsePort, parseSeconds } from './text.js';

/** Position of each column in a line. */
type Positions = Readonly<Record<FlowColumn, number>>;

const names = Object.fromEntries(flowColumns.map((column) => [column, [column]])) as unknown as Readonly<
  Record<FlowColumn, readonly string[]>
>;

export class CsvFormat implements LineFormat {
  #positions: Positions | undefined;

  line(line: string): LineOutcome {
    if (line === '') return undefined;
    const cells = line.includes('"') ? line.replaceAll('"', '').split(',') : line.split(',');
    if (this.#positions !== undefined) {
      return recordOf(cells, this.#positions) ?? "lines whose values can't be read";
    }
    this.#positions = positionsOf(cells, names, flowColumns, flowColumns.join(','));
    return undefined;
  }
}

function recordOf(cells: readonly string[], at: Positions): FlowRecord | undefined {
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
