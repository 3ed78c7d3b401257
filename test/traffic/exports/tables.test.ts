/** CSV and Parquet: what is written reads back, by our reader and by one that shares no code with us. */
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { readParquet } from 'parquet-wasm/node';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../src/capture/index.js';
import type { ExportSettings } from '../../../src/traffic/exports/index.js';
import { exportFormatNamed } from '../../../src/traffic/exports/index.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { endReasons, flowColumns } from '../../../src/traffic/flows/table.js';
import { flowImport } from '../../../src/traffic/imports/index.js';
import { unsampled } from '../../../src/traffic/sampling/index.js';
import { flowRecords } from '../../support/flow-records.js';

const settings: ExportSettings = {
  activeTimeoutSeconds: 60,
  idleTimeoutSeconds: 15,
  biflow: true,
  sampling: unsampled,
};

/** What the format writes, and how many bytes it held back at most. */
async function written(
  name: 'csv' | 'parquet',
  records: Iterable<FlowRecord>,
  given = {},
): Promise<{ bytes: Buffer; writes: number }> {
  const parts: Buffer[] = [];
  const outlet = {
    isCollector: false,
    write: (bytes: Uint8Array) => void parts.push(Buffer.from(bytes)),
    drain: () => undefined,
    close: () => undefined,
  };
  const format = exportFormatNamed(name);
  if (format.eats !== 'records') expect.fail('a format of packets');
  const sink = await format.open({ settings, outlet }, given);
  for (const record of records) sink.record(record);
  await sink.finish();
  return { bytes: Buffer.concat(parts), writes: parts.length };
}

const several = fc.array(flowRecords, { minLength: 1, maxLength: 20 });

describe('csv', () => {
  test('reads back to the same records', async () => {
    await fc.assert(
      fc.asyncProperty(several, async (records) => {
        const { bytes } = await written('csv', records);
        const back: FlowRecord[] = [];
        const reader = flowImport('meshbeat-csv', (record) => back.push(record));
        reader.push(bytes);
        reader.finish();
        expect(reader.skipped.list()).toEqual([]);
        expect(back).toEqual(records);
      }),
    );
  });

  test('is RFC 4180: one header, lines of as many cells that end with CR LF', async () => {
    const [record] = fc.sample(flowRecords, 1);
    const text = (await written('csv', [record!])).bytes.toString();
    const [header, row, rest] = text.split('\r\n');
    expect(header).toBe(flowColumns.join(','));
    expect(row!.split(',')).toHaveLength(flowColumns.length);
    expect(rest).toBe('');
  });
});

describe('parquet, read by the Rust implementation', () => {
  const read = (bytes: Buffer) => tableFromIPC(readParquet(bytes).intoIPCStream());

  test.each(['snappy', 'none'])('has every record, compressed with %s', async (compression) => {
    await fc.assert(
      fc.asyncProperty(several, async (records) => {
        const { bytes } = await written('parquet', records, { compression });
        const table = read(bytes);
        expect(table.schema.fields.map(({ name }) => name)).toEqual([...flowColumns]);
        expect(table.numRows).toBe(records.length);
        const column = (name: string) => table.getChild(name)!;
        records.forEach((record, at) => {
          const raw = (name: string) => column(name).get(at) as unknown;
          expect(raw('source')).toBe(formatAddress(record.source));
          expect(raw('destination')).toBe(formatAddress(record.destination));
          expect(raw('source_port')).toBe(record.sourcePort);
          expect(raw('destination_port')).toBe(record.destinationPort);
          expect(raw('protocol')).toBe(record.protocol);
          expect(raw('packets')).toBe(BigInt(record.forward.packets));
          expect(raw('bytes')).toBe(BigInt(record.forward.octets));
          expect(raw('reverse_packets')).toBe(BigInt(record.backward.packets));
          expect(raw('reverse_bytes')).toBe(BigInt(record.backward.octets));
          expect(raw('tcp_flags')).toBe(record.forward.tcpFlags);
          expect(raw('reverse_tcp_flags')).toBe(record.backward.tcpFlags);
          expect(raw('end_reason')).toBe(endReasons[record.endReason - 1]);
          expect(raw('sampling_rate')).toBe(record.samplingRate);
        });
        // Arrow's accessor makes milliseconds of any time stamp; the raw values are microseconds.
        const starts = column('start').data.flatMap(({ values }) => [...(values as BigInt64Array)]);
        expect(starts).toEqual(records.map(({ startMicros }) => BigInt(startMicros)));
        const ends = column('end').data.flatMap(({ values }) => [...(values as BigInt64Array)]);
        expect(ends).toEqual(records.map(({ endMicros }) => BigInt(endMicros)));
        expect(String(column('start').type)).toBe('Timestamp<MICROSECOND, UTC>');
      }),
      { numRuns: 12 },
    );
  });

  test('comes in row groups, each handed on when it is full', async () => {
    const [record] = fc.sample(flowRecords, 1);
    const many = Array.from({ length: 140_000 }, () => record!);
    const { bytes, writes } = await written('parquet', many);
    expect(read(bytes).numRows).toBe(140_000);
    expect(writes).toBe(4);
  });

  test('without records says so, for it would be no file that all can read', async () => {
    await expect(written('parquet', [])).rejects.toThrow('no flow records');
  });

  test('refuses another compression', async () => {
    await expect(written('parquet', [], { compression: 'lzma' })).rejects.toThrow(
      '--compression: found "lzma"; allowed: snappy, none',
    );
  });
});
