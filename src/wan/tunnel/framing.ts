/**
 * What a tunnel adds to a packet: arithmetic that its standard fixes.
 *
 *     Ethernet │ IP │ UDP │ header │ the packet inside, padded │ tag
 *
 * Everything is said of one packet, and no packet is ever cut: what is inside is at most `innerMtu` bytes, and with
 * all that is added it fits the MTU outside. Handshakes and empty keepalive packets are left out.
 */
import type { TunnelKind } from '../../scenario/topology.js';

const ETHERNET_HEADER_BYTES = 14;
/** IPv4 without options (RFC 791). */
const IP_HEADER_BYTES = 20;
/** RFC 768. */
const UDP_HEADER_BYTES = 8;
const OUTER_BYTES = IP_HEADER_BYTES + UDP_HEADER_BYTES;

/** IPv4 and TCP with the timestamp option: what a segment inside has before its payload. */
const INNER_TCP_BYTES = 20 + 20 + 12;

interface TunnelFormat {
  /** Bytes of UDP payload besides the packet inside. */
  readonly overhead: number;
  /** The packet inside is filled up to a multiple of this, but never beyond the MTU inside. */
  readonly padding: number;
}

const FORMATS: Readonly<Record<TunnelKind, TunnelFormat>> = {
  // "WireGuard: Next Generation Kernel Network Tunnel" (Donenfeld, 2020), section 5.4.6: type 1, reserved 3, receiver
  // 4, counter 8, and the tag of ChaCha20-Poly1305, 16; the packet is padded to a multiple of 16.
  wireguard: { overhead: 4 + 4 + 8 + 16, padding: 16 },
  // OpenVPN's data channel with an AEAD cipher, P_DATA_V2 (doc/doxygen/doc_data_crypto.h of OpenVPN 2.6): opcode, key
  // and peer id 4, packet id 4, tag of AES-GCM 16.
  'openvpn-udp': { overhead: 4 + 4 + 16, padding: 1 },
};

/**
 * The rule of wg-quick(8) for any path, IPv6 too: 40 and 8 of headers and 32 of its own. What OpenVPN adds is less.
 * So equal packets go in whichever tunnel it is.
 */
const TUNNEL_ROOM = 80;

/** Bytes of the largest IP packet inside a tunnel whose packets may have `mtu` bytes. */
export const innerMtu = (mtu: number): number => mtu - TUNNEL_ROOM;

/** Bytes of the Ethernet frame that carries an IP packet of `inner` bytes; `mtu` is that of the packets outside. */
export function tunnelFrameBytes(kind: TunnelKind, inner: number, mtu: number): number {
  const { overhead, padding } = FORMATS[kind];
  const padded = Math.min(innerMtu(mtu), Math.ceil(inner / padding) * padding);
  return ETHERNET_HEADER_BYTES + OUTER_BYTES + overhead + padded;
}

/**
 * What TCP carried inside, read off from outside: every tunnel packet holds a whole IP packet with TCP headers in it.
 * Padding is not known and counts as payload; it is in small packets only, some 12 bytes for each acknowledgement,
 * which with WireGuard makes the figure up to 0.5 % too large. Segments that were sent twice count twice.
 *
 * @param packets tunnel packets, and `udpPayload` the bytes of UDP that they are
 */
export function tcpPayloadInside(kind: TunnelKind, packets: number, udpPayload: number): number {
  return udpPayload - packets * (FORMATS[kind].overhead + INNER_TCP_BYTES);
}
