/**
 * From captured bytes to addresses, ports and TCP's header fields.
 *
 * One Decoded is filled again and again, so decoding allocates nothing. Every index is checked against what
 * was captured: hostile input never throws, it is only called `undecoded`. Lengths are taken from the
 * headers and not from what was captured, so captures cut at a snap length give true payload bytes.
 * Payload itself is not looked at.
 */
import { CUT_OFF, findIp, NOT_IP } from './link.js';
import type { Packet } from './packet.js';

/** `ip`: addresses are set. `other`: not IP (ARP, for one). `undecoded`: cut off or contradicting itself. */
export type Outcome = 'ip' | 'other' | 'undecoded';

/** Protocol numbers of the IP header. */
export const Protocol = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

export const TcpFlag = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

/** An IP packet's headers. Address words are unsigned 32-bit, in network order; IPv4 uses the first only. */
export class Decoded {
  version: 4 | 6 = 4;
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  protocol = 0;
  /** Ports of TCP and UDP; 0 for other protocols and for all but the first fragment. */
  sourcePort = 0;
  destinationPort = 0;
  /** Bytes of the IP packet with its header. */
  ipBytes = 0;
  /** Bytes after the transport header; for protocols other than TCP and UDP, after the IP header. */
  payloadBytes = 0;
  /** True when the TCP fields below were read from this packet. */
  hasTcp = false;
  tcpFlags = 0;
  sequence = 0;
  acknowledgement = 0;
}

/** Fills `into` from a packet; its fields mean something only when `ip` is returned. */
export function decode(packet: Packet, into: Decoded): Outcome {
  const { bytes, offset } = packet;
  const end = offset + packet.length;
  const at = findIp(bytes, offset, end, packet.linkType);
  if (at === NOT_IP) return 'other';
  if (at === CUT_OFF || at >= end) return 'undecoded';
  const onWire = packet.originalLength - (at - offset);
  const version = bytes[at]! >> 4;
  if (version === 4) return decodeIpv4(bytes, at, end, onWire, into);
  if (version === 6) return decodeIpv6(bytes, at, end, onWire, into);
  return 'undecoded';
}

function decodeIpv4(bytes: Uint8Array, at: number, end: number, onWire: number, into: Decoded): Outcome {
  const headerBytes = (bytes[at]! & 15) * 4;
  if (headerBytes < 20 || end - at < headerBytes) return 'undecoded';
  // Segmentation offload leaves the length 0 when it does not fit 16 bits.
  const ipBytes = uint16(bytes, at + 2) || onWire;
  if (ipBytes < headerBytes) return 'undecoded';
  into.version = 4;
  into.source0 = uint32(bytes, at + 12);
  into.destination0 = uint32(bytes, at + 16);
  into.source1 = into.source2 = into.source3 = 0;
  into.destination1 = into.destination2 = into.destination3 = 0;
  into.ipBytes = ipBytes;
  const isFirst = (uint16(bytes, at + 6) & 0x1fff) === 0;
  decodeTransport(bytes, at + headerBytes, end, bytes[at + 9]!, ipBytes - headerBytes, isFirst, into);
  return 'ip';
}

function decodeIpv6(bytes: Uint8Array, at: number, end: number, onWire: number, into: Decoded): Outcome {
  if (end - at < 40) return 'undecoded';
  const ipBytes = 40 + (uint16(bytes, at + 4) || Math.max(0, onWire - 40));
  into.version = 6;
  into.source0 = uint32(bytes, at + 8);
  into.source1 = uint32(bytes, at + 12);
  into.source2 = uint32(bytes, at + 16);
  into.source3 = uint32(bytes, at + 20);
  into.destination0 = uint32(bytes, at + 24);
  into.destination1 = uint32(bytes, at + 28);
  into.destination2 = uint32(bytes, at + 32);
  into.destination3 = uint32(bytes, at + 36);
  into.ipBytes = ipBytes;
  let next = bytes[at + 6]!;
  let start = at + 40;
  let isFirst = true;
  while (isExtension(next) && isFirst && end - start >= 8) {
    if (next === Extension.fragment) isFirst = (uint16(bytes, start + 2) & 0xfff8) === 0;
    const length = extensionLength(next, bytes[start + 1]!);
    next = bytes[start]!;
    start += length;
  }
  decodeTransport(bytes, start, end, next, Math.max(0, ipBytes - (start - at)), isFirst, into);
  return 'ip';
}

const Extension = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60 } as const;
const mobility = 135;

function isExtension(next: number): boolean {
  return (
    next === Extension.hopByHop ||
    next === Extension.routing ||
    next === Extension.fragment ||
    next === Extension.authentication ||
    next === Extension.destination ||
    next === mobility
  );
}

/** Bytes of an extension header, at least 8 (RFC 8200; RFC 4302 for authentication). */
function extensionLength(kind: number, lengthField: number): number {
  if (kind === Extension.fragment) return 8;
  if (kind === Extension.authentication) return Math.max(8, (lengthField + 2) * 4);
  return (lengthField + 1) * 8;
}

/**
 * @param length bytes of the IP payload from `at` on, by the headers.
 * @param isFirst false for a later fragment, which has no transport header.
 */
function decodeTransport(
  bytes: Uint8Array,
  at: number,
  end: number,
  protocol: number,
  length: number,
  isFirst: boolean,
  into: Decoded,
): void {
  into.protocol = protocol;
  into.sourcePort = into.destinationPort = 0;
  into.payloadBytes = length;
  into.hasTcp = false;
  const hasPorts = protocol === Protocol.tcp || protocol === Protocol.udp;
  if (!hasPorts || !isFirst || end - at < 4) return;
  into.sourcePort = uint16(bytes, at);
  into.destinationPort = uint16(bytes, at + 2);
  if (protocol === Protocol.udp) {
    into.payloadBytes = Math.max(0, length - 8);
    return;
  }
  if (end - at < 20) return;
  const headerBytes = (bytes[at + 12]! >> 4) * 4;
  if (headerBytes < 20 || headerBytes > length) return;
  into.hasTcp = true;
  into.payloadBytes = length - headerBytes;
  into.sequence = uint32(bytes, at + 4);
  into.acknowledgement = uint32(bytes, at + 8);
  into.tcpFlags = bytes[at + 13]!;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
