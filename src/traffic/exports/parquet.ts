/**
 * Flow records as Apache Parquet: the columns of flows/table.ts with types, for DuckDB, pandas, Spark and their kind.
 *
 * Records gather to row groups, and a full one is written and forgotten, so memory stays bounded whatever the file
 * grows to; only its directory, some hundred bytes per group and column, waits for the end. Bytes and packets are
 * 64-bit integers, start and end are time stamps in microseconds, UTC.
 */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { InputError, RunError } from '../../errors.js';
import type { FlowRecord } from '../flows/record.js';
import { endReasons, flowColumns } from '../flows/table.js';
import type { FlowColumn } from '../flows/table.js';
import { addressCache } from './csv.js';
import { recordFormat } from './format.js';
import type { FormatOption, RecordSink } from './format.js';
import type { Outlet } from './outlet.js';

/** Readers read a group at a time, too; with 65,536 rows it is about 2 MB. */
const ROWS_PER_GROUP = 65_536;

type Codec = 'SNAPPY' | 'UNCOMPRESSED';
const codecs: Readonly<Record<string, Codec>> = { snappy: 'SNAPPY', none: 'UNCOMPRESSED' };

const compression: FormatOption<Codec> = {
  flags: '--compression <codec>',
  description: 'snappy (default) or none',
  parse: (text) => {
    const codec = Object.hasOwn(codecs, text) ? codecs[text] : undefined;
    if (codec !== undefined) return codec;
    throw new InputError(`--compression: found "${text}"; allowed: ${Object.keys(codecs).join(', ')}`);
  },
  otherwise: 'SNAPPY',
};

export const parquet = recordFormat({
  name: 'parquet',
  summary: 'Apache Parquet, a typed table of flow records',
  to: ['file'],
  options: { compression },
  open: ({ outlet }, options) => new ParquetSink(outlet, options.compression),
});

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];
type Kind = Omit<SchemaElement, 'name'>;

const time: Kind = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MICROS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
};
const text: Kind = { type: 'BYTE_ARRAY', converted_type: 'UTF8' };
const count: Kind = { type: 'INT64' };
const small = (bits: 8 | 16): Kind => ({ type: 'INT32', converted_type: bits === 8 ? 'UINT_8' : 'UINT_16' });

/** A column's type, and a record's value in it. */
interface Column {
  readonly kind: Kind;
  readonly value: (record: FlowRecord) => string | number | bigint;
}

function columnsOf(): Readonly<Record<FlowColumn, Column>> {
  const address = addressCache();
  return {
    start: { kind: time, value: (record) => BigInt(record.startMicros) },
    end: { kind: time, value: (record) => BigInt(record.endMicros) },
    source: { kind: text, value: (record) => address(record.source) },
    source_port: { kind: small(16), value: (record) => record.sourcePort },
    destination: { kind: text, value: (record) => address(record.destination) },
    destination_port: { kind: small(16), value: (record) => record.destinationPort },
    protocol: { kind: small(8), value: (record) => record.protocol },
    packets: { kind: count, value: (record) => BigInt(record.forward.packets) },
    bytes: { kind: count, value: (record) => BigInt(record.forward.octets) },
    reverse_packets: { kind: count, value: (record) => BigInt(record.backward.packets) },
    reverse_bytes: { kind: count, value: (record) => BigInt(record.backward.octets) },
    tcp_flags: { kind: small(8), value: (record) => record.forward.tcpFlags },
    reverse_tcp_flags: { kind: small(8), value: (record) => record.backward.tcpFlags },
    end_reason: { kind: text, value: (record) => endReasons[record.endReason - 1] ?? '' },
    sampling_rate: { kind: { type: 'DOUBLE' }, value: (record) => record.samplingRate },
  };
}

class ParquetSink implements RecordSink {
  readonly #columns = columnsOf();
  readonly #writer: ParquetWriter;
  #rows: FlowRecord[] = [];

  constructor(outlet: Outlet, codec: Codec) {
    const columns = flowColumns.map((name) => ({
      name,
      repetition_type: 'REQUIRED' as const,
      ...this.#columns[name].kind,
    }));
    this.#writer = new ParquetWriter({
      writer: new OutletWriter(outlet),
      schema: [{ name: 'flows', num_children: columns.length }, ...columns],
      codec,
      createdBy: 'meshbeat',
    });
  }

  record(record: FlowRecord): void {
    this.#rows.push(record);
    if (this.#rows.length >= ROWS_PER_GROUP) this.#writeGroup();
  }

  async finish(): Promise<void> {
    if (this.#rows.length > 0) this.#writeGroup();
    // hyparquet-writer gives an empty list of row groups a type that strict readers refuse.
    if (this.#writer.num_rows === 0n)
      throw new RunError('no flow records; a Parquet file needs at least one');
    await this.#writer.finish();
  }

  #writeGroup(): void {
    const rows = this.#rows;
    this.#rows = [];
    const columnData = flowColumns.map((name) => ({
      name,
      data: rows.map(this.#columns[name].value),
      offsetIndex: false,
    }));
    void this.#writer.write({ columnData, rowGroupSize: ROWS_PER_GROUP });
  }
}

/** Hands each group on as soon as it is whole. */
class OutletWriter extends ByteWriter {
  readonly #outlet: Outlet;

  constructor(outlet: Outlet) {
    super();
    this.#outlet = outlet;
  }

  flush(): void {
    this.#outlet.write(new Uint8Array(this.buffer, 0, this.index));
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}
