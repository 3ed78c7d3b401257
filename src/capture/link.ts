/**
 * Strips link layers: finds where, in a captured frame, the IP packet starts.
 *
 * Think of a frame as a row of headers, each of which says what the next one is: by an EtherType, by a number of PPP,
 * by 802.2's access points, or not at all (MPLS, raw IP: there the first four bits tell). Each function here takes one
 * step along that row. Tunnels inside IP are left alone: what an observer of a mesh behind a VPN can attribute is the
 * tunnel's endpoints. (tunnels.ts sees through some of them on request, and uses these steps.)
 */
import { uint16 } from './bytes.js';
import { LinkType } from './packet.js';

/** What {@link findIp} returns when the frame carries something other than IP, or ends too early. */
export const NOT_IP = -1;
export const CUT_OFF = -2;

const EtherType = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  serviceVlan: 0x88a8,
  oldServiceVlan: 0x9100,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeSession: 0x8864,
} as const;

/** Types up to this are the length of an 802.3 frame, whose 802.2 header follows. */
const MAX_LENGTH_FIELD = 1500;

/** Numbers of PPP (RFC 1332, 5072, 3032). */
const PppProtocol = { ipv4: 0x0021, ipv6: 0x0057, mpls: 0x0281, mplsMulticast: 0x0283 } as const;

/**
 * Index of the first byte of the IP header in `bytes`, or {@link NOT_IP} or {@link CUT_OFF}.
 *
 * @param at, end where the frame starts and ends in `bytes`.
 * @param linkType LINKTYPE_ number; an unknown one counts as not IP.
 */
export function findIp(bytes: Uint8Array, at: number, end: number, linkType: number): number {
  switch (linkType) {
    case LinkType.ethernet:
      return afterEthernet(bytes, at, end);
    case LinkType.raw:
    case LinkType.rawBsd:
    case LinkType.rawOpenBsd:
    case LinkType.ipv4:
    case LinkType.ipv6:
      return at < end ? at : CUT_OFF;
    case LinkType.null:
    case LinkType.loop:
      return afterFamily(bytes, at, end);
    case LinkType.linuxSll:
      return at + 16 > end ? CUT_OFF : afterType(bytes, uint16(bytes, at + 14), at + 16, end);
    case LinkType.linuxSll2:
      return at + 20 > end ? CUT_OFF : afterType(bytes, uint16(bytes, at), at + 20, end);
    case LinkType.ppp:
    case LinkType.pppHdlc:
      return afterPpp(bytes, at, end);
    case LinkType.pppoe:
      return afterPppoe(bytes, at, end);
    case LinkType.ciscoHdlc:
      return at + 4 > end ? CUT_OFF : afterType(bytes, uint16(bytes, at + 2), at + 4, end);
    default:
      return NOT_IP;
  }
}

/** From an Ethernet header at `at`. */
export function afterEthernet(bytes: Uint8Array, at: number, end: number): number {
  return at + 14 > end ? CUT_OFF : afterType(bytes, uint16(bytes, at + 12), at + 14, end);
}

/** From what an EtherType announces: `at` is just behind it. Walks over tags, labels and PPPoE. */
export function afterType(bytes: Uint8Array, type: number, at: number, end: number): number {
  for (;;) {
    switch (type) {
      case EtherType.ipv4:
      case EtherType.ipv6:
        return at;
      case EtherType.vlan:
      case EtherType.serviceVlan:
      case EtherType.oldServiceVlan:
        if (at + 4 > end) return CUT_OFF;
        type = uint16(bytes, at + 2);
        at += 4;
        continue;
      case EtherType.mpls:
      case EtherType.mplsMulticast:
        return afterLabels(bytes, at, end);
      case EtherType.pppoeSession:
        return afterPppoe(bytes, at, end);
      default:
        if (type > MAX_LENGTH_FIELD) return NOT_IP;
        if (end - at < 8) return CUT_OFF;
        if (isIpLlc(bytes, at)) return at + 3;
        if (!isSnap(bytes, at)) return NOT_IP;
        type = uint16(bytes, at + 6);
        at += 8;
    }
  }
}

/** 802.2 with IP's own access point, unnumbered. */
function isIpLlc(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x06 && bytes[at + 1] === 0x06 && bytes[at + 2] === 3;
}

/** 802.2 with SNAP, which has an EtherType in it (RFC 1042, 802.1H). */
function isSnap(bytes: Uint8Array, at: number): boolean {
  const isUnnumbered = bytes[at] === 0xaa && bytes[at + 1] === 0xaa && bytes[at + 2] === 3;
  const organization = (bytes[at + 3]! << 16) | uint16(bytes, at + 4);
  return isUnnumbered && (organization === 0 || organization === 0xf8);
}

/** From a PPP frame, with HDLC's address and control bytes or without; a number below 256 may be one byte (RFC 1661). */
export function afterPpp(bytes: Uint8Array, at: number, end: number): number {
  if (end - at >= 2 && bytes[at] === 0xff && bytes[at + 1] === 0x03) at += 2;
  if (end - at < 2) return CUT_OFF;
  const isShort = (bytes[at]! & 1) === 1;
  const protocol = isShort ? bytes[at]! : uint16(bytes, at);
  at += isShort ? 1 : 2;
  switch (protocol) {
    case PppProtocol.ipv4:
    case PppProtocol.ipv6:
      return at;
    case PppProtocol.mpls:
    case PppProtocol.mplsMulticast:
      return afterLabels(bytes, at, end);
    default:
      return NOT_IP;
  }
}

/** From a PPPoE session header (RFC 2516): version and type, code 0, session, length. */
function afterPppoe(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 8) return CUT_OFF;
  return bytes[at] === 0x11 && bytes[at + 1] === 0 ? afterPpp(bytes, at + 6, end) : NOT_IP;
}

/** A label stack does not say what follows it; its last entry is marked, and IP tells its version itself. */
function afterLabels(bytes: Uint8Array, at: number, end: number): number {
  for (; at + 4 < end; at += 4) {
    if ((bytes[at + 2]! & 1) === 0) continue;
    const version = bytes[at + 4]! >> 4;
    return version === 4 || version === 6 ? at + 4 : NOT_IP;
  }
  return CUT_OFF;
}

/**
 * BSD loopback: a 32-bit address family, in the byte order of the capturing machine (null) or the network's (loop).
 * Families are small, so the order shows.
 */
function afterFamily(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 4) return CUT_OFF;
  const inNetworkOrder = uint16(bytes, at) === 0;
  const isSmall = inNetworkOrder ? bytes[at + 2] === 0 : uint16(bytes, at + 1) === 0 && bytes[at + 3] === 0;
  const family = inNetworkOrder ? bytes[at + 3]! : bytes[at]!;
  return isSmall && isIpFamily(family) ? at + 4 : NOT_IP;
}

/** AF_INET is 2 everywhere; AF_INET6 is 24, 28 or 30 on the BSDs and 10 on Linux. */
function isIpFamily(family: number): boolean {
  return family === 2 || family === 24 || family === 28 || family === 30 || family === 10;
}
