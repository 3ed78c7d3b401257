/**
 * One frame of every kind that meshbeat decodes: link layers, IP with all its headers, tunnels. Made byte by byte, with
 * lengths and checksums where a strict judge would look, so that tshark can be asked about each.
 */
import { LinkType } from '../../src/capture/index.js';

export interface LinkFrame {
  readonly name: string;
  readonly linkType: number;
  readonly frame: Buffer;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const u16 = (value: number): Buffer => hex(value.toString(16).padStart(4, '0'));
const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

const MACS = hex('020000000002 020000000001');
const A4 = hex('0a000001');
const B4 = hex('c0a807fa');
const A6 = hex('20010db8000000000000000000000001');
const B6 = hex('20010db80000000000000000000000ff');

/** The 20-byte header of TCP with its payload. */
const tcp = join(hex('c35001bb 00000001 00000002 5018 0400 0000 0000'), Buffer.from('payload!'));
const udp = (port: number, payload: Buffer): Buffer =>
  join(hex('c351'), u16(port), u16(8 + payload.length), hex('0000'), payload);

interface Ip4 {
  readonly protocol?: number;
  readonly options?: Buffer;
  /** Flags and offset. */
  readonly fragment?: number;
  readonly addresses?: Buffer;
}

export function ip4(
  payload: Buffer,
  { protocol = 6, options = hex(''), fragment = 0, addresses = join(A4, B4) }: Ip4 = {},
): Buffer {
  const header = join(hex('4500 0000 1234 0000 4000 0000'), addresses, options);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[9] = protocol;
  header.writeUInt16BE(checksum(header), 10);
  return join(header, payload);
}

export function ip6(payload: Buffer, next = 6): Buffer {
  return join(hex('60000000'), u16(payload.length), Buffer.from([next, 64]), A6, B6, payload);
}

function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const ethernet = (type: number, payload: Buffer): Buffer => join(MACS, u16(type), payload);
const plain = ip4(tcp);
const inner = ip4(tcp, { addresses: join(hex('ac100001'), hex('ac100002')) });
const innerFrame = ethernet(0x0800, inner);

/** IPv6 with extension headers; the last one's next header is TCP. */
function extended(...headers: readonly (readonly [kind: number, bytes: string])[]): Buffer {
  const kinds = [...headers.map(([kind]) => kind), 6];
  const bytes = headers.map(([, body], index) => join(Buffer.from([kinds[index + 1]!]), hex(body)));
  return ip6(join(...bytes, tcp), kinds[0]);
}

const on =
  (linkType: number) =>
  (name: string, frame: Buffer): LinkFrame => ({ name, linkType, frame });
const eth = on(LinkType.ethernet);
const raw = on(LinkType.raw);

/** Link layers, with the same TCP packet in each. */
export const linkLayers: readonly LinkFrame[] = [
  eth('Ethernet', ethernet(0x0800, plain)),
  eth('Ethernet, IPv6', ethernet(0x86dd, ip6(tcp))),
  eth('Ethernet, padded', join(ethernet(0x0800, ip4(hex('0102'), { protocol: 253 })), Buffer.alloc(24))),
  eth('802.1Q', ethernet(0x8100, join(hex('0005 0800'), plain))),
  eth('802.1ad', ethernet(0x88a8, join(hex('0005 8100 0007 0800'), plain))),
  eth('four tags', ethernet(0x88a8, join(hex('0005 8100 0007 8100 0008 8100 0009 86dd'), ip6(tcp)))),
  eth('old QinQ', ethernet(0x9100, join(hex('0005 8100 0007 0800'), plain))),
  eth('MPLS', ethernet(0x8847, join(hex('00010140'), plain))),
  eth('MPLS, three labels, IPv6', ethernet(0x8847, join(hex('00010040 00020040 00030140'), ip6(tcp)))),
  eth('PPPoE', ethernet(0x8864, join(hex('1100 0011'), u16(2 + plain.length), hex('0021'), plain))),
  eth(
    'PPPoE, IPv6',
    ethernet(0x8864, join(hex('1100 0011'), u16(2 + 40 + tcp.length), hex('0057'), ip6(tcp))),
  ),
  eth(
    '802.1Q, PPPoE',
    ethernet(0x8100, join(hex('0005 8864 1100 0011'), u16(2 + plain.length), hex('0021'), plain)),
  ),
  eth('802.3, SNAP', ethernet(8 + plain.length, join(hex('aaaa03 000000 0800'), plain))),
  eth('802.3, LLC', ethernet(3 + plain.length, join(hex('060603'), plain))),
  raw('raw', plain),
  raw('raw, IPv6', ip6(tcp)),
  on(LinkType.ipv4)('raw IPv4', plain),
  on(LinkType.ipv6)('raw IPv6', ip6(tcp)),
  on(LinkType.rawBsd)('raw, 12', plain),
  on(LinkType.rawOpenBsd)('raw, 14', plain),
  on(LinkType.null)('null, little-endian', join(hex('02000000'), plain)),
  on(LinkType.null)('null, big-endian', join(hex('00000002'), plain)),
  on(LinkType.null)('null, IPv6 of macOS', join(hex('1e000000'), ip6(tcp))),
  on(LinkType.null)('null, IPv6 of FreeBSD', join(hex('1c000000'), ip6(tcp))),
  on(LinkType.loop)('loop', join(hex('00000002'), plain)),
  on(LinkType.loop)('loop, IPv6', join(hex('00000018'), ip6(tcp))),
  on(LinkType.linuxSll)('cooked', join(hex('0000 0001 0006 020000000001 0000 0800'), plain)),
  on(LinkType.linuxSll)(
    'cooked, 802.1Q',
    join(hex('0000 0001 0006 020000000001 0000 8100 0005 86dd'), ip6(tcp)),
  ),
  on(LinkType.linuxSll2)('cooked v2', join(hex('0800 0000 00000003 0001 00 06 0200000000010000'), plain)),
  on(LinkType.linuxSll2)(
    'cooked v2, 802.1Q',
    join(hex('8100 0000 00000003 0001 00 06 0200000000010000 0005 0800'), plain),
  ),
  on(LinkType.ppp)('PPP', join(hex('0021'), plain)),
  on(LinkType.ppp)('PPP, framed as HDLC', join(hex('ff03 0057'), ip6(tcp))),
  on(LinkType.pppHdlc)('PPP in HDLC', join(hex('ff03 0021'), plain)),
  on(LinkType.pppoe)('PPPoE alone', join(hex('1100 0011'), u16(2 + plain.length), hex('0021'), plain)),
  on(LinkType.ciscoHdlc)('Cisco HDLC', join(hex('0f00 0800'), plain)),
];

/** What can come between IP's addresses and the ports. */
export const ipLayers: readonly LinkFrame[] = [
  raw('IPv4 options', ip4(tcp, { options: hex('9404 0000 0101 0100') })),
  raw('first fragment', ip4(tcp, { fragment: 0x2000 })),
  raw('later fragment', ip4(tcp, { fragment: 0x2000 | 100 })),
  raw('last fragment', ip4(tcp, { fragment: 100 })),
  raw('UDP', ip4(udp(9999, Buffer.from('12345')), { protocol: 17 })),
  raw('UDP-Lite', ip4(join(hex('c351 270f 0008 0000'), Buffer.from('12345')), { protocol: 136 })),
  raw(
    'SCTP',
    ip4(hex('c351 0b80 00000001 00000000 00 03 0010 0000000000000000 00000000'), { protocol: 132 }),
  ),
  raw('DCCP', ip4(hex('c351 1389 0400 0000 01 000001 00000000'), { protocol: 33 })),
  raw('ICMP', ip4(hex('0304 0000 00000000'), { protocol: 1 })),
  raw('ICMPv6', ip6(hex('8000 0000 0001 0001'), 58)),
  raw('hop-by-hop', extended([0, '00 01 04 00000000'])),
  raw('destination options', extended([60, '00 01 04 00000000'])),
  raw('routing', extended([43, '00 00 00 00000000'])),
  raw('first fragment, IPv6', extended([44, '00 0001 0badcafe'])),
  raw('later fragment, IPv6', extended([44, '00 03e9 0badcafe'])),
  raw('whole fragment, IPv6', extended([44, '00 0000 0badcafe'])),
  raw('authentication', extended([51, '04 0000 00000001 00000001 000000000000000000000000'])),
  raw(
    'all of them',
    extended(
      [0, '00 01 04 00000000'],
      [60, '00 01 04 00000000'],
      [43, '00 00 00 00000000'],
      [44, '00 0000 0badcafe'],
    ),
  ),
  raw('ESP', ip4(Buffer.alloc(40, 7), { protocol: 50 })),
];

const gre = (header: string, payload: Buffer): Buffer => ip4(join(hex(header), payload), { protocol: 47 });

/** Tunnels: between 10.0.0.1 and 192.168.7.250 outside, 172.16.0.1 and 172.16.0.2 inside. */
export const tunnels: readonly LinkFrame[] = [
  raw('IPv4 in IPv4', ip4(inner, { protocol: 4 })),
  raw('IPv6 in IPv4', ip4(ip6(tcp), { protocol: 41 })),
  raw('IPv4 in IPv6', ip6(inner, 4)),
  raw('GRE', gre('0000 0800', inner)),
  raw('GRE, IPv6', gre('0000 86dd', ip6(tcp))),
  raw('GRE, key and sequence', gre('3000 0800 00000007 00000001', inner)),
  raw('GRE, checksum', gre('8000 0800 0000 0000', inner)),
  raw('GRE, Ethernet', gre('2000 6558 00000007', innerFrame)),
  raw('ERSPAN II', gre('1000 88be 00000001 1001 0001 00000000', innerFrame)),
  raw(
    'PPTP',
    gre(`3001 880b ${(4 + inner.length).toString(16).padStart(4, '0')} 0001 00000001 ff03 0021`, inner),
  ),
  raw('VXLAN', ip4(udp(4789, join(hex('08000000 00007b00'), innerFrame)), { protocol: 17 })),
  raw('Geneve', ip4(udp(6081, join(hex('0000 6558 00007b00'), innerFrame)), { protocol: 17 })),
  raw(
    'Geneve, options',
    ip4(udp(6081, join(hex('0200 6558 00007b00 0102 80 01 00000000'), innerFrame)), { protocol: 17 }),
  ),
  raw(
    'GTP-U',
    ip4(udp(2152, join(hex('30ff'), u16(inner.length), hex('00000001'), inner)), { protocol: 17 }),
  ),
  raw(
    'GTP-U, extension',
    ip4(udp(2152, join(hex('34ff'), u16(8 + inner.length), hex('00000001 0000 00 85 01 0009 00'), inner)), {
      protocol: 17,
    }),
  ),
  raw(
    'GRE in IPv4 in VXLAN',
    ip4(udp(4789, join(hex('08000000 00007b00'), ethernet(0x0800, gre('0000 0800', inner)))), {
      protocol: 17,
    }),
  ),
];
