/**
 * GRE headers (RFC 2784, 2890), PPTP's variant (RFC 2637) and ERSPAN: where the packet inside begins.
 */
import { uint16 } from '../../capture/bytes.js';

export interface InsideGre {
  readonly at: number;
  readonly isEthernet: boolean;
  /** PPTP says which IP it is, and Zeek then wants it to fill the packet. */
  readonly version: 4 | 6 | undefined;
}

const Flag = {
  checksum: 0x8000,
  routing: 0x4000,
  key: 0x2000,
  sequence: 0x1000,
  acknowledgement: 0x80,
} as const;
const RESERVED = 0x78;
const Type = { ethernet: 0x6558, erspan: 0x88be, erspan3: 0x22eb, ppp: 0x880b } as const;
const ETHERNET_HEADER = 14;

/** Undefined when there is no GRE that Zeek would look into. */
export function openGre(bytes: Uint8Array, at: number, end: number): InsideGre | undefined {
  if (end - at < 4) return undefined;
  const flags = uint16(bytes, at);
  const type = uint16(bytes, at + 2);
  if ((flags & (Flag.routing | RESERVED)) !== 0) return undefined;
  const inside = at + headerBytes(flags);
  switch (flags & 7) {
    case 0:
      return openPlain(bytes, flags, type, inside, end);
    case 1:
      return type === Type.ppp ? openPptp(bytes, inside, end) : undefined;
    default:
      return undefined;
  }
}

function headerBytes(flags: number): number {
  const optional = [Flag.checksum, Flag.key, Flag.sequence, Flag.acknowledgement];
  return 4 + optional.filter((flag) => (flags & flag) !== 0).length * 4;
}

function openPlain(
  bytes: Uint8Array,
  flags: number,
  type: number,
  inside: number,
  end: number,
): InsideGre | undefined {
  if (type === Type.ethernet) return ethernetAt(inside, end);
  // ERSPAN of type I has no header of its own, of type II 8 bytes, of type III 12 or 20.
  if (type === Type.erspan) return ethernetAt(inside + ((flags & Flag.sequence) !== 0 ? 8 : 0), end);
  if (type === Type.erspan3) {
    const hasMore = inside + 12 <= end && (bytes[inside + 11]! & 1) !== 0;
    return ethernetAt(inside + (hasMore ? 20 : 12), end);
  }
  return inside < end ? { at: inside, isEthernet: false, version: undefined } : undefined;
}

function ethernetAt(at: number, end: number): InsideGre | undefined {
  return end - at > ETHERNET_HEADER ? { at, isEthernet: true, version: undefined } : undefined;
}

function openPptp(bytes: Uint8Array, inside: number, end: number): InsideGre | undefined {
  if (end - inside < 4) return undefined;
  const protocol = uint16(bytes, inside + 2);
  if (protocol !== 0x0021 && protocol !== 0x0057) return undefined;
  return { at: inside + 4, isEthernet: false, version: protocol === 0x0021 ? 4 : 6 };
}
