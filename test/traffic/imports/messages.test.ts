/** Templates and messages made byte by byte: what real exporters of the fixtures don't do, and hostile ones do. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { MessageImport } from '../../../src/traffic/imports/index.js';
import { fixture } from '../../support/fixtures.js';

type Field = readonly [id: number, length: number, enterprise?: number];

function bytes(...fields: readonly (readonly [size: number, value: number])[]): Buffer {
  return Buffer.concat(
    fields.map(([size, value]) => {
      const part = Buffer.alloc(size);
      if (size === 8) part.writeBigUInt64BE(BigInt(value));
      else part.writeUIntBE(value, 0, size);
      return part;
    }),
  );
}

const set = (id: number, ...parts: readonly Buffer[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([bytes([2, id], [2, body.length + 4]), body]);
};

function ipfix(domain: number, ...sets: readonly Buffer[]): Buffer {
  const body = Buffer.concat(sets);
  return Buffer.concat([
    bytes([2, 10], [2, body.length + 16], [4, 1_700_000_000], [4, 0], [4, domain]),
    body,
  ]);
}

function template(id: number, fields: readonly Field[]): Buffer {
  const parts = fields.map(([element, length, enterprise]) =>
    enterprise === undefined
      ? bytes([2, element], [2, length])
      : bytes([2, element | 0x8000], [2, length], [4, enterprise]),
  );
  return Buffer.concat([bytes([2, id], [2, fields.length]), ...parts]);
}

const ends: readonly Field[] = [
  [8, 4],
  [12, 4],
  [152, 8],
  [153, 8],
];
const endsOf = (source = 0x0a000001, start = 1_700_000_000_000) =>
  bytes([4, source], [4, 0x0a000002], [8, start], [8, start + 1500]);

function read(...messages: readonly Buffer[]): {
  records: FlowRecord[];
  reader: MessageImport;
  cut: number | undefined;
} {
  const records: FlowRecord[] = [];
  const reader = new MessageImport((record) => records.push(record));
  for (const message of messages) reader.push(message);
  return { records, reader, cut: reader.finish() };
}

describe('records', () => {
  test('unknown elements and those of variable length are stepped over; reverse elements are the second direction', () => {
    const fields: readonly Field[] = [
      ...ends,
      [999, 65_535, 12_345],
      [1, 8],
      [1, 8, 29_305],
      [82, 65_535],
      [2, 3, 29_305],
      [2, 2],
    ];
    const text = (length: number) =>
      Buffer.concat([
        length < 255 ? bytes([1, length]) : bytes([1, 255], [2, length]),
        Buffer.alloc(length, 65),
      ]);
    const row = (length: number) =>
      Buffer.concat([endsOf(), text(length), bytes([8, 1e12], [8, 7]), text(3), bytes([3, 70_000], [2, 9])]);
    const { records, reader } = read(
      ipfix(1, set(2, template(256, fields)), set(256, row(5), row(300), row(0))),
    );
    expect(reader.skipped.list()).toEqual([]);
    expect(records).toHaveLength(3);
    for (const record of records) {
      expect(record).toMatchObject({
        startMicros: 1_700_000_000_000_000,
        endMicros: 1_700_000_001_500_000,
        forward: { octets: 1e12, packets: 9 },
        backward: { octets: 7, packets: 70_000 },
      });
    }
  });

  test('where a template has several times or counts, the finer and the delta are read', () => {
    const fields: readonly Field[] = [[150, 4], [85, 8], ...ends, [1, 4]];
    const row = Buffer.concat([bytes([4, 5], [8, 99]), endsOf(), bytes([4, 3])]);
    const { records } = read(ipfix(1, set(2, template(256, fields)), set(256, row)));
    expect(records[0]).toMatchObject({ startMicros: 1_700_000_000_000_000, forward: { octets: 3 } });
  });

  test('a record whose time counts from an unknown start is skipped, and known once an options record tells it', () => {
    const fields: readonly Field[] = [
      [8, 4],
      [12, 4],
      [22, 4],
      [21, 4],
    ];
    const data = set(256, bytes([4, 1], [4, 2], [4, 1000], [4, 2000]));
    const options = set(3, bytes([2, 257], [2, 2], [2, 1], [2, 149], [2, 4], [2, 160], [2, 8]));
    const init = set(257, bytes([4, 1], [8, 1_699_999_000_000]));
    const { records, reader } = read(ipfix(1, set(2, template(256, fields)), data, options, init, data));
    expect(records.map(({ startMicros, endMicros }) => [startMicros, endMicros])).toEqual([
      [1_699_999_001_000_000, 1_699_999_002_000_000],
    ]);
    expect(reader.skipped.list()).toHaveLength(1);
  });

  test.each([
    ['34', [[34, 4]], [[4, 100]], 100],
    [
      '305 and 306',
      [
        [305, 4],
        [306, 4],
      ],
      [
        [4, 1],
        [4, 999],
      ],
      1000,
    ],
    [
      '309 and 310',
      [
        [309, 4],
        [310, 4],
      ],
      [
        [4, 2],
        [4, 1000],
      ],
      500,
    ],
  ] as const)('sampling told by element %s', (_, fields, values, rate) => {
    const scope = bytes([2, 257], [2, 1 + fields.length], [2, 1], [2, 149], [2, 4]);
    const options = set(3, scope, ...fields.map(([id, length]) => bytes([2, id], [2, length])));
    const told = set(257, bytes([4, 1], ...values));
    const { records } = read(
      ipfix(1, set(2, template(256, ends)), options, told, set(256, endsOf())),
      ipfix(2, set(2, template(256, ends)), set(256, endsOf())),
    );
    expect(records.map(({ samplingRate }) => samplingRate)).toEqual([rate, 1]);
  });
});

describe('templates', () => {
  const one = set(2, template(256, ends));
  const data = set(256, endsOf());

  test('belong to their domain', () => {
    const { records, reader } = read(ipfix(1, one), ipfix(2, data), ipfix(1, data));
    expect(records).toHaveLength(1);
    expect(reader.skipped.list()).toHaveLength(1);
  });

  test('are taken back, one or all of a domain', () => {
    const withdrawal = (id: number) => set(2, bytes([2, id], [2, 0]));
    const after = (...messages: readonly Buffer[]) =>
      read(ipfix(1, one), ...messages, ipfix(1, data)).records.length;
    expect(after()).toBe(1);
    expect(after(ipfix(1, withdrawal(256)))).toBe(0);
    expect(after(ipfix(1, withdrawal(257)))).toBe(1);
    expect(after(ipfix(1, withdrawal(2)))).toBe(0);
    expect(after(ipfix(2, withdrawal(2)))).toBe(1);
    expect(after(ipfix(1, set(2, Buffer.alloc(4))))).toBe(1);
  });

  test('of no bytes are refused, or their sets would have no end', () => {
    const { records, reader } = read(ipfix(1, set(2, template(256, [[8, 0]])), data));
    expect(records).toEqual([]);
    expect(reader.skipped.list()).toHaveLength(2);
  });

  test('are forgotten when there are too many, the oldest first', () => {
    const many = Array.from({ length: 1024 }, (_, at) => ipfix(1, set(2, template(257 + at, ends))));
    expect(read(ipfix(1, one), ...many.slice(1), ipfix(1, data)).records).toHaveLength(1);
    expect(read(ipfix(1, one), ...many, ipfix(1, data)).records).toHaveLength(0);
  });
});

describe('files', () => {
  const whole = readFileSync(fixture('flows/softflowd-micro.ipfix'));

  test('are read the same in pieces of any size', () => {
    const { records } = read(whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const pieces: Buffer[] = [];
        for (let at = 0, turn = 0; at < whole.length; turn += 1) {
          const size = sizes[turn % sizes.length]!;
          pieces.push(whole.subarray(at, at + size));
          at += size;
        }
        const again = read(...pieces);
        expect(again.cut).toBeUndefined();
        expect(again.records).toEqual(records);
      }),
      { numRuns: 30 },
    );
  });

  test('that were cut off give what is whole and say where', () => {
    const messageLength = whole.readUInt16BE(2);
    const { records, cut } = read(whole.subarray(0, messageLength + 30));
    expect(records.length).toBeGreaterThan(10);
    expect(cut).toBe(messageLength);
  });

  test('of three versions may be one file', () => {
    const names = ['softflowd.netflow9', 'softflowd.netflow5', 'softflowd-micro.ipfix', 'softflowd.netflow9'];
    const { records } = read(...names.map((name) => readFileSync(fixture(`flows/${name}`))));
    expect(records).toHaveLength(57 + 54 + 57 + 57);
  });

  test('of anything else end in records, a note or an InputError, never in another one', () => {
    const pick = fc.constantFrom('softflowd.netflow9', 'softflowd.netflow5', 'softflowd-biflow.ipfix');
    const change = fc.tuple(fc.nat({ max: 4000 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(pick, fc.array(change, { maxLength: 12 }), (name, changes) => {
        const damaged = Buffer.from(readFileSync(fixture(`flows/${name}`)));
        for (const [at, value] of changes) damaged[at % damaged.length] = value;
        try {
          const { records } = read(damaged);
          for (const { startMicros, endMicros } of records) {
            expect(Number.isSafeInteger(startMicros) && endMicros >= startMicros).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 200 },
    );
  });
});
