/**
 * Link layers that Zeek walks through and the house's usual reading (capture/link.ts) does not: Cisco FabricPath,
 * provider backbone bridges and VN-Tags on Ethernet, netfilter's log, and 802.11 with or without radiotap.
 */
import { LinkType } from '../../capture/index.js';
import { afterEthernet, afterType, findIp, NOT_IP } from '../../capture/link.js';
import { uint16 } from '../../capture/bytes.js';

const Link = { wifi: 105, radiotap: 127, nflog: 239 } as const;
const EtherType = { fabricPath: 0x8903, backbone: 0x88e7, vnTag: 0x8926 } as const;
const tags: readonly number[] = [0x8100, 0x88a8, 0x9100];

/** Index of the IP header, or negative when there is none. */
export function findIpAsZeek(bytes: Uint8Array, at: number, end: number, linkType: number): number {
  switch (linkType) {
    case LinkType.ethernet:
      return afterAnyEthernet(bytes, at, end);
    case Link.nflog:
      return inNetfilterLog(bytes, at, end);
    case Link.radiotap:
      return end - at < 4 ? NOT_IP : inWifi(bytes, at + bytes[at + 2]! + bytes[at + 3]! * 256, end);
    case Link.wifi:
      return inWifi(bytes, at, end);
    default:
      return findIp(bytes, at, end, linkType);
  }
}

function afterAnyEthernet(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 14) return NOT_IP;
  let type = uint16(bytes, at + 12);
  // FabricPath puts 16 bytes before the frame.
  if (type === EtherType.fabricPath) return end - at < 30 ? NOT_IP : afterEthernet(bytes, at + 16, end);
  let next = at + 14;
  while (tags.includes(type) && next + 4 <= end) {
    type = uint16(bytes, next + 2);
    next += 4;
  }
  if (type === EtherType.backbone) return afterEthernet(bytes, next + 4, end);
  if (type === EtherType.vnTag && next + 6 <= end)
    return afterType(bytes, uint16(bytes, next + 4), next + 6, end);
  return afterEthernet(bytes, at, end);
}

const PAYLOAD = 9;

/** A family, then fields of length, type and value, in the byte order of the host, which was little-endian. */
function inNetfilterLog(bytes: Uint8Array, at: number, end: number): number {
  const family = bytes[at];
  if (end - at < 8 || (family !== 2 && family !== 10)) return NOT_IP;
  for (let field = at + 4; field + 4 <= end;) {
    const length = bytes[field]! + bytes[field + 1]! * 256;
    if (bytes[field + 2] === PAYLOAD) return field + 4;
    if (length < 4) return NOT_IP;
    field += (length + 3) & ~3;
  }
  return NOT_IP;
}

/** Data frames that are not encrypted, with 802.2 and SNAP. */
function inWifi(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 24) return NOT_IP;
  const kind = bytes[at]!;
  const flags = bytes[at + 1]!;
  const isData = (kind & 0x0c) === 0x08 && (kind & 0x40) === 0;
  const isProtected = (flags & 0x40) !== 0;
  if (!isData || isProtected) return NOT_IP;
  const hasFourthAddress = (flags & 3) === 3;
  const hasQuality = (kind & 0x80) !== 0;
  const llc = at + 24 + (hasFourthAddress ? 6 : 0) + (hasQuality ? 2 : 0);
  const isSnap = llc + 8 <= end && bytes[llc] === 0xaa && bytes[llc + 1] === 0xaa;
  return isSnap ? afterType(bytes, uint16(bytes, llc + 6), llc + 8, end) : NOT_IP;
}
