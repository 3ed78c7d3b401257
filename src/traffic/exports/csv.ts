/**
 * Flow records as a table of text (RFC 4180): a header line, one record per line, lines that end with CR LF.
 *
 * The columns are those of flows/table.ts. Nothing in it needs quotes. It reads back to the same records
 * (imports/csv.ts), and any spreadsheet reads it.
 */
import { formatAddress } from '../../capture/index.js';
import type { Address } from '../../capture/index.js';
import type { FlowRecord } from '../flows/record.js';
import { endReasons, flowColumns } from '../flows/table.js';
import { recordFormat } from './format.js';

export const csv = recordFormat({
  name: 'csv',
  summary: 'a table of flow records (RFC 4180)',
  to: ['file'],
  options: {},
  open: ({ outlet }) => {
    const encoder = new TextEncoder();
    const address = addressCache();
    outlet.write(encoder.encode(`${flowColumns.join(',')}\r\n`));
    return {
      record: (record) => outlet.write(encoder.encode(csvLine(record, address))),
      finish: () => undefined,
    };
  },
});

/** The record's line; its values are in the order of {@link flowColumns}. */
export function csvLine(record: FlowRecord, address: (address: Address) => string = formatAddress): string {
  const { forward, backward } = record;
  const cells = [
    seconds(record.startMicros),
    seconds(record.endMicros),
    address(record.source),
    record.sourcePort,
    address(record.destination),
    record.destinationPort,
    record.protocol,
    forward.packets,
    forward.octets,
    backward.packets,
    backward.octets,
    forward.tcpFlags,
    backward.tcpFlags,
    endReasons[record.endReason - 1],
    record.samplingRate,
  ];
  return `${cells.join(',')}\r\n`;
}

/** Whole microseconds as seconds with six decimals; a division would not always be exact. */
function seconds(micros: number): string {
  const whole = Math.floor(micros / 1e6);
  return `${whole}.${String(micros - whole * 1e6).padStart(6, '0')}`;
}

const MAX_REMEMBERED = 65_536;

/** The text of addresses, remembered up to a bound: IPv6's costs more than the rest of a line. */
export function addressCache(): (address: Address) => string {
  const known = new Map<string, string>();
  return (address) => {
    if (address.version === 4) return formatAddress(address);
    const key = address.words.join();
    const text = known.get(key) ?? formatAddress(address);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(key, text);
    return text;
  };
}
