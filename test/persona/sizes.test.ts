/** Sizes of messages against messages that were put together byte by byte. */
import { expect, test } from 'vitest';
import {
  grpcRequest,
  http2Ping,
  protobufField,
  quicPacket,
  tcpStoreGet,
  tcpStoreSet,
  tlsRecord,
} from '../../src/persona/sizes.js';

/** As torch/csrc/distributed/c10d/TCPStoreBackend.cpp reads them: a length of 64 bits, then the bytes. */
function tcpStoreString(text: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
  return Buffer.concat([length, Buffer.from(text)]);
}

test('TCPStore: SET is an opcode, the key with a slash, the value; GET waits for the key first', () => {
  const [key, value] = ['heartbeat_4f9c', '1732345678.1234567'];
  const opcode = Buffer.of(1);
  const set = Buffer.concat([opcode, tcpStoreString(`/${key}`), tcpStoreString(value)]);
  expect(tcpStoreSet(key.length, value.length)).toBe(set.length);
  const count = Buffer.alloc(8);
  const wait = Buffer.concat([opcode, count, tcpStoreString(`/${key}`)]);
  const get = Buffer.concat([opcode, tcpStoreString(`/${key}`)]);
  expect(tcpStoreGet(key.length)).toBe(wait.length + get.length);
});

test('protobuf: key, length of one or two bytes, content', () => {
  expect(protobufField(20)).toBe(22);
  expect(protobufField(127)).toBe(129);
  expect(protobufField(128)).toBe(131);
});

test('HTTP/2: a PING is a frame of 8 bytes; a gRPC call has two frames', () => {
  expect(http2Ping).toBe(17);
  expect(grpcRequest(50)).toBe(9 + 8 + 9 + 5 + 50);
});

test('TLS 1.3 adds a header, a content type and a tag', () => {
  expect(tlsRecord(100)).toBe(122);
});

test('QUIC: a PING is padded to what header protection needs', () => {
  expect(quicPacket(1)).toBe(1 + 8 + 4 + 16);
  expect(quicPacket(6)).toBe(1 + 8 + 2 + 6 + 16);
});
