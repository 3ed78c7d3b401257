/**
 * Bytes of the messages that personas send, built up layer by layer from what the protocols' own texts fix.
 *
 * Where a system's code gives a message's fields and no size, the size is the sum of the fields as its encoding
 * writes them, with typical lengths for names and addresses. Such a sum is right to a few bytes, not to the bit.
 */
import {
  GRPC_PREFIX_BYTES,
  HTTP2_FRAME_HEADER_BYTES,
  TLS_RECORD_BYTES,
  varintBytes,
} from '../transport/framing.js';

/** One TLS 1.3 record around a message of less than 16 KiB. */
export const tlsRecord = (bytes: number): number => TLS_RECORD_BYTES + bytes;

/** A length-delimited protobuf field with a number below 16. */
export const protobufField = (bytes: number): number => 1 + varintBytes(bytes) + bytes;

const http2Frame = (bytes: number): number => HTTP2_FRAME_HEADER_BYTES + bytes;

/**
 * HPACK (RFC 7541): on a connection in use, each header field that stays the same is one indexed byte. A call has
 * eight: method, scheme, path, authority, te, content-type, user-agent, and one for tracing.
 */
const REPEATED_REQUEST_HEADERS = 8;
/** Status, content-type, and a date of which the day's text is literal: 1 + 1 + 29 bytes. */
const RESPONSE_HEADERS = 1 + 1 + 2 + 29;
/** grpc-status: 0, indexed. */
const TRAILERS = 1;

/** A unary gRPC request on a connection in use: HEADERS, and DATA that ends the stream ("gRPC over HTTP2"). */
export const grpcRequest = (message: number): number =>
  http2Frame(REPEATED_REQUEST_HEADERS) + http2Frame(GRPC_PREFIX_BYTES + message);

/** Its response: HEADERS, DATA, and HEADERS again with the trailers. */
export const grpcResponse = (message: number): number =>
  http2Frame(RESPONSE_HEADERS) + http2Frame(GRPC_PREFIX_BYTES + message) + http2Frame(TRAILERS);

/** An HTTP/2 PING, and its acknowledgement (RFC 9113, section 6.7). */
export const http2Ping = http2Frame(8);

/** A string or byte vector in PyTorch's TCPStore: a length of 64 bits and the bytes (SendBuffer::appendString). */
const tcpStoreString = (bytes: number): number => 8 + bytes;

/** TCPStore's SET: opcode, key, value; the key gets a leading slash. There is no answer. */
export const tcpStoreSet = (key: number, value: number): number =>
  1 + tcpStoreString(1 + key) + tcpStoreString(value);

/** TCPStore's GET: it waits for the key (opcode, count, key), then asks for it (opcode, key). */
export const tcpStoreGet = (key: number): number =>
  1 + 8 + tcpStoreString(1 + key) + 1 + tcpStoreString(1 + key);

/** What TCPStore answers: one byte that the wait is over, then the value. */
export const tcpStoreValue = (value: number): number => 1 + tcpStoreString(value);

/** A UUID as text. */
export const UUID_TEXT = 36;

/** 12 bytes of header before each frame of a yamux stream, which libp2p puts on a connection. */
const YAMUX_HEADER = 12;
/** hivemind's P2P: a length of 8 bytes and a marker before each message (hivemind/p2p/p2p_daemon.py). */
const HIVEMIND_HEADER = 8 + 1;

/** A message of hivemind on a libp2p connection with TLS; the negotiation of its stream is left out. */
export const hivemindMessage = (message: number): number =>
  tlsRecord(YAMUX_HEADER + HIVEMIND_HEADER + message);

/**
 * A QUIC packet with a short header (RFC 9000, section 17.3.1; RFC 9001, section 5.3): flags, connection id,
 * packet number, frames, tag. Number and frames have at least 4 bytes together, as header protection needs.
 */
export function quicPacket(frames: number): number {
  const [flags, connectionId, packetNumber, tag] = [1, 8, 2, 16];
  return flags + connectionId + Math.max(4, packetNumber + frames) + tag;
}
