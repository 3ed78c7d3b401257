import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkType } from '../../src/capture/index.js';
import { InputError } from '../../src/errors.js';
import { block, bytesOf, interfaceBlock, packetBlock, pcapFile, sectionHeader } from '../support/captures.js';
import type { ByteOrder } from '../support/captures.js';
import { parse } from '../support/parsing.js';

const data = Buffer.from('00112233445566778899', 'hex');
const orders: ByteOrder[] = ['little', 'big'];

describe.each(orders)('pcap, %s-endian', (order) => {
  test.each([
    { magic: 0xa1b2c3d4, fraction: 123_456, ns: 1_700_000_000_123_456_000n },
    { magic: 0xa1b23c4d, fraction: 123_456_789, ns: 1_700_000_000_123_456_789n },
  ])('time stamps of magic $magic', ({ magic, fraction, ns }) => {
    const file = pcapFile(order, magic, 1, [
      { seconds: 1_700_000_000, fraction, data, originalLength: 1514 },
    ]);
    const { packets, parser } = parse(file);
    const hex = data.toString('hex');
    expect(packets).toEqual([{ ns, data: hex, originalLength: 1514, linkType: 1, interfaceId: 0 }]);
    expect(parser.format).toBe('pcap');
    expect(parser.interfaces).toEqual([{ linkType: 1, snaplen: 262_144 }]);
  });

  test('a frame check sequence flag is not part of the link type', () => {
    const file = pcapFile(order, 0xa1b2c3d4, 0x1400_0001, []);
    expect(parse(file).parser.interfaces[0]?.linkType).toBe(1);
  });

  test('cut off anywhere, it delivers the whole packets and tells the offset of the first unfinished one', () => {
    const record = { seconds: 1, fraction: 0, data };
    const file = pcapFile(order, 0xa1b2c3d4, 1, [record, record]);
    for (let length = 24; length < file.length; length++) {
      const { packets, cut } = parse(file.subarray(0, length));
      const whole = Math.floor((length - 24) / 26);
      expect(packets).toHaveLength(whole);
      expect(cut).toBe(length === 24 + 26 * whole ? undefined : 24 + 26 * whole);
    }
    for (let length = 0; length < 24; length++) {
      expect(() => parse(file.subarray(0, length))).toThrow(InputError);
    }
  });

  test('a packet that claims 4 GiB is refused with its offset', () => {
    const file = pcapFile(order, 0xa1b2c3d4, 1, [{ seconds: 1, fraction: 0, data }]);
    file.fill(0xff, 32, 36);
    expect(() => parse(file)).toThrow(
      /byte 32: found a packet of 4294967295 captured bytes; allowed: up to 266240/,
    );
  });
});

describe.each(orders)('pcapng, %s-endian', (order) => {
  const section = sectionHeader(order);

  test.each([
    { clock: {}, ticks: 1_700_000_000_123_456n, ns: 1_700_000_000_123_456_000n },
    { clock: { resolution: 9 }, ticks: 1_700_000_000_123_456_789n, ns: 1_700_000_000_123_456_789n },
    { clock: { resolution: 0 }, ticks: 1_700_000_000n, ns: 1_700_000_000_000_000_000n },
    { clock: { resolution: 12 }, ticks: 1_700_000_123_456_789_999n, ns: 1_700_000_123_456_789n },
    {
      clock: { resolution: 0x80 | 10 },
      ticks: 1_700_000_000n * 1024n + 512n,
      ns: 1_700_000_000_500_000_000n,
    },
    { clock: { resolution: 9, offset: -100 }, ticks: 200_000_000_001n, ns: 100_000_000_001n },
    { clock: { resolution: 0x80 | 1, offset: 7 }, ticks: 3n, ns: 8_500_000_000n },
  ])('clock $clock', ({ clock, ticks, ns }) => {
    const file = Buffer.concat([
      section,
      interfaceBlock(order, 1, clock),
      packetBlock(order, 0, ticks, data),
    ]);
    expect(parse(file).packets.map((packet) => packet.ns)).toEqual([ns]);
  });

  test('any 64-bit nanosecond stamp is exact, whatever came before it', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 2n ** 62n), { minLength: 1, maxLength: 20 }), (stamps) => {
        const packets = stamps.map((ticks) => packetBlock(order, 0, ticks, data));
        const file = Buffer.concat([section, interfaceBlock(order, 1, { resolution: 9 }), ...packets]);
        expect(parse(file).packets.map((packet) => packet.ns)).toEqual(stamps);
      }),
    );
  });

  test('interfaces have link types and clocks of their own, and a new section starts over', () => {
    const other = order === 'little' ? 'big' : 'little';
    const file = Buffer.concat([
      section,
      interfaceBlock(order, LinkType.ethernet),
      interfaceBlock(order, LinkType.raw, { resolution: 9 }),
      packetBlock(order, 1, 5n, data),
      packetBlock(order, 0, 5n, data),
      sectionHeader(other),
      interfaceBlock(other, LinkType.linuxSll, { resolution: 3 }),
      packetBlock(other, 0, 5n, data),
    ]);
    const found = parse(file).packets.map(({ ns, linkType, interfaceId }) => [ns, linkType, interfaceId]);
    expect(found).toEqual([
      [5n, LinkType.raw, 1],
      [5000n, LinkType.ethernet, 0],
      [5_000_000n, LinkType.linuxSll, 0],
    ]);
  });

  test('simple and obsolete packet blocks are read; unknown and custom blocks are skipped', () => {
    const obsolete = bytesOf(order, [
      [2, 0],
      [2, 3],
      [4, 0],
      [4, 9],
      [4, data.length],
      [4, 1000],
    ]);
    const file = Buffer.concat([
      section,
      interfaceBlock(order, 1, { snaplen: 4 }),
      block(order, 0x0bad, Buffer.alloc(40)),
      block(order, 2, Buffer.concat([obsolete, data])),
      block(order, 0x7fff_1234, Buffer.alloc(8)),
      block(order, 3, Buffer.concat([bytesOf(order, [[4, 900]]), data.subarray(0, 4)])),
    ]);
    const found = parse(file).packets.map((packet) => [packet.ns, packet.data, packet.originalLength]);
    expect(found).toEqual([
      [9000n, data.toString('hex'), 1000],
      [9000n, '00112233', 900],
    ]);
  });

  test('comments, the maker, what is said of interfaces: of a file with every kind of block', () => {
    const file = readFileSync(
      new URL(`../../../test/fuzz/corpus/capture/all-blocks-${order}.pcapng`, import.meta.url),
    );
    const { packets, parser } = parse(file);
    expect(packets).toHaveLength(3);
    expect(parser.comments).toEqual([{ text: 'a comment' }, { packet: 1, text: 'look' }]);
    expect(parser.maker).toEqual({ hardware: 'x86', os: 'Linux', application: 'dumpcap' });
    const described = { name: 'eth0', description: 'the wire', filter: 'tcp' };
    expect(parser.interfaces).toEqual([{ linkType: 1, snaplen: 96, ...described }]);
    expect(parser.drops).toEqual({ received: 70, dropped: 3 });
    // Without its last block, the statistics, the packets' own drop counts are all there is.
    const before = parse(file.subarray(0, file.length - 52)).parser;
    expect(before.drops).toEqual({ received: 3 + 3 + 1, dropped: 3 + 1 });
  });

  test('names and drops are collected', () => {
    const name = (type: number, address: number[], text: string) => {
      const value = Buffer.concat([Buffer.from(address), Buffer.from(`${text}\0`)]);
      const head = bytesOf(order, [
        [2, type],
        [2, value.length],
      ]);
      return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
    };
    const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const statistics = bytesOf(order, [
      [4, 0],
      [8, 0],
      [2, 4],
      [2, 8],
      [8, 70],
      [2, 5],
      [2, 8],
      [8, 3],
    ]);
    const names = Buffer.concat([
      name(1, [10, 0, 0, 1], 'us-\u001b[2Jeast\0alias'),
      name(2, v6, 'eu-west'),
      Buffer.alloc(4),
    ]);
    const { parser } = parse(
      Buffer.concat([section, block(order, 4, names), interfaceBlock(order, 1), block(order, 5, statistics)]),
    );
    expect([...parser.names]).toEqual([
      ['10.0.0.1', 'us-\ufffd[2Jeast'],
      ['2001:db8::1', 'eu-west'],
    ]);
    expect(parser.drops).toEqual({ received: 70, dropped: 3 });
  });

  test.each([
    {
      trouble: 'an undefined interface',
      tail: packetBlock(order, 2, 0n, data),
      message: /interface 2; allowed: 0 to 0/,
    },
    {
      trouble: 'a block of 4 GiB',
      tail: bytesOf(order, [
        [4, 6],
        [4, 0xffff_fffc],
        [4, 0],
      ]),
      message: /byte 52: found a block length of 4294967292; allowed: multiples of 4 from 12 to 16777216/,
    },
    {
      trouble: 'a packet longer than its block',
      tail: block(
        order,
        6,
        bytesOf(order, [
          [4, 0],
          [8, 0],
          [4, 4000],
          [4, 4000],
        ]),
      ),
      message: /byte 48: found a packet of 4000 captured bytes; allowed: up to 0 here/,
    },
    {
      trouble: 'two lengths that differ',
      tail: Buffer.concat([block(order, 99, Buffer.alloc(4)).subarray(0, 12), bytesOf(order, [[4, 20]])]),
      message: /byte 60: found a trailing block length of 20; allowed: 16/,
    },
    {
      trouble: 'a body too short',
      tail: block(order, 6, Buffer.alloc(8)),
      message: /found 8 bytes left in the block/,
    },
  ])('$trouble is refused, with its offset', ({ tail, message }) => {
    const file = Buffer.concat([section, interfaceBlock(order, 1), tail]);
    expect(() => parse(file)).toThrow(InputError);
    expect(() => parse(file)).toThrow(message);
  });
});
