/** The layers added up by hand, where each crosses from one frame, record or segment to two. */
import { describe, expect, it } from 'vitest';
import { ackBytes, SLICE_HEADER_BYTES, tcpPayloadBytes, wireBytes } from '../../src/transport/framing.js';

/** A payload that makes a gRPC frame of exactly `bytes`, for frames of 16 384 to 2 097 151 bytes. */
const payloadOf = (grpc: number) => grpc - 5 - 1 - 3 - SLICE_HEADER_BYTES;

describe('framing', () => {
  it('adds message, protobuf, gRPC and HTTP/2 headers', () => {
    // 32 + 10 = 42 bytes of message; key 1, length 1; prefix 5; one DATA frame 9.
    expect(tcpPayloadBytes(10, { tls: false })).toBe(SLICE_HEADER_BYTES + 10 + 2 + 5 + 9);
    // A length from 128 on takes two bytes of varint.
    expect(tcpPayloadBytes(128 - SLICE_HEADER_BYTES, { tls: false })).toBe(128 + 3 + 5 + 9);
    expect(tcpPayloadBytes(127 - SLICE_HEADER_BYTES, { tls: false })).toBe(127 + 2 + 5 + 9);
  });

  it('begins a new DATA frame after 16384 bytes', () => {
    expect(tcpPayloadBytes(payloadOf(2 * 16384), { tls: false })).toBe(2 * 16384 + 2 * 9);
    expect(tcpPayloadBytes(payloadOf(2 * 16384 + 1), { tls: false })).toBe(2 * 16384 + 1 + 3 * 9);
  });

  it('seals 16384 bytes in each TLS record', () => {
    // 32750 bytes in two frames make 32768: two full records. One more byte needs a third.
    expect(tcpPayloadBytes(payloadOf(32750), { tls: true })).toBe(32768 + 2 * 22);
    expect(tcpPayloadBytes(payloadOf(32751), { tls: true })).toBe(32769 + 3 * 22);
  });

  it('cuts into segments of the MTU less 52 bytes, each in an Ethernet frame', () => {
    const oneSegment = 1448 - 9 - 5 - 3 - SLICE_HEADER_BYTES;
    expect(wireBytes(oneSegment, { tls: false, mtu: 1500 })).toBe(1514);
    expect(wireBytes(oneSegment + 1, { tls: false, mtu: 1500 })).toBe(1514 + 66 + 1);
    expect(wireBytes(oneSegment, { tls: false, mtu: 9000 })).toBe(1514);
  });

  it('acknowledges every second segment', () => {
    const framing = { tls: false, mtu: 1500 };
    const oneSegment = 1448 - 9 - 5 - 3 - SLICE_HEADER_BYTES;
    expect(ackBytes(oneSegment, framing)).toBe(66);
    expect(ackBytes(oneSegment + 1448, framing)).toBe(66);
    expect(ackBytes(oneSegment + 1449, framing)).toBe(2 * 66);
    expect(ackBytes(oneSegment, framing, Infinity)).toBe(0);
  });
});
