/**
 * Tunnels over UDP, by their headers: VXLAN (RFC 7348), Geneve (RFC 8926), Teredo (RFC 4380), AYIYA, GTPv1-U.
 *
 * Zeek looks for them at their ports, and for Teredo and AYIYA also where a payload looks like one. A header that breaks
 * its protocol is a violation; the tracker then no longer looks into that connection.
 */
import { uint16 } from '../../capture/bytes.js';
import { IpProtocol } from './ip-header.js';

export type TunnelName = 'vxlan' | 'geneve' | 'teredo' | 'ayiya' | 'gtpv1';

/** What was found; filled again and again. */
export class Inner {
  name: TunnelName = 'vxlan';
  /** `inside`: a packet at `at`. `header`: a good header with nothing to look into. `ignored`: neither good nor bad. */
  outcome: 'inside' | 'header' | 'ignored' | 'violation' = 'ignored';
  at = 0;
  isEthernet = false;
  /** The packet must fill the rest exactly. */
  mustFit = false;
}

const tunnelsByPort: Readonly<Record<number, TunnelName>> = {
  2123: 'gtpv1',
  2152: 'gtpv1',
  3544: 'teredo',
  4789: 'vxlan',
  5072: 'ayiya',
  6081: 'geneve',
};

/** Which tunnel a payload may be, by the responder's port or by its looks. */
export function tunnelOf(port: number, bytes: Uint8Array, at: number, end: number): TunnelName | undefined {
  const name = tunnelsByPort[port];
  if (name !== undefined) return name;
  if (isTeredo(bytes, at, end)) return 'teredo';
  if (end - at >= 3 && bytes[at + 1] === 0x52 && bytes[at + 2] === 0x11) return 'ayiya';
  return undefined;
}

export function openTunnel(name: TunnelName, bytes: Uint8Array, at: number, end: number, inner: Inner): void {
  inner.name = name;
  inner.isEthernet = false;
  inner.mustFit = false;
  inner.at = at;
  switch (name) {
    case 'vxlan':
      return openVxlan(bytes, at, end, inner);
    case 'geneve':
      return openGeneve(bytes, at, end, inner);
    case 'teredo':
      return openTeredo(bytes, at, end, inner);
    case 'ayiya':
      return openAyiya(bytes, at, end, inner);
    case 'gtpv1':
      return openGtp(bytes, at, end, inner);
  }
}

/** @param at of the inner packet. */
function found(inner: Inner, at: number, end: number): void {
  inner.at = at;
  inner.outcome = at < end ? 'inside' : 'header';
}

function openVxlan(bytes: Uint8Array, at: number, end: number, inner: Inner): void {
  inner.isEthernet = true;
  if (end - at < 8 || (bytes[at]! & 0x08) === 0) inner.outcome = 'violation';
  else found(inner, at + 8, end);
}

const ETHERNET = 0x6558;

function openGeneve(bytes: Uint8Array, at: number, end: number, inner: Inner): void {
  if (end - at < 8) return violate(inner);
  if (bytes[at]! >> 6 !== 0) {
    inner.outcome = 'ignored';
    return;
  }
  const inside = at + 8 + (bytes[at]! & 0x3f) * 4;
  if (inside > end) return violate(inner);
  found(inner, inside, end);
  const type = uint16(bytes, at + 2);
  inner.isEthernet = type === ETHERNET;
  // 0x08dd is what Zeek has for IPv6.
  if (!inner.isEthernet && type !== 0x0800 && type !== 0x08dd) inner.outcome = 'header';
}

function violate(inner: Inner): void {
  inner.outcome = 'violation';
}

function openTeredo(bytes: Uint8Array, at: number, end: number, inner: Inner): void {
  let hasOrigin = false;
  let hasAuthentication = false;
  for (;;) {
    if (end - at < 2) return violate(inner);
    const tag = uint16(bytes, at);
    if (tag === 0) {
      if (hasOrigin || end - at < 8) return violate(inner);
      hasOrigin = true;
      at += 8;
    } else if (tag === 1) {
      if (hasOrigin || hasAuthentication || end - at < 4) return violate(inner);
      const length = 13 + bytes[at + 2]! + bytes[at + 3]!;
      if (end - at < length) return violate(inner);
      hasAuthentication = true;
      at += length;
    } else break;
  }
  if (bytes[at]! >> 4 !== 6 || end - at < 40) return violate(inner);
  const payload = uint16(bytes, at + 4);
  const isBubble = bytes[at + 6] === IpProtocol.none && payload === 0;
  const fits = payload + 40 === end - at || (isBubble && payload + 40 <= end - at);
  if (!fits) return violate(inner);
  found(inner, at, end);
}

/** The prefix of Teredo addresses, 2001:0::/32, as source or destination; or Teredo's own headers before IPv6. */
function isTeredo(bytes: Uint8Array, at: number, end: number): boolean {
  const length = end - at;
  if (length < 40) return false;
  const first = bytes[at]!;
  if (first >> 4 === 6) return length >= 40 && (hasPrefix(bytes, at + 8) || hasPrefix(bytes, at + 24));
  if (first !== 0) return false;
  const second = bytes[at + 1]!;
  if (second > 1) return false;
  if (second === 1) {
    at += 13 + bytes[at + 2]! + bytes[at + 3]!;
    if (end - at < 40 || uint16(bytes, at) !== 0) return false;
  }
  at += 8;
  return end - at >= 40 && bytes[at]! >> 4 === 6;
}

function hasPrefix(bytes: Uint8Array, at: number): boolean {
  return uint16(bytes, at) === 0x2001 && uint16(bytes, at + 2) === 0;
}

function openAyiya(bytes: Uint8Array, at: number, end: number, inner: Inner): void {
  if (end - at < 8) return violate(inner);
  const identity = (1 << (bytes[at]! >> 4)) & 255;
  const signature = (bytes[at + 1]! >> 4) * 4;
  const inside = at + 8 + identity + signature;
  if (inside > end) return violate(inner);
  const isForward = (bytes[at + 2]! & 15) === 1;
  if (!isForward) {
    inner.outcome = 'ignored';
    return;
  }
  found(inner, inside, end);
  const next = bytes[at + 3]!;
  if (next !== IpProtocol.ipv4 && next !== IpProtocol.ipv6) inner.outcome = 'header';
}

const G_PDU = 255;

function openGtp(bytes: Uint8Array, at: number, end: number, inner: Inner): void {
  inner.outcome = 'ignored';
  if (end - at < 8) return violate(inner);
  const flags = bytes[at]!;
  if (flags >> 5 !== 1) return violate(inner);
  const isGtp = (flags & 0x10) !== 0;
  if (!isGtp || bytes[at + 1] !== G_PDU) return;
  let inside = at + 8;
  if ((flags & 7) !== 0) {
    if (end - inside < 4) return violate(inner);
    let next = (flags & 4) !== 0 ? bytes[inside + 3]! : 0;
    inside += 4;
    while (next !== 0) {
      const length = inside < end ? bytes[inside]! * 4 : 0;
      if (length === 0 || inside + length > end) return violate(inner);
      next = bytes[inside + length - 1]!;
      inside += length;
    }
  }
  if (end - inside < 20) return violate(inner);
  const version = bytes[inside]! >> 4;
  if (version !== 4 && version !== 6) return violate(inner);
  inner.mustFit = true;
  found(inner, inside, end);
}
