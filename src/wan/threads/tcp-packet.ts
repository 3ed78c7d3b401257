/**
 * Writes IPv4 packets with a TCP segment in them, as Linux would send them: header sizes, options and
 * checksums are right, so analysers read them as any others. Formats: RFC 791 (IP), RFC 9293 (TCP), RFC 7323
 * (timestamps, window scale), RFC 1071 (checksum).
 */
import { Flag } from './segment.js';

export interface TcpPacket {
  /** Addresses as dotted quads. */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Sequence and acknowledgement numbers as on the wire, modulo 2^32. */
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly timestamp: number;
  readonly timestampEcho: number;
  /** Identification field of the IP header, modulo 2^16. */
  readonly identification: number;
  /** Maximum segment size announced in a SYN. */
  readonly segmentSize: number;
  readonly payload: Uint8Array;
}

const IP_HEADER_BYTES = 20;
const PROTOCOL_TCP = 6;
const TIME_TO_LIVE = 64;
const DONT_FRAGMENT = 0x4000;
const WINDOW_SCALE = 10;
/** Linux' first window in a SYN; later 32 MiB, scaled, so that no window is ever seen to be full. */
const SYN_WINDOW = 64240;
const LATER_WINDOW = (32 * 1024 * 1024) >> WINDOW_SCALE;

/** The bytes of the packet, from its IP header on. */
export function tcpPacket(packet: TcpPacket): Buffer {
  const syn = (packet.flags & Flag.syn) !== 0;
  const options = syn ? synOptions(packet) : laterOptions(packet);
  const tcpHeaderBytes = 20 + options.length;
  const tcp = IP_HEADER_BYTES;
  const bytes = Buffer.alloc(IP_HEADER_BYTES + tcpHeaderBytes + packet.payload.length);

  bytes[0] = 0x45;
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(packet.identification & 0xffff, 4);
  bytes.writeUInt16BE(DONT_FRAGMENT, 6);
  bytes[8] = TIME_TO_LIVE;
  bytes[9] = PROTOCOL_TCP;
  writeAddress(bytes, 12, packet.source);
  writeAddress(bytes, 16, packet.destination);
  bytes.writeUInt16BE(checksum(bytes, 0, IP_HEADER_BYTES, 0), 10);

  bytes.writeUInt16BE(packet.sourcePort, tcp);
  bytes.writeUInt16BE(packet.destinationPort, tcp + 2);
  bytes.writeUInt32BE(packet.sequence >>> 0, tcp + 4);
  bytes.writeUInt32BE(packet.acknowledgement >>> 0, tcp + 8);
  bytes[tcp + 12] = (tcpHeaderBytes / 4) << 4;
  bytes[tcp + 13] = packet.flags;
  bytes.writeUInt16BE(syn ? SYN_WINDOW : LATER_WINDOW, tcp + 14);
  bytes.set(options, tcp + 20);
  bytes.set(packet.payload, tcp + tcpHeaderBytes);
  const pseudoHeader = addressSum(bytes) + PROTOCOL_TCP + (bytes.length - tcp);
  bytes.writeUInt16BE(checksum(bytes, tcp, bytes.length, pseudoHeader), tcp + 16);
  return bytes;
}

function laterOptions({ timestamp, timestampEcho }: TcpPacket): Buffer {
  const options = Buffer.from([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0]); // NOP, NOP, timestamps
  options.writeUInt32BE(timestamp >>> 0, 4);
  options.writeUInt32BE(timestampEcho >>> 0, 8);
  return options;
}

function synOptions({ timestamp, timestampEcho, segmentSize }: TcpPacket): Buffer {
  // MSS; SACK permitted; timestamps; NOP; window scale
  const options = Buffer.from([2, 4, 0, 0, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, WINDOW_SCALE]);
  options.writeUInt16BE(segmentSize, 2);
  options.writeUInt32BE(timestamp >>> 0, 8);
  options.writeUInt32BE(timestampEcho >>> 0, 12);
  return options;
}

function writeAddress(bytes: Buffer, at: number, address: string): void {
  address.split('.').forEach((part, index) => (bytes[at + index] = Number(part)));
}

function addressSum(bytes: Buffer): number {
  return bytes.readUInt16BE(12) + bytes.readUInt16BE(14) + bytes.readUInt16BE(16) + bytes.readUInt16BE(18);
}

/** The Internet checksum of bytes `from` … `to`-1, with `initial` added in. */
function checksum(bytes: Buffer, from: number, to: number, initial: number): number {
  let sum = initial;
  const even = to - ((to - from) & 1);
  for (let at = from; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (even < to) sum += bytes[even]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
