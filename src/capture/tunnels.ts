/**
 * Sees through tunnels inside IP, for those who ask for it.
 *
 * By default a packet is counted between the addresses of its outermost IP header, for that is what an observer can
 * attribute. On one's own network the other view can be the right one: VXLAN of a cluster, GRE of a mirror port. A
 * decoder made here goes on to the packet inside, as often as there is one, and reports the innermost. What can't be
 * seen through (another protocol inside, a later fragment, a header that contradicts itself) stays what it is outside.
 */
import { InputError } from '../errors.js';
import { uint16 } from './bytes.js';
import { decode, decodeIp, Protocol } from './decode.js';
import type { Decoded, Decoder } from './decode.js';
import { afterEthernet, afterPpp, afterType, NOT_IP } from './link.js';

/** The tunnels that can be seen through. `ipip` is IPv4 or IPv6 right inside IPv4 or IPv6. */
export const tunnelKinds = ['ipip', 'gre', 'vxlan', 'geneve', 'gtpu'] as const;
export type TunnelKind = (typeof tunnelKinds)[number];

/** Tunnels in tunnels in tunnels: more than this is no honest packet. */
const MAX_DEPTH = 8;

/** Ports of VXLAN (IANA's, and the one that Linux chose before), VXLAN-GPE, Geneve and GTP-U. */
const Port = { vxlan: 4789, oldVxlan: 8472, vxlanGpe: 4790, geneve: 6081, gtpu: 2152 } as const;

const ETHERNET_IN_GRE = 0x6558;

/**
 * The kinds named in "vxlan,gre"; "all" is every kind.
 *
 * @throws InputError naming the option, what was found and what is allowed.
 */
export function tunnelKindsOf(option: string, text: string): TunnelKind[] {
  if (text === 'all') return [...tunnelKinds];
  return text.split(',').map((word) => {
    const kind = tunnelKinds.find((name) => name === word.trim());
    if (kind !== undefined) return kind;
    throw new InputError(`${option}: found "${word.trim()}"; allowed: all, ${tunnelKinds.join(', ')}`);
  });
}

/** A decoder that sees through these tunnels; with none, it is {@link decode}. */
export function decoderThrough(kinds: readonly TunnelKind[] = []): Decoder {
  if (kinds.length === 0) return decode;
  const inside = new Inside(kinds);
  return (packet, into) => {
    const outcome = decode(packet, into);
    if (outcome === 'ip') for (let depth = 0; depth < MAX_DEPTH && inside.enter(into); depth++);
    return outcome;
  };
}

/** Finds the packet inside a decoded one. */
class Inside {
  readonly #kinds: ReadonlySet<TunnelKind>;
  /** Where the Ethernet header lies that the last step went through, or -1. */
  #etherOffset = -1;

  constructor(kinds: readonly TunnelKind[]) {
    this.#kinds = new Set(kinds);
  }

  /** Replaces a packet with the one that it carries; false, and nothing changed, when it carries none. */
  enter(into: Decoded): boolean {
    if (into.fragmentOffset > 0) return false;
    const { bytes, end, ipOffset, ipBytes } = into;
    this.#etherOffset = -1;
    const at = this.#find(into);
    if (at < 0 || at >= end) return false;
    if (decodeIp(bytes, at, end, ipBytes - (at - ipOffset), into) !== 'ip') return false;
    into.etherOffset = this.#etherOffset;
    return true;
  }

  #find(packet: Decoded): number {
    const { bytes, end, protocol, transportOffset, payloadOffset } = packet;
    switch (protocol) {
      case Protocol.ipv4:
      case Protocol.ipv6:
        return this.#kinds.has('ipip') ? transportOffset : NOT_IP;
      case Protocol.gre:
        return this.#kinds.has('gre') ? this.#inGre(bytes, transportOffset, end) : NOT_IP;
      case Protocol.udp:
        return this.#inUdp(packet.destinationPort, bytes, payloadOffset, end);
      default:
        return NOT_IP;
    }
  }

  #inUdp(port: number, bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 8) return NOT_IP;
    switch (port) {
      case Port.vxlan:
      case Port.oldVxlan:
        return this.#kinds.has('vxlan') && (bytes[at]! & 8) !== 0
          ? this.#ethernet(bytes, at + 8, end)
          : NOT_IP;
      case Port.vxlanGpe:
        return this.#kinds.has('vxlan') ? this.#inVxlanGpe(bytes, at, end) : NOT_IP;
      case Port.geneve:
        return this.#kinds.has('geneve') ? this.#inGeneve(bytes, at, end) : NOT_IP;
      case Port.gtpu:
        return this.#kinds.has('gtpu') ? inGtpu(bytes, at, end) : NOT_IP;
      default:
        return NOT_IP;
    }
  }

  /** GRE: RFC 2784, 2890; version 1 for PPTP: RFC 2637; ERSPAN: draft-foschiano-erspan. */
  #inGre(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 4) return NOT_IP;
    const flags = uint16(bytes, at);
    const type = uint16(bytes, at + 2);
    const version = flags & 7;
    const hasChecksum = (flags & 0x8000) !== 0;
    const hasKey = (flags & 0x2000) !== 0;
    const hasSequence = (flags & 0x1000) !== 0;
    const hasRouting = (flags & 0x4000) !== 0;
    const hasAcknowledgement = version === 1 && (flags & 0x80) !== 0;
    if (version > 1 || hasRouting) return NOT_IP;
    const words = [hasChecksum, hasKey, hasSequence, hasAcknowledgement].filter(Boolean).length;
    const inner = at + 4 + 4 * words;
    if (inner > end) return NOT_IP;
    switch (type) {
      case ETHERNET_IN_GRE:
        return this.#ethernet(bytes, inner, end);
      case 0x880b:
        return afterPpp(bytes, inner, end);
      case 0x88be:
        // Without a sequence number it is type I, which has no header of its own.
        return this.#ethernet(bytes, hasSequence ? inner + 8 : inner, end);
      case 0x22eb:
        if (end - inner < 12) return NOT_IP;
        return this.#ethernet(bytes, inner + ((bytes[inner + 11]! & 1) !== 0 ? 20 : 12), end);
      default:
        // Small numbers are no lengths here.
        return type < 0x0600 ? NOT_IP : afterType(bytes, type, inner, end);
    }
  }

  /** VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe): the fourth byte tells what is inside. */
  #inVxlanGpe(bytes: Uint8Array, at: number, end: number): number {
    const next = (bytes[at]! & 4) === 0 ? 3 : bytes[at + 3]!;
    if (next === 3) return this.#ethernet(bytes, at + 8, end);
    return next === 1 || next === 2 ? at + 8 : NOT_IP;
  }

  /** Geneve (RFC 8926). */
  #inGeneve(bytes: Uint8Array, at: number, end: number): number {
    if (bytes[at]! >> 6 !== 0) return NOT_IP;
    const inner = at + 8 + 4 * (bytes[at]! & 0x3f);
    const type = uint16(bytes, at + 2);
    if (type === ETHERNET_IN_GRE) return this.#ethernet(bytes, inner, end);
    return type < 0x0600 ? NOT_IP : afterType(bytes, type, inner, end);
  }

  #ethernet(bytes: Uint8Array, at: number, end: number): number {
    this.#etherOffset = at;
    return afterEthernet(bytes, at, end);
  }
}

/** GTP-U (3GPP TS 29.281): user data, with its optional fields and extension headers. */
function inGtpu(bytes: Uint8Array, at: number, end: number): number {
  const isUserData = bytes[at]! >> 4 === 3 && bytes[at + 1] === 255;
  if (!isUserData) return NOT_IP;
  const hasOptional = (bytes[at]! & 7) !== 0;
  if (!hasOptional) return at + 8;
  if (end - at < 12) return NOT_IP;
  let next = (bytes[at]! & 4) === 0 ? 0 : bytes[at + 11]!;
  at += 12;
  while (next !== 0) {
    const length = at < end ? 4 * bytes[at]! : 0;
    if (length === 0 || at + length > end) return NOT_IP;
    next = bytes[at + length - 1]!;
    at += length;
  }
  return at;
}
