/** What weather does to a packet's bytes, and how flows are told apart. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Packet, PacketPool } from '../../../src/wan/shaper/packet.js';

interface Parts {
  readonly protocol?: number;
  readonly ports?: readonly [number, number];
  readonly payload?: number;
  readonly source?: number;
  /** In units of 8 bytes. */
  readonly fragment?: number;
}

/** Bytes of the transport's header: TCP with options, UDP, or none. */
const headerOf = (protocol: number) => (protocol === 6 ? 32 : protocol === 17 ? 8 : 0);

function packetOf({
  protocol = 6,
  ports = [8470, 40_000],
  payload = 100,
  source = 1,
  fragment = 0,
}: Parts = {}): Packet {
  const packet = new Packet(1600);
  const header = headerOf(protocol);
  packet.buffer.fill(0);
  packet.buffer[0] = 0x45;
  packet.buffer[9] = protocol;
  packet.buffer.writeUInt16BE(fragment, 6);
  packet.buffer.writeUInt32BE(source, 12);
  packet.buffer.writeUInt32BE(2, 16);
  packet.buffer.writeUInt16BE(ports[0], 20);
  packet.buffer.writeUInt16BE(ports[1], 22);
  if (protocol === 6) packet.buffer[32] = 0x80;
  packet.setLength(20 + header + payload);
  return packet;
}

describe('damage', () => {
  test.each([
    ['TCP', 6],
    ['UDP', 17],
    ['any other protocol', 47],
  ])('flips one bit of what %s carries, and nothing else', (_, protocol) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1400 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (payload, share) => {
          const packet = packetOf({ protocol, payload });
          const before = Buffer.from(packet.buffer);
          packet.damage(share);
          const flipped = [...packet.buffer].flatMap((byte, place) =>
            byte === before[place] ? [] : [{ place, bits: byte ^ before[place]! }],
          );
          expect(flipped).toHaveLength(1);
          expect(Math.log2(flipped[0]!.bits) % 1).toBe(0);
          expect(flipped[0]!.place).toBeGreaterThanOrEqual(20 + headerOf(protocol));
          expect(flipped[0]!.place).toBeLessThan(packet.length);
        },
      ),
    );
  });

  test.each([
    ['TCP', 6, 36],
    ['UDP', 17, 26],
  ])('of %s that carries nothing the checksum', (_, protocol, place) => {
    for (const share of [0, 0.49, 0.5, 0.999]) {
      const packet = packetOf({ protocol, payload: 0 });
      const before = Buffer.from(packet.buffer);
      packet.damage(share);
      const changed = [...packet.buffer.keys()].filter((one) => packet.buffer[one] !== before[one]);
      expect(changed).toEqual([place + (share < 0.5 ? 0 : 1)]);
    }
  });
});

describe('flows', () => {
  const flowOf = (parts: Parts) => {
    const packet = packetOf(parts);
    packet.markFlow();
    return packet.flow;
  };

  test('have the same addresses, protocol and ports, whatever they carry', () => {
    expect(flowOf({ payload: 3 })).toBe(flowOf({ payload: 1000 }));
    const others: Parts[] = [
      { ports: [8470, 40_001] },
      { ports: [40_000, 8470] },
      { protocol: 17 },
      { source: 3 },
      { protocol: 47 },
    ];
    const flows = [{}, ...others].map(flowOf);
    expect(new Set(flows).size).toBe(flows.length);
  });

  test('are the same for all fragments of a packet, which have no ports but one', () => {
    const flags = 0x2000;
    expect(flowOf({ fragment: flags, ports: [1, 2] })).toBe(flowOf({ fragment: 185, ports: [77, 88] }));
  });

  test('hardly ever share a number', () => {
    const numbers = new Set<number>();
    for (let port = 32_768; port < 61_000; port++) numbers.add(flowOf({ ports: [8470, port] }));
    expect(numbers.size).toBeGreaterThan(28_200);
  });
});

test('a copy is the same packet in other memory', () => {
  const pool = new PacketPool(1600);
  const packet = packetOf();
  packet.lane = 3;
  packet.receiver = 2;
  const copy = pool.copyOf(packet);
  expect(copy).not.toBe(packet);
  expect(copy.buffer.subarray(0, copy.length)).toEqual(packet.buffer.subarray(0, packet.length));
  expect(copy).toMatchObject({ length: packet.length, bytes: packet.bytes, lane: 3, receiver: 2 });
  packet.damage(0.5);
  expect(copy.buffer.subarray(0, copy.length)).not.toEqual(packet.buffer.subarray(0, packet.length));
});
