/**
 * From captured bytes to addresses, ports and TCP's header fields.
 *
 * One Decoded is filled again and again, so decoding allocates nothing. What every packet is counted by is parsed at
 * once; what few ask for (time to live, ICMP's type, a window) is read from the packet when asked, by getters that
 * know where it lies. Every index is checked against what was captured: hostile input never throws, it is only called
 * `undecoded`. Lengths are taken from the headers and not from what was captured, so captures cut at a snap length
 * give true payload bytes. Payload itself is not looked at, and tunnels are packets like others: who wants to see
 * through them takes the decoder of tunnels.ts.
 */
import { uint16, uint32 } from './bytes.js';
import { CUT_OFF, findIp, NOT_IP } from './link.js';
import { LinkType } from './packet.js';
import type { Packet } from './packet.js';

/** `ip`: addresses are set. `other`: not IP (ARP, for one). `undecoded`: cut off or contradicting itself. */
export type Outcome = 'ip' | 'other' | 'undecoded';

/** Fills `into` from a packet. */
export type Decoder = (packet: Packet, into: Decoded) => Outcome;

/** Protocol numbers of the IP header. */
export const Protocol = {
  icmp: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  icmp6: 58,
  sctp: 132,
  udpLite: 136,
} as const;

export const TcpFlag = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

/**
 * An IP packet's headers. Address words are unsigned 32-bit, in network order; IPv4 uses the first only. Offsets are
 * indices into `bytes`; they and the getters are good until the packet's callback returns.
 */
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
  /** Ports of TCP, UDP, UDP-Lite, SCTP and DCCP; 0 for other protocols and for all but the first fragment. */
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
  /** Where in the whole IP packet this fragment's data belongs, bytes; 0 for what is no fragment, and for the first. */
  fragmentOffset = 0;
  /** True for every fragment but the last. */
  moreFragments = false;

  /** The packet's bytes. */
  bytes: Uint8Array = nothing;
  /** Where the captured part of the IP packet ends; link-layer padding does not count. */
  end = 0;
  /** Where the Ethernet header starts (destination address, then source, 6 bytes each), or -1 if there is none. */
  etherOffset = -1;
  /** Where the IP header starts. */
  ipOffset = 0;
  /** Where IPv6's fragment header starts, or -1 if there is none. */
  fragmentHeader = -1;
  /** Where what follows the IP header and its extensions starts; at {@link end} or after it if nothing was captured. */
  transportOffset = 0;
  /** Where the payload starts of which there are {@link payloadBytes}; may lie after {@link end}, as above. */
  payloadOffset = 0;

  /** Bytes of the payload that were captured. */
  get payloadCaptured(): number {
    return Math.max(0, this.end - this.payloadOffset);
  }

  /** True for a fragment of a larger packet, the first included. */
  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset > 0;
  }

  /** IPv4's type of service or IPv6's traffic class: 6 bits of DSCP, 2 of ECN. */
  get trafficClass(): number {
    const { bytes, ipOffset } = this;
    return this.version === 4 ? bytes[ipOffset + 1]! : (uint16(bytes, ipOffset) >> 4) & 255;
  }

  /** IPv4's time to live or IPv6's hop limit. */
  get ttl(): number {
    return this.bytes[this.ipOffset + (this.version === 4 ? 8 : 7)]!;
  }

  /** What fragments of one packet have in common: 16 bits, in IPv6 32 or, without a fragment header, 0. */
  get identification(): number {
    if (this.version === 4) return uint16(this.bytes, this.ipOffset + 4);
    return this.fragmentHeader < 0 ? 0 : uint32(this.bytes, this.fragmentHeader + 4);
  }

  /** IPv6's flow label; 0 in IPv4. */
  get flowLabel(): number {
    return this.version === 4 ? 0 : uint32(this.bytes, this.ipOffset) & 0xfffff;
  }

  /** TCP's window as sent, unscaled; 0 without {@link hasTcp}. */
  get window(): number {
    return this.hasTcp ? uint16(this.bytes, this.transportOffset + 14) : 0;
  }

  /** 256 × type + code of ICMP and ICMPv6, which NetFlow has for a destination port; 0 else and for later fragments. */
  get icmpTypeCode(): number {
    const isIcmp = this.protocol === (this.version === 4 ? Protocol.icmp : Protocol.icmp6);
    if (!isIcmp || this.fragmentOffset > 0 || this.end - this.transportOffset < 2) return 0;
    return uint16(this.bytes, this.transportOffset);
  }
}

const nothing = new Uint8Array(0);

/** EtherType of IPv4, then its version and the length of a header without options. */
const ETHERNET_IPV4 = 0x080045;
/** Least bytes of a frame with that and a TCP header without options. */
const ETHERNET_TCP = 54;

/** Fills `into` from a packet; its fields mean something only when `ip` is returned. */
export function decode(packet: Packet, into: Decoded): Outcome {
  if (
    packet.linkType === LinkType.ethernet &&
    packet.length >= ETHERNET_TCP &&
    packet.view.getUint32(packet.offset + 12) >>> 8 === ETHERNET_IPV4 &&
    decodeUsual(packet, into)
  )
    return 'ip';
  const { bytes, offset, linkType } = packet;
  const end = offset + packet.length;
  const at = findIp(bytes, offset, end, linkType);
  if (at === NOT_IP) return 'other';
  if (at === CUT_OFF) return 'undecoded';
  into.etherOffset = linkType === LinkType.ethernet ? offset : -1;
  return decodeIp(bytes, at, end, packet.originalLength - (at - offset), into);
}

/**
 * What nearly every packet is, quickly: whole TCP and UDP over IPv4 without options in untagged Ethernet. False, with
 * nothing to be relied on in `into`, for all else.
 */
function decodeUsual(packet: Packet, into: Decoded): boolean {
  const { bytes, view } = packet;
  const at = packet.offset + 14;
  const ipBytes = view.getUint16(at + 2);
  const protocol = view.getUint8(at + 9);
  const isTcp = protocol === Protocol.tcp;
  if ((view.getUint16(at + 6) & 0x3fff) !== 0 || !(isTcp || protocol === Protocol.udp)) return false;
  const transport = at + 20;
  const headerBytes = isTcp ? (view.getUint8(transport + 12) >> 4) * 4 : 8;
  if ((isTcp && headerBytes < 20) || headerBytes > ipBytes - 20) return false;
  if (into.version !== 4) clearSix(into);
  // Storing an object costs more than comparing one: the garbage collector wants to know of it.
  if (into.bytes !== bytes) into.bytes = bytes;
  into.etherOffset = packet.offset;
  into.ipOffset = at;
  into.source0 = view.getUint32(at + 12);
  into.destination0 = view.getUint32(at + 16);
  into.ipBytes = ipBytes;
  into.end = Math.min(packet.offset + packet.length, at + ipBytes);
  into.fragmentOffset = 0;
  into.moreFragments = false;
  into.fragmentHeader = -1;
  into.protocol = protocol;
  into.sourcePort = view.getUint16(transport);
  into.destinationPort = view.getUint16(transport + 2);
  into.transportOffset = transport;
  into.payloadOffset = transport + headerBytes;
  into.payloadBytes = ipBytes - 20 - headerBytes;
  into.hasTcp = isTcp;
  if (isTcp) {
    into.sequence = view.getUint32(transport + 4);
    into.acknowledgement = view.getUint32(transport + 8);
    into.tcpFlags = view.getUint8(transport + 13);
  }
  return true;
}

/** Makes it an IPv4 packet's. */
function clearSix(into: Decoded): void {
  into.version = 4;
  into.source1 = into.source2 = into.source3 = 0;
  into.destination1 = into.destination2 = into.destination3 = 0;
}

/**
 * Fills `into` from the IP packet at `at`; leaves it as it is if there is none.
 *
 * @param end where what was captured ends.
 * @param onWire bytes from `at` to the frame's end on the wire, for packets that don't say how long they are.
 */
export function decodeIp(bytes: Uint8Array, at: number, end: number, onWire: number, into: Decoded): Outcome {
  if (at >= end) return 'undecoded';
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
  into.bytes = bytes;
  into.ipOffset = at;
  // They are 0 already where the last packet was IPv4, too.
  if (into.version !== 4) clearSix(into);
  into.source0 = uint32(bytes, at + 12);
  into.destination0 = uint32(bytes, at + 16);
  into.ipBytes = ipBytes;
  into.end = Math.min(end, at + ipBytes);
  const fragment = uint16(bytes, at + 6);
  into.fragmentOffset = (fragment & 0x1fff) * 8;
  into.moreFragments = (fragment & 0x2000) !== 0;
  into.fragmentHeader = -1;
  decodeTransport(bytes, at + headerBytes, bytes[at + 9]!, ipBytes - headerBytes, into);
  return 'ip';
}

function decodeIpv6(bytes: Uint8Array, at: number, end: number, onWire: number, into: Decoded): Outcome {
  if (end - at < 40) return 'undecoded';
  const ipBytes = 40 + (uint16(bytes, at + 4) || Math.max(0, onWire - 40));
  into.bytes = bytes;
  into.ipOffset = at;
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
  into.end = end = Math.min(end, at + ipBytes);
  into.fragmentOffset = 0;
  into.moreFragments = false;
  into.fragmentHeader = -1;
  let next = bytes[at + 6]!;
  let start = at + 40;
  // What follows a later fragment's header is data, whatever it looks like.
  while (isExtension(next) && into.fragmentOffset === 0 && end - start >= 8) {
    if (next === Extension.fragment) {
      const fragment = uint16(bytes, start + 2);
      into.fragmentHeader = start;
      into.fragmentOffset = fragment & 0xfff8;
      into.moreFragments = (fragment & 1) !== 0;
    }
    const length = extensionLength(next, bytes[start + 1]!);
    next = bytes[start]!;
    start += length;
  }
  decodeTransport(bytes, start, next, Math.max(0, ipBytes - (start - at)), into);
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

/** @param length bytes of the IP payload from `at` on, by the headers. */
function decodeTransport(
  bytes: Uint8Array,
  at: number,
  protocol: number,
  length: number,
  into: Decoded,
): void {
  const captured = into.end - at;
  into.protocol = protocol;
  into.sourcePort = into.destinationPort = 0;
  into.transportOffset = into.payloadOffset = at;
  into.payloadBytes = length;
  into.hasTcp = false;
  if (!hasPorts(protocol) || into.fragmentOffset > 0 || captured < 4) return;
  into.sourcePort = uint16(bytes, at);
  into.destinationPort = uint16(bytes, at + 2);
  if (protocol === Protocol.udp) {
    into.payloadOffset = at + 8;
    into.payloadBytes = Math.max(0, length - 8);
    return;
  }
  if (protocol !== Protocol.tcp || captured < 20) return;
  const headerBytes = (bytes[at + 12]! >> 4) * 4;
  if (headerBytes < 20 || headerBytes > length) return;
  into.hasTcp = true;
  into.payloadOffset = at + headerBytes;
  into.payloadBytes = length - headerBytes;
  into.sequence = uint32(bytes, at + 4);
  into.acknowledgement = uint32(bytes, at + 8);
  into.tcpFlags = bytes[at + 13]!;
}

function hasPorts(protocol: number): boolean {
  return (
    protocol === Protocol.tcp ||
    protocol === Protocol.udp ||
    protocol === Protocol.sctp ||
    protocol === Protocol.dccp ||
    protocol === Protocol.udpLite
  );
}
