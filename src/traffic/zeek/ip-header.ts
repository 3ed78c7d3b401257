/**
 * An IP header as Zeek reads it.
 *
 * It differs from the house's usual decoding in what a log of connections needs: IPv6 extension headers are walked to
 * the end, a routing header gives the final destination and a mobile node its home address, and nothing is guessed:
 * where Zeek throws a packet away, `read` says no. Addresses are 128-bit words; IPv4 is mapped (::ffff:a.b.c.d), so that
 * both kinds compare alike.
 */
import { uint16, uint32 } from '../../capture/bytes.js';
import { Protocol } from '../../capture/index.js';

export const IpProtocol = {
  ...Protocol,
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  esp: 50,
  authentication: 51,
  none: 59,
  destination: 60,
  mobility: 135,
} as const;

const MAPPED = 0xffff;
const HOME_ADDRESS_OPTION = 201;

export class IpHeader {
  version: 4 | 6 = 4;
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  /** What follows all headers. */
  protocol = 0;
  /** The last header of IPv6's chain; 255 for IPv4. */
  lastHeader = 255;
  headerBytes = 0;
  /** By the header; 0 where segmentation offload left it out. */
  totalBytes = 0;
  isFragment = false;
  /** Bytes before this fragment's. */
  fragmentOffset = 0;
  hasMoreFragments = false;
  fragmentId = 0;
  /** Where, from the start of the header, the byte lies that announces IPv6's fragment header. */
  fragmentAnnouncedAt = 0;

  /** Bytes after all headers, by the header; 0 where it does not say. */
  get payloadBytes(): number {
    return this.totalBytes === 0 ? 0 : (this.totalBytes - this.headerBytes) & 0xffff;
  }

  /** False when `at`..`end` is no IP, or ends inside the fixed header. Lengths are for the caller to judge. */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    if (end - at < 20) return false;
    const version = bytes[at]! >> 4;
    if (version === 4) {
      this.#readIpv4(bytes, at);
      return true;
    }
    if (version !== 6 || end - at < 40) return false;
    this.#readIpv6(bytes, at, end);
    return true;
  }

  #readIpv4(bytes: Uint8Array, at: number): void {
    this.version = 4;
    this.source0 = this.source1 = this.destination0 = this.destination1 = 0;
    this.source2 = this.destination2 = MAPPED;
    this.source3 = uint32(bytes, at + 12);
    this.destination3 = uint32(bytes, at + 16);
    this.headerBytes = (bytes[at]! & 15) * 4;
    this.totalBytes = uint16(bytes, at + 2);
    this.protocol = bytes[at + 9]!;
    this.lastHeader = 255;
    const fragment = uint16(bytes, at + 6);
    this.fragmentOffset = (fragment & 0x1fff) * 8;
    this.hasMoreFragments = (fragment & 0x2000) !== 0;
    this.isFragment = this.fragmentOffset !== 0 || this.hasMoreFragments;
    this.fragmentId = uint16(bytes, at + 4);
  }

  #readIpv6(bytes: Uint8Array, at: number, end: number): void {
    this.version = 6;
    this.#setSource(bytes, at + 8);
    this.#setDestination(bytes, at + 24);
    this.totalBytes = uint16(bytes, at + 4) + 40;
    this.isFragment = false;
    this.fragmentOffset = 0;
    let isHome = false;
    let isRouted = false;
    let announcedAt = at + 6;
    let header: number = IpProtocol.ipv6;
    let next = at + 40;
    while (header !== IpProtocol.fragment && header !== IpProtocol.esp && header !== IpProtocol.mobility) {
      const kind = bytes[announcedAt]!;
      if (!isExtension(kind) || end - next < 2) break;
      const length = extensionBytes(kind, bytes[next + 1]!);
      if (length > end - next) break;
      header = kind;
      if (kind === IpProtocol.fragment) this.#setFragment(bytes, next, announcedAt - at);
      if (kind === IpProtocol.routing && !isRouted) isRouted = this.#followRoute(bytes, next, length);
      if (kind === IpProtocol.destination && !isHome) isHome = this.#findHome(bytes, next, length);
      announcedAt = next;
      next += length;
    }
    this.lastHeader = header;
    this.protocol = header === IpProtocol.esp ? IpProtocol.none : bytes[announcedAt]!;
    this.headerBytes = next - at;
  }

  #setFragment(bytes: Uint8Array, at: number, announcedAt: number): void {
    const field = uint16(bytes, at + 2);
    this.isFragment = true;
    this.fragmentOffset = field & 0xfff8;
    this.hasMoreFragments = (field & 1) === 1;
    this.fragmentId = uint32(bytes, at + 4);
    this.fragmentAnnouncedAt = announcedAt;
  }

  /** A route still to go (types 0 and 2) ends at its last address. */
  #followRoute(bytes: Uint8Array, at: number, length: number): boolean {
    const units = bytes[at + 1]!;
    const type = bytes[at + 2]!;
    const isToGo = bytes[at + 3]! > 0;
    const isWhole = type === 0 ? units >= 2 && units % 2 === 0 : type === 2 && units === 2;
    if (isToGo && isWhole) this.#setDestination(bytes, at + length - 16);
    return isToGo && isWhole;
  }

  /** Mobile IPv6 (RFC 6275): the sender's home address is whom it talks as. */
  #findHome(bytes: Uint8Array, at: number, length: number): boolean {
    const end = at + length;
    for (let option = at + 2; option < end;) {
      if (bytes[option] === 0) {
        option += 1;
        continue;
      }
      if (option + 2 > end || option + 2 + bytes[option + 1]! > end) return false;
      if (bytes[option] === HOME_ADDRESS_OPTION && bytes[option + 1] === 16) {
        this.#setSource(bytes, option + 2);
        return true;
      }
      option += 2 + bytes[option + 1]!;
    }
    return false;
  }

  #setSource(bytes: Uint8Array, at: number): void {
    this.source0 = uint32(bytes, at);
    this.source1 = uint32(bytes, at + 4);
    this.source2 = uint32(bytes, at + 8);
    this.source3 = uint32(bytes, at + 12);
  }

  #setDestination(bytes: Uint8Array, at: number): void {
    this.destination0 = uint32(bytes, at);
    this.destination1 = uint32(bytes, at + 4);
    this.destination2 = uint32(bytes, at + 8);
    this.destination3 = uint32(bytes, at + 12);
  }
}

function isExtension(kind: number): boolean {
  return (
    kind === IpProtocol.hopByHop ||
    kind === IpProtocol.routing ||
    kind === IpProtocol.fragment ||
    kind === IpProtocol.esp ||
    kind === IpProtocol.authentication ||
    kind === IpProtocol.destination ||
    kind === IpProtocol.mobility
  );
}

/** Bytes of an extension header (RFC 8200, 4302, 4303: of ESP only what is in the clear). */
function extensionBytes(kind: number, field: number): number {
  if (kind === IpProtocol.fragment || kind === IpProtocol.esp) return 8;
  if (kind === IpProtocol.authentication) return (field + 2) * 4;
  return (field + 1) * 8;
}
