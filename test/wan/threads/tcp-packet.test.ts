/** Packets written by hand are as RFC 791 and RFC 9293 say. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Flag, HEADER_BYTES, SYN_HEADER_BYTES } from '../../../src/wan/threads/segment.js';
import { tcpPacket, type TcpPacket } from '../../../src/wan/threads/tcp-packet.js';

const sample: TcpPacket = {
  source: '10.77.0.1',
  destination: '10.77.1.2',
  sourcePort: 32768,
  destinationPort: 8470,
  sequence: 2 ** 32 + 5,
  acknowledgement: 77,
  flags: Flag.ack | Flag.psh,
  timestamp: 2 ** 32 + 9,
  timestampEcho: 11,
  identification: 65536 + 3,
  segmentSize: 1460,
  payload: Buffer.from('abc'),
};

/** Sum of 16-bit words with end-around carry: 0xffff when a checksum within is right (RFC 1071). */
function onesSum(bytes: Buffer, initial = 0): number {
  const padded = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);
  let sum = initial;
  for (let at = 0; at < padded.length; at += 2) sum += padded.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test('a data segment has the fields it was given', () => {
  const bytes = tcpPacket(sample);
  expect(bytes).toHaveLength(HEADER_BYTES + 3);
  expect(bytes.readUInt16BE(2)).toBe(bytes.length);
  expect(bytes.readUInt16BE(4)).toBe(3);
  expect([...bytes.subarray(12, 20)]).toEqual([10, 77, 0, 1, 10, 77, 1, 2]);
  expect(bytes.readUInt16BE(20)).toBe(32768);
  expect(bytes.readUInt16BE(22)).toBe(8470);
  expect(bytes.readUInt32BE(24)).toBe(5);
  expect(bytes.readUInt32BE(28)).toBe(77);
  expect(bytes[33]).toBe(0x18);
  expect(bytes.readUInt32BE(44)).toBe(9);
  expect(bytes.readUInt32BE(48)).toBe(11);
  expect(bytes.subarray(52).toString()).toBe('abc');
});

test('a SYN announces its segment size', () => {
  const bytes = tcpPacket({ ...sample, flags: Flag.syn, payload: Buffer.alloc(0) });
  expect(bytes).toHaveLength(SYN_HEADER_BYTES);
  expect(bytes.readUInt16BE(42)).toBe(1460);
});

test('both checksums are right for any payload', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1448 }), fc.boolean(), (payload, syn) => {
      const bytes = tcpPacket({ ...sample, payload, flags: syn ? Flag.syn : Flag.ack });
      expect(onesSum(bytes.subarray(0, 20))).toBe(0xffff);
      const pseudoHeader = onesSum(bytes.subarray(12, 20), 6 + bytes.length - 20);
      expect(onesSum(bytes.subarray(20), pseudoHeader)).toBe(0xffff);
    }),
  );
});
