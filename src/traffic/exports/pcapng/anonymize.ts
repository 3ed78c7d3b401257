/**
 * A packet without what tells whose it is.
 *
 * The rule is a white list: a new frame is built of the fields that are known to be harmless, and ends where they end.
 * Payload is always cut off, and with it what tunnels, ICMP errors, DNS and all others have inside. What is kept:
 * times, true lengths, Ethernet's type and VLAN tags, the headers of IP and of TCP, UDP, SCTP, DCCP, and ICMP's echo.
 *
 * - IP addresses become pseudonyms by Crypto-PAn; MAC addresses become others with the same group bit (broadcast stays).
 * - Options of IPv4 become padding, those of IPv6 too; of a routing header only its shape stays. Of TCP's options MSS,
 *   window scale, SACK and timestamps stay, others (MPTCP's has addresses) become padding.
 * - IPv4's header checksum is right for the new header. Checksums of TCP, UDP, SCTP and ICMP are zero: they are sums
 *   over what was cut off, and would tell of it.
 * - Frames of Ethernet stay that, but MPLS and PPPoE go; what comes from any other link becomes raw IP. Frames that
 *   hold no IP keep Ethernet's header, and without Ethernet are left out.
 */
import { createHmac } from 'node:crypto';
import { decode, Decoded, LinkType, Protocol } from '../../../capture/index.js';
import type { Packet } from '../../../capture/index.js';
import { CryptoPan } from './crypto-pan.js';
import { copyTcpOptions, internetChecksum, padIpv6Extensions } from './headers.js';

/** Longer headers are cut: IPv6's extensions may be thousands of bytes of nothing. */
const MAX_FRAME = 512;
const MAX_REMEMBERED = 65_536;
const MAC_BYTES = 6;
const ETHERNET_BYTES = 14;
const ESP = 50;

export class Anonymizer {
  /** The frame that was made last: its first {@link length} bytes. */
  readonly bytes = new Uint8Array(MAX_FRAME);
  length = 0;
  /** The frame's bytes on the wire. */
  originalLength = 0;
  linkType = 0;
  readonly #key: Uint8Array;
  readonly #pan: CryptoPan;
  readonly #decoded = new Decoded();
  readonly #macs = new Map<string, Uint8Array>();

  /** @param key of 32 bytes. */
  constructor(key: Uint8Array) {
    this.#key = key;
    this.#pan = new CryptoPan(key);
  }

  /** Makes the packet's frame; false when nothing of it can be kept. */
  rewrite(packet: Packet): boolean {
    const isIp = decode(packet, this.#decoded) === 'ip';
    this.bytes.fill(0);
    this.originalLength = packet.originalLength;
    const isEthernet = packet.linkType === LinkType.ethernet && packet.length >= ETHERNET_BYTES;
    if (!isIp && !isEthernet) return false;
    if (isEthernet) {
      this.linkType = LinkType.ethernet;
      this.length = this.#ethernet(packet, isIp ? this.#decoded.ipOffset : -1);
    } else {
      this.linkType = LinkType.raw;
      this.originalLength -= this.#decoded.ipOffset - packet.offset;
      this.length = 0;
    }
    if (isIp) this.#ip();
    return true;
  }

  /** @param ipOffset where IP starts in the original, -1 for none. Returns the length of the new header. */
  #ethernet({ bytes, offset }: Packet, ipOffset: number): number {
    this.bytes.set(this.#mac(bytes.subarray(offset, offset + MAC_BYTES)), 0);
    this.bytes.set(this.#mac(bytes.subarray(offset + MAC_BYTES, offset + 2 * MAC_BYTES)), MAC_BYTES);
    if (ipOffset < 0) {
      this.bytes.set(bytes.subarray(offset + 12, offset + ETHERNET_BYTES), 12);
      return ETHERNET_BYTES;
    }
    let at = offset + 12;
    while (isTag(bytes, at) && at + 6 <= ipOffset && at - offset < 12 + 4 * 8) at += 4;
    const isPlain = at + 2 === ipOffset;
    const tags = isPlain ? bytes.subarray(offset + 12, at) : new Uint8Array(0);
    this.bytes.set(tags, 12);
    this.bytes.set(this.#decoded.version === 4 ? [0x08, 0x00] : [0x86, 0xdd], 12 + tags.length);
    return ETHERNET_BYTES + tags.length;
  }

  /** Deterministic and keyed as the rest, and marked as locally administered. */
  #mac(mac: Uint8Array): Uint8Array {
    if (mac.every((byte) => byte === 255)) return mac;
    const name = Buffer.from(mac).toString('latin1');
    const known = this.#macs.get(name);
    if (known !== undefined) return known;
    const digest = createHmac('sha256', this.#key).update('meshbeat MAC address').update(mac).digest();
    const pseudonym = Uint8Array.from(digest.subarray(0, MAC_BYTES));
    pseudonym[0] = (pseudonym[0]! & 0xfc) | 2 | (mac[0]! & 1);
    if (this.#macs.size >= MAX_REMEMBERED) this.#macs.clear();
    this.#macs.set(name, pseudonym);
    return pseudonym;
  }

  /** Appends the IP packet's headers. */
  #ip(): void {
    const { bytes, ipOffset, transportOffset, version, end } = this.#decoded;
    const at = this.length;
    const headers = Math.min(transportOffset, end) - ipOffset;
    const room = MAX_FRAME - at - 60;
    const fixed = version === 4 ? 20 : 40;
    this.bytes.set(bytes.subarray(ipOffset, ipOffset + fixed), at);
    const [first, size] = version === 4 ? [12, 4] : [8, 16];
    for (const place of [first, first + size]) {
      const address = bytes.subarray(ipOffset + place, ipOffset + place + size);
      this.bytes.set(this.#pan.pseudonym(address), at + place);
    }
    this.length = at + Math.min(headers, room);
    if (version === 4) {
      // No-operation options, so that the header's length stays true.
      this.bytes.fill(1, at + fixed, at + headers);
      this.bytes.fill(0, at + 10, at + 12);
      new DataView(this.bytes.buffer).setUint16(at + 10, internetChecksum(this.bytes, at, at + headers));
    } else {
      padIpv6Extensions(this.bytes, at + fixed, this.length, bytes, ipOffset + fixed, bytes[ipOffset + 6]!);
    }
    if (headers <= room) this.#transport();
  }

  /** Appends what is kept of the header behind IP's. */
  #transport(): void {
    const { bytes, transportOffset: from, end, protocol, version, fragmentOffset } = this.#decoded;
    const captured = end - from;
    if (fragmentOffset > 0 || captured <= 0) return;
    const at = this.length;
    const take = (length: number, ...zeros: readonly (readonly [start: number, end: number])[]) => {
      const taken = Math.min(length, captured);
      this.bytes.set(bytes.subarray(from, from + taken), at);
      for (const [start, stop] of zeros)
        this.bytes.fill(0, at + Math.min(start, taken), at + Math.min(stop, taken));
      this.length = at + taken;
    };
    switch (protocol) {
      case Protocol.tcp:
        take(20, [16, 18]);
        if (this.#decoded.hasTcp) {
          const optionsEnd = Math.min(this.#decoded.payloadOffset, end);
          this.length += copyTcpOptions(this.bytes, this.length, bytes, from + 20, optionsEnd);
        }
        return;
      case Protocol.udp:
      case Protocol.udpLite:
        return take(8, [6, 8]);
      case Protocol.sctp:
        return take(12, [8, 12]);
      case Protocol.dccp:
      case Protocol.gre:
        return take(4);
      case ESP:
        return take(8);
      case Protocol.icmp:
      case Protocol.icmp6: {
        const isEcho = version === 4 ? bytes[from] === 8 || bytes[from] === 0 : (bytes[from]! & 0xfe) === 128;
        return isEcho ? take(8, [2, 4]) : take(8, [2, 8]);
      }
    }
  }
}

/** A tag of 802.1Q or 802.1ad. */
function isTag(bytes: Uint8Array, at: number): boolean {
  const type = (bytes[at]! << 8) | bytes[at + 1]!;
  return type === 0x8100 || type === 0x88a8 || type === 0x9100;
}
