import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { ipfixSink } from '../../../src/traffic/exports/ipfix.js';
import { netflow9Sink } from '../../../src/traffic/exports/netflow9.js';
import { eachDirection } from '../../../src/traffic/exports/uniflow.js';
import type { ExportSettings } from '../../../src/traffic/exports/index.js';
import { MessageImport } from '../../../src/traffic/imports/index.js';
import { samplingMethods } from '../../../src/traffic/sampling/index.js';
import { MemoryOutlet, records, settings } from '../../support/exports.js';

const options = {
  messageBytes: undefined as number | undefined,
  domain: 7,
  templateEvery: 20,
  microseconds: false,
};

function messagesOf(
  sink: typeof ipfixSink | typeof netflow9Sink,
  list: readonly FlowRecord[],
  more: Partial<typeof options> & { settings?: Partial<ExportSettings>; toFile?: boolean } = {},
): Buffer[] {
  const outlet = new MemoryOutlet(more.toFile !== true);
  const writer = sink({ settings: { ...settings, ...more.settings }, outlet }, { ...options, ...more });
  for (const record of list) writer.record(record);
  void writer.finish();
  return outlet.written;
}

/** What the house's own reader, which was written by other hands, makes of messages. */
function read(messages: readonly Uint8Array[]): FlowRecord[] {
  const found: FlowRecord[] = [];
  const reader = new MessageImport((record) => found.push(record));
  for (const message of messages) reader.push(message);
  expect(reader.finish()).toBeUndefined();
  expect(reader.skipped.list()).toEqual([]);
  return found;
}

const lists = fc.array(records, { maxLength: 60 });

describe('IPFIX', () => {
  test('what is written is read', () => {
    fc.assert(
      fc.property(lists, fc.boolean(), (list, toFile) => {
        expect(read(messagesOf(ipfixSink, list, { toFile }))).toEqual(list);
      }),
    );
  });

  test('microseconds survive, if asked for', () => {
    fc.assert(
      fc.property(lists, fc.nat(999), (list, more) => {
        const finer = list.map((record) => ({ ...record, endMicros: record.endMicros + more }));
        expect(read(messagesOf(ipfixSink, finer, { microseconds: true }))).toEqual(finer);
      }),
    );
  });

  test('without biflows each direction is a record', () => {
    fc.assert(
      fc.property(lists, (list) => {
        const directions: FlowRecord[] = [];
        for (const record of list) eachDirection((one) => directions.push(one))(record);
        expect(read(messagesOf(ipfixSink, list, { settings: { biflow: false } }))).toEqual(directions);
      }),
    );
  });

  test('headers count bytes and data records; no message is too long', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 512, max: 2000 }), (list, messageBytes) => {
        let before = 0;
        for (const message of messagesOf(ipfixSink, list, { messageBytes })) {
          expect(message.length).toBeLessThanOrEqual(messageBytes);
          expect(message.readUInt16BE(0)).toBe(10);
          expect(message.readUInt16BE(2)).toBe(message.length);
          expect(message.readUInt32BE(8)).toBe(before);
          expect(message.readUInt32BE(12)).toBe(7);
          before += dataRecords(message);
        }
        expect(before).toBe(list.length + 2 * announcements(messagesOf(ipfixSink, list, { messageBytes })));
      }),
    );
  });

  test('to a collector, templates come again; in a file, once', () => {
    const [record] = fc.sample(records, { numRuns: 1, seed: 1 });
    const many = Array<FlowRecord>(3000).fill(record!);
    const messages = messagesOf(ipfixSink, many, { templateEvery: 10 });
    expect(announcements(messages)).toBe(Math.ceil(messages.length / 10));
    expect(read(messages.slice(10))).toHaveLength(read(messages).length - read(messages.slice(0, 10)).length);
    expect(announcements(messagesOf(ipfixSink, many, { toFile: true }))).toBe(1);
  });

  test.each(samplingMethods)('the rate of %s sampling is told', (method) => {
    const [record] = fc.sample(records, { numRuns: 1, seed: 2 });
    const sampled = { ...record!, samplingRate: 1000 };
    const messages = messagesOf(ipfixSink, [sampled], {
      settings: { sampling: { rate: 1000, method, seed: 1 } },
    });
    expect(read(messages)).toEqual([sampled]);
  });

  test('records of several rates keep each their own', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(records, fc.constantFrom(1, 10, 64, 5000)), { maxLength: 40 }),
        (pairs) => {
          const list = pairs.map(([record, samplingRate]) => ({ ...record, samplingRate }));
          expect(read(messagesOf(ipfixSink, list))).toEqual(list);
        },
      ),
    );
  });

  test('the same records make the same bytes', () => {
    const list = fc.sample(records, { numRuns: 200, seed: 3 });
    const bytes = () => Buffer.concat(messagesOf(ipfixSink, list, { toFile: true }));
    expect(bytes().equals(bytes())).toBe(true);
  });

  test('an export of nothing tells its templates', () => {
    const messages = messagesOf(ipfixSink, []);
    expect(messages).toHaveLength(1);
    expect(announcements(messages)).toBe(1);
  });
});

describe('NetFlow v9', () => {
  /** What v9 doesn't tell. */
  const without = (list: readonly FlowRecord[]) => list.map((record) => ({ ...record, endReason: 0 }));
  const directionsOf = (list: readonly FlowRecord[]) => {
    const directions: FlowRecord[] = [];
    for (const record of list) eachDirection((one) => directions.push(one))(record);
    return directions;
  };

  test('what is written is read, each direction by itself, also when the clock runs over', () => {
    fc.assert(
      fc.property(lists, fc.boolean(), (list, toFile) => {
        const messages = messagesOf(netflow9Sink, list, { toFile });
        expect(without(read(messages))).toEqual(without(directionsOf(list)));
      }),
    );
  });

  test('headers count records and messages; no record ends after its message was sent', () => {
    fc.assert(
      fc.property(lists, (list) => {
        messagesOf(netflow9Sink, list).forEach((message, index) => {
          expect(message.readUInt16BE(0)).toBe(9);
          expect(message.readUInt16BE(2)).toBe(dataRecords(message) + 4 * announcements([message]));
          expect(message.readUInt32BE(12)).toBe(index);
          expect(message.readUInt32BE(16)).toBe(7);
          expect(message.length).toBeLessThanOrEqual(1400);
        });
      }),
    );
  });

  test('the rate is told', () => {
    const list = fc
      .sample(records, { numRuns: 20, seed: 4 })
      .map((record) => ({ ...record, samplingRate: 512 }));
    const sampling = { rate: 512, method: 'random', seed: 1 } as const;
    const messages = messagesOf(netflow9Sink, list, { settings: { sampling } });
    expect(read(messages).every(({ samplingRate }) => samplingRate === 512)).toBe(true);
  });

  test('a record that is longer than the clock keeps its end and its counts', () => {
    const [record] = fc.sample(records, { numRuns: 1, seed: 5 });
    const long = {
      ...record!,
      startMicros: record!.endMicros - 60 * 86_400e6,
      backward: { packets: 0, octets: 0, tcpFlags: 0 },
    };
    const [found] = read(messagesOf(netflow9Sink, [long]));
    expect(found).toMatchObject({ endMicros: long.endMicros, forward: long.forward });
    expect(found!.startMicros).toBeGreaterThan(long.startMicros);
  });
});

/** Sets of a message: number and bytes, without the head. */
function setsOf(message: Buffer): { id: number; body: Buffer }[] {
  const sets = [];
  for (let at = message.readUInt16BE(0) === 10 ? 16 : 20; at < message.length;) {
    const length = message.readUInt16BE(at + 2);
    sets.push({ id: message.readUInt16BE(at), body: message.subarray(at + 4, at + length) });
    at += length;
  }
  return sets;
}

/** Messages that begin with templates. */
function announcements(messages: readonly Buffer[]): number {
  return messages.filter((message) =>
    setsOf(message).some(({ id, body }) => id <= 2 && body.readUInt16BE(0) === 256),
  ).length;
}

/** Lengths of records by template, as docs/exports.md has them. */
const LENGTHS = {
  10: { 256: 49, 257: 73, 258: 67, 259: 91, 260: 12, 261: 13 },
  9: { 256: 39, 257: 63, 260: 10, 261: 13 },
} as const;

function dataRecords(message: Buffer): number {
  const lengths: Readonly<Record<number, number>> = LENGTHS[message.readUInt16BE(0) === 10 ? 10 : 9];
  const data = setsOf(message).filter(({ id }) => id >= 256);
  return data.reduce((sum, { id, body }) => sum + Math.floor(body.length / lengths[id]!), 0);
}

test.each([
  ['IPFIX', ipfixSink],
  ['NetFlow v9', netflow9Sink],
])('%s: what waits for its message to be full is sent on request', (_, sink) => {
  const outlet = new MemoryOutlet(true);
  const writer = sink({ settings: { ...settings, biflow: false }, outlet }, options);
  const [first, second] = fc.sample(records, { numRuns: 2, seed: 5 });
  writer.flush?.();
  expect(outlet.written).toHaveLength(0);
  writer.record(first!);
  expect(outlet.written).toHaveLength(0);
  writer.flush?.();
  expect(read(outlet.written).length).toBeGreaterThan(0);
  const { length } = outlet.written;
  writer.flush?.();
  expect(outlet.written).toHaveLength(length);
  writer.record(second!);
  void writer.finish();
  expect(outlet.written.length).toBeGreaterThan(length);
});
