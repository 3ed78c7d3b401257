/**
 * Strips link layers: finds where, in a captured frame, the IP packet starts.
 *
 * Ethernet with any number of VLAN tags (802.1Q, 802.1ad) and MPLS labels, the loopback encapsulations,
 * Linux "cooked" captures and raw IP. Tunnels inside IP are left alone: what an observer of a mesh behind
 * a VPN can attribute is the tunnel's endpoints.
 */
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
} as const;

/**
 * Index of the first byte of the IP header in `bytes`, or {@link NOT_IP} or {@link CUT_OFF}.
 *
 * @param at, end where the frame starts and ends in `bytes`.
 * @param linkType LINKTYPE_ number; an unknown one counts as not IP.
 */
export function findIp(bytes: Uint8Array, at: number, end: number, linkType: number): number {
  switch (linkType) {
    case LinkType.ethernet:
      return afterEtherType(bytes, at + 12, end);
    case LinkType.raw:
    case LinkType.ipv4:
    case LinkType.ipv6:
      return at < end ? at : CUT_OFF;
    case LinkType.null:
    case LinkType.loop:
      return afterFamily(bytes, at, end);
    case LinkType.linuxSll:
      return afterEtherType(bytes, at + 14, end);
    case LinkType.linuxSll2:
      return afterCookedV2(bytes, at, end);
    default:
      return NOT_IP;
  }
}

/** Reads the EtherType at `at` and walks over tags and labels. */
function afterEtherType(bytes: Uint8Array, at: number, end: number): number {
  for (; at + 2 <= end; at += 4) {
    const type = (bytes[at]! << 8) | bytes[at + 1]!;
    switch (type) {
      case EtherType.ipv4:
      case EtherType.ipv6:
        return at + 2;
      case EtherType.vlan:
      case EtherType.serviceVlan:
      case EtherType.oldServiceVlan:
        continue;
      case EtherType.mpls:
      case EtherType.mplsMulticast:
        return afterLabels(bytes, at + 2, end);
      default:
        return NOT_IP;
    }
  }
  return CUT_OFF;
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

/** BSD loopback: an address family in the byte order of the capturing machine (null) or the network's (loop). */
function afterFamily(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 >= end) return CUT_OFF;
  const family = bytes[at]! + bytes[at + 1]! + bytes[at + 2]! + bytes[at + 3]!;
  // AF_INET is 2 everywhere; AF_INET6 is 24, 28 or 30 on the BSDs and 10 on Linux.
  return family === 2 || family === 24 || family === 28 || family === 30 || family === 10 ? at + 4 : NOT_IP;
}

function afterCookedV2(bytes: Uint8Array, at: number, end: number): number {
  if (at + 20 > end) return CUT_OFF;
  const type = (bytes[at]! << 8) | bytes[at + 1]!;
  return type === EtherType.ipv4 || type === EtherType.ipv6 ? at + 20 : NOT_IP;
}
