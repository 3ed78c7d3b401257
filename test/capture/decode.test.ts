import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, Decoded, formatAddress, LinkType } from '../../src/capture/index.js';
import { packetOf, tcpFrame } from '../support/frames.js';

const ethernet = tcpFrame({
  source: '10.0.0.1',
  destination: '192.168.7.250',
  sequence: 0xfffffff0,
  flags: 18,
  payload: 9,
});
const ip = ethernet.subarray(14);

const ipv6 = Buffer.concat([
  Buffer.from('6000000000140640', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db80000000000000000000000ff', 'hex'),
  ip.subarray(20),
]);

/** An IPv6 packet with these extension headers before its TCP header. */
function ipv6With(first: number, extensions: Buffer): Buffer {
  const packet = Buffer.concat([ipv6.subarray(0, 40), extensions, ipv6.subarray(40)]);
  packet.writeUInt16BE(20 + extensions.length, 4);
  packet[6] = first;
  return packet;
}

function decoded(bytes: Uint8Array, linkType: number, originalLength = bytes.length): [string, Decoded] {
  const into = new Decoded();
  return [decode(packetOf(bytes, 0, originalLength, linkType), into), into];
}

const addresses = (d: Decoded) => [
  formatAddress({ version: d.version, words: [d.source0, d.source1, d.source2, d.source3] }),
  formatAddress({
    version: d.version,
    words: [d.destination0, d.destination1, d.destination2, d.destination3],
  }),
];

describe('link layers', () => {
  const after = (hex: string, packet: Buffer = ip) =>
    Buffer.concat([Buffer.from(hex.replaceAll(' ', ''), 'hex'), packet]);
  const macs = '00'.repeat(12);
  test.each([
    { name: 'Ethernet', linkType: LinkType.ethernet, bytes: ethernet },
    { name: '802.1Q', linkType: LinkType.ethernet, bytes: after(`${macs} 8100 0005 0800`) },
    { name: '802.1ad', linkType: LinkType.ethernet, bytes: after(`${macs} 88a8 0005 8100 0007 0800`) },
    { name: 'MPLS, two labels', linkType: LinkType.ethernet, bytes: after(`${macs} 8847 00010040 00020140`) },
    { name: 'raw', linkType: LinkType.raw, bytes: ip },
    { name: 'raw IPv4', linkType: LinkType.ipv4, bytes: ip },
    { name: 'null, little-endian', linkType: LinkType.null, bytes: after('02000000') },
    { name: 'null, big-endian', linkType: LinkType.null, bytes: after('00000002') },
    { name: 'loop', linkType: LinkType.loop, bytes: after('00000002') },
    { name: 'Linux SLL', linkType: LinkType.linuxSll, bytes: after(`${'00'.repeat(14)} 0800`) },
    { name: 'Linux SLL2', linkType: LinkType.linuxSll2, bytes: after(`0800 ${'00'.repeat(18)}`) },
  ])('$name', ({ linkType, bytes }) => {
    const [outcome, into] = decoded(bytes, linkType);
    expect(outcome).toBe('ip');
    expect(addresses(into)).toEqual(['10.0.0.1', '192.168.7.250']);
    expect(into).toMatchObject({ protocol: 6, sourcePort: 50_000, destinationPort: 443, payloadBytes: 9 });
  });

  test.each([
    { name: 'ARP', linkType: LinkType.ethernet, bytes: after(`${macs} 0806`) },
    { name: 'an unknown link type', linkType: 147, bytes: ethernet },
    { name: 'another family', linkType: LinkType.null, bytes: after('00000007') },
  ])('$name is other traffic', ({ linkType, bytes }) => {
    expect(decoded(bytes, linkType)[0]).toBe('other');
  });
});

describe('IP and transport', () => {
  test('TCP over IPv4', () => {
    const [, into] = decoded(ip, LinkType.raw);
    expect(into).toMatchObject({
      hasTcp: true,
      tcpFlags: 18,
      sequence: 0xfffffff0,
      ipBytes: 49,
      payloadBytes: 9,
    });
  });

  test('TCP over IPv6, with and without extension headers', () => {
    const options = Buffer.from('3c00010400000000', 'hex');
    const destination = Buffer.from('0600010400000000', 'hex');
    const packets = [
      ipv6,
      ipv6With(0, Buffer.concat([options, destination])),
      ipv6With(44, Buffer.from('0600000100000001', 'hex')),
    ];
    for (const packet of packets) {
      const [outcome, into] = decoded(packet, LinkType.raw);
      expect(outcome).toBe('ip');
      expect(addresses(into)).toEqual(['2001:db8::1', '2001:db8::ff']);
      expect(into).toMatchObject({ protocol: 6, sourcePort: 50_000, hasTcp: true, payloadBytes: 0 });
    }
  });

  test('UDP: its payload is what the headers say, however little was captured', () => {
    const udp = Buffer.from(ip.subarray(0, 28));
    udp.writeUInt16BE(1228, 2);
    udp[9] = 17;
    const [outcome, into] = decoded(udp, LinkType.raw, 1228);
    expect(outcome).toBe('ip');
    expect(into).toMatchObject({ sourcePort: 50_000, hasTcp: false, payloadBytes: 1200 });
  });

  test('a later fragment has no ports', () => {
    const fragment = Buffer.from(ip);
    fragment.writeUInt16BE(100, 6);
    const [outcome, into] = decoded(fragment, LinkType.raw);
    expect(outcome).toBe('ip');
    expect(into).toMatchObject({ sourcePort: 0, destinationPort: 0, hasTcp: false, payloadBytes: 29 });
    const [, later] = decoded(ipv6With(44, Buffer.from('0600010000000001', 'hex')), LinkType.raw);
    expect(later).toMatchObject({ protocol: 6, sourcePort: 0, hasTcp: false });
  });

  test('what few ask for is read where it lies: IPv4', () => {
    const packet = Buffer.from(ip);
    packet[1] = 0xb9;
    packet.writeUInt16BE(0xbeef, 4);
    packet[8] = 61;
    packet.writeUInt16BE(1234, 34);
    const [, into] = decoded(Buffer.concat([ethernet.subarray(0, 14), packet]), LinkType.ethernet);
    expect(into).toMatchObject({
      trafficClass: 0xb9,
      identification: 0xbeef,
      ttl: 61,
      window: 1234,
      flowLabel: 0,
    });
    expect(into).toMatchObject({ etherOffset: 0, ipOffset: 14, transportOffset: 34, payloadOffset: 54 });
    expect(into).toMatchObject({ isFragment: false, icmpTypeCode: 0, payloadCaptured: 0 });
    expect(decoded(packet, LinkType.raw)[1]).toMatchObject({ etherOffset: -1, ipOffset: 0 });
  });

  test('what few ask for is read where it lies: IPv6', () => {
    const fragment = ipv6With(44, Buffer.from('060000010badcafe', 'hex'));
    fragment.writeUInt32BE(0x6ab12345, 0);
    fragment[7] = 3;
    const [, into] = decoded(fragment, LinkType.raw);
    expect(into).toMatchObject({
      trafficClass: 0xab,
      flowLabel: 0x12345,
      ttl: 3,
      identification: 0x0badcafe,
    });
    expect(into).toMatchObject({
      isFragment: true,
      moreFragments: true,
      fragmentOffset: 0,
      sourcePort: 50_000,
    });
    expect(into).toMatchObject({ fragmentHeader: 40, transportOffset: 48, payloadOffset: 68 });
    const [, whole] = decoded(ipv6, LinkType.raw);
    expect(whole).toMatchObject({ isFragment: false, identification: 0, fragmentHeader: -1 });
  });

  test('fragments tell where they belong', () => {
    const fragment = Buffer.from(ip);
    fragment.writeUInt16BE(0x2000 | 100, 6);
    expect(decoded(fragment, LinkType.raw)[1]).toMatchObject({ fragmentOffset: 800, moreFragments: true });
    const last = ipv6With(44, Buffer.from('060003e800000001', 'hex'));
    const [, into] = decoded(last, LinkType.raw);
    expect(into).toMatchObject({
      fragmentOffset: 1000,
      moreFragments: false,
      transportOffset: 48,
      payloadOffset: 48,
    });
  });

  test('ICMP: type and code as NetFlow has them', () => {
    const icmp = Buffer.concat([ip.subarray(0, 20), Buffer.from('0304000000000000', 'hex')]);
    icmp[9] = 1;
    icmp.writeUInt16BE(28, 2);
    expect(decoded(icmp, LinkType.raw)[1]).toMatchObject({
      protocol: 1,
      icmpTypeCode: 3 * 256 + 4,
      sourcePort: 0,
    });
    expect(decoded(icmp.subarray(0, 21), LinkType.raw)[1].icmpTypeCode).toBe(0);
    icmp.writeUInt16BE(5, 6);
    expect(decoded(icmp, LinkType.raw)[1].icmpTypeCode).toBe(0);
    const icmp6 = Buffer.concat([ipv6.subarray(0, 40), Buffer.from('8000', 'hex')]);
    icmp6[6] = 58;
    expect(decoded(icmp6, LinkType.raw)[1].icmpTypeCode).toBe(128 * 256);
  });

  test.each([33, 132, 136])('protocol %i has ports', (protocol) => {
    const packet = Buffer.from(ip);
    packet[9] = protocol;
    const [, into] = decoded(packet, LinkType.raw);
    expect(into).toMatchObject({ protocol, sourcePort: 50_000, destinationPort: 443, payloadBytes: 29 });
  });

  test('padding of a short frame is no part of the packet', () => {
    const padded = Buffer.concat([
      ethernet.subarray(0, 34),
      Buffer.from('1234567890abcdef1234567890abcdef', 'hex'),
    ]);
    padded.writeUInt16BE(22, 16);
    const [, into] = decoded(padded, LinkType.ethernet);
    expect(into).toMatchObject({ ipBytes: 22, payloadBytes: 2, sourcePort: 0, payloadCaptured: 2 });
  });

  test('a length of 0, left by segmentation offload, is taken from the frame', () => {
    const offloaded = Buffer.from(ip);
    offloaded.writeUInt16BE(0, 2);
    const [, into] = decoded(offloaded, LinkType.raw, 65_000);
    expect(into).toMatchObject({ ipBytes: 65_000, payloadBytes: 64_960 });
  });

  test.each([
    { name: 'a cut IPv4 header', bytes: ip.subarray(0, 19) },
    { name: 'a cut IPv6 header', bytes: ipv6.subarray(0, 39) },
    { name: 'a header length below 20', bytes: Buffer.concat([Buffer.from([0x44]), ip.subarray(1)]) },
    { name: 'IP version 5', bytes: Buffer.concat([Buffer.from([0x55]), ip.subarray(1)]) },
    { name: 'nothing', bytes: Buffer.alloc(0) },
  ])('$name cannot be decoded', ({ bytes }) => {
    expect(decoded(bytes, LinkType.raw)[0]).toBe('undecoded');
  });

  test('a cut or contradictory TCP header leaves addresses and what else is certain', () => {
    const [outcome, into] = decoded(ip.subarray(0, 30), LinkType.raw, 49);
    expect(outcome).toBe('ip');
    expect(into).toMatchObject({ sourcePort: 50_000, hasTcp: false });
    const long = Buffer.from(ip);
    long[32] = 0xf0;
    expect(decoded(long, LinkType.raw)[1].hasTcp).toBe(false);
  });
});

test('no bytes whatever make it throw or claim a negative length', () => {
  const start = fc.constantFrom(ethernet, ip, ipv6, ipv6With(0, Buffer.alloc(8)));
  const linkType = fc.constantFrom(...Object.values(LinkType));
  fc.assert(
    fc.property(start, fc.nat(80), fc.uint8Array({ maxLength: 80 }), linkType, (base, keep, noise, type) => {
      const bytes = Buffer.concat([base.subarray(0, keep), noise]);
      const [outcome, into] = decoded(bytes, type);
      if (outcome !== 'ip') return;
      expect(into.payloadBytes).toBeGreaterThanOrEqual(0);
      expect(into.ipBytes).toBeGreaterThanOrEqual(20);
      expect(into.end).toBeLessThanOrEqual(bytes.length);
      for (const value of [
        into.ttl,
        into.trafficClass,
        into.identification,
        into.window,
        into.icmpTypeCode,
      ]) {
        expect(Number.isInteger(value)).toBe(true);
      }
    }),
    { numRuns: 3000 },
  );
});
