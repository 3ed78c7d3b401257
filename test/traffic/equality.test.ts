/** Our counts beside those of Wireshark's and nfdump's tools, on captures of every link type. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LinkType } from '../../src/capture/index.js';
import { analyzeCapture } from '../../src/traffic/index.js';
import { pcapFile } from '../support/captures.js';
import { conversations, ipFrame, ipOf, pcapOf, udpBody } from '../support/conversations.js';
import type { Frame } from '../support/conversations.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { nfpcapdRecords, recordsAsNfpcapd } from '../support/nfpcapd.js';
import { describeWith } from '../support/requires.js';
import { tsharkFields } from '../support/tshark.js';
import { expectWiresharkCounts } from '../support/wireshark-counts.js';

const folder = scratchFolder();

/** A datagram in three fragments, whole and out of order. */
function fragments(): Frame[] {
  const body = udpBody(7000, 7001, 2972);
  return [0, 1480, 2960, 1480, 0, 2960].map((offset, index) => {
    const fragment = (offset < 2960 ? 0x2000 : 0) | (offset / 8);
    const data = ipFrame({
      source: '10.9.0.1',
      destination: '10.9.0.2',
      protocol: 17,
      identification: index < 3 ? 5 : 6,
      fragment,
      body: body.subarray(offset, offset + 1480),
    });
    return { micros: 1_700_000_000_000_000 + index * 1000, data };
  });
}

function written(name: string, frames: readonly Frame[]): string {
  const file = join(folder, `${name}.pcap`);
  writeFileSync(file, pcapOf(frames));
  return file;
}

describeWith(['tshark', 'capinfos'], 'the same counts as Wireshark has', () => {
  const captures = {
    'generated 1': () => written('one', conversations(21, 300)),
    'generated 2': () => written('two', conversations(22, 300)),
    fragments: () => written('fragments', fragments()),
    'http-get': () => fixture('zeek/http-get.pcap'),
    'mixed-vlan-mpls': () => fixture('zeek/mixed-vlan-mpls.pcap'),
    'ftp-ipv6': () => fixture('zeek/ftp-ipv6.pcap'),
    'q-in-q': () => fixture('zeek/q-in-q.pcap'),
  };

  test.each(Object.entries(captures))('%s', async (name, make) => {
    const file = make();
    const kinds = name === 'fragments' ? (['ip', 'ipv6'] as const) : undefined;
    expectWiresharkCounts(file, await analyzeCapture(file), kinds);
  });
});

/** What comes before IP on a link, by the IP version, for packets of this length. */
interface Link {
  readonly name: string;
  readonly type: number;
  /** Undefined for what the link can't carry. */
  readonly header: (isSix: boolean, bytes: number) => string | undefined;
  /** False where nfpcapd 1.7.1 refuses the link type, or doesn't find IP there. */
  readonly hasNfpcapd?: boolean;
}

const MACS = '020000000002 020000000001';
const etherType = (isSix: boolean) => (isSix ? '86dd' : '0800');
const pppType = (isSix: boolean) => (isSix ? '0057' : '0021');
const hex16 = (value: number) => value.toString(16).padStart(4, '0');

const links: readonly Link[] = [
  { name: 'raw', type: LinkType.raw, header: () => '' },
  { name: 'raw, BSD', type: LinkType.rawBsd, header: () => '' },
  { name: 'raw, OpenBSD', type: LinkType.rawOpenBsd, header: () => '', hasNfpcapd: false },
  { name: 'raw IPv4', type: LinkType.ipv4, header: (isSix) => (isSix ? undefined : ''), hasNfpcapd: false },
  { name: 'raw IPv6', type: LinkType.ipv6, header: (isSix) => (isSix ? '' : undefined), hasNfpcapd: false },
  { name: 'null', type: LinkType.null, header: (isSix) => (isSix ? '1e000000' : '02000000') },
  {
    name: 'loop',
    type: LinkType.loop,
    header: (isSix) => (isSix ? '0000001e' : '00000002'),
    hasNfpcapd: false,
  },
  {
    name: 'cooked',
    type: LinkType.linuxSll,
    header: (isSix) => `0000 0001 0006 020000000001 0000 ${etherType(isSix)}`,
  },
  {
    name: 'cooked v2',
    type: LinkType.linuxSll2,
    header: (isSix) => `${etherType(isSix)} 0000 00000003 0001 00 06 0200000000010000`,
    hasNfpcapd: false,
  },
  { name: 'PPP', type: LinkType.ppp, header: pppType },
  { name: 'PPP in HDLC', type: LinkType.pppHdlc, header: (isSix) => `ff03 ${pppType(isSix)}` },
  {
    name: 'PPPoE alone',
    type: LinkType.pppoe,
    header: (isSix, bytes) => `1100 0011 ${hex16(bytes + 2)} ${pppType(isSix)}`,
    hasNfpcapd: false,
  },
  {
    name: 'Cisco HDLC',
    type: LinkType.ciscoHdlc,
    header: (isSix) => `0f00 ${etherType(isSix)}`,
    hasNfpcapd: false,
  },
  { name: 'Ethernet', type: LinkType.ethernet, header: (isSix) => `${MACS} ${etherType(isSix)}` },
  {
    name: '802.1ad and 802.1Q',
    type: LinkType.ethernet,
    header: (isSix) => `${MACS} 88a8 0005 8100 0007 ${etherType(isSix)}`,
    hasNfpcapd: false,
  },
  { name: 'MPLS', type: LinkType.ethernet, header: () => `${MACS} 8847 00010040 00020140` },
  {
    name: 'PPPoE in Ethernet',
    type: LinkType.ethernet,
    header: (isSix, bytes) => `${MACS} 8864 1100 0011 ${hex16(bytes + 2)} ${pppType(isSix)}`,
  },
];

/** The conversations' packets, each behind this link's header. */
function on({ name, type, header }: Link, frames: readonly Frame[]): string {
  const records = frames.flatMap(({ micros, data }) => {
    const packet = ipOf(data);
    const before = header(packet[0]! >> 4 === 6, packet.length);
    if (before === undefined) return [];
    const frame = Buffer.concat([Buffer.from(before.replaceAll(' ', ''), 'hex'), packet]);
    return [{ seconds: Math.floor(micros / 1e6), fraction: micros % 1e6, data: frame }];
  });
  const file = join(folder, `link ${name}.pcap`);
  writeFileSync(file, pcapFile('little', 0xa1b2c3d4, type, records));
  return file;
}

describe('on every link', () => {
  const frames = conversations(23, 60);

  describeWith(['tshark', 'capinfos'], 'the counts of Wireshark', () => {
    test.each(links)('$name', async (link) => {
      const file = on(link, frames);
      expectWiresharkCounts(file, await analyzeCapture(file));
    });
  });

  describeWith(['nfpcapd', 'nfdump'], 'the records of nfpcapd', () => {
    test.each(links.filter(({ hasNfpcapd }) => hasNfpcapd !== false))('$name', async (link) => {
      const file = on(link, frames);
      const theirs = nfpcapdRecords(file, 60, 15);
      expect(theirs.length).toBeGreaterThan(50);
      expect(await recordsAsNfpcapd(file, 60, 15)).toEqual(theirs);
    });
  });
});

describeWith(['tshark', 'nfpcapd', 'nfdump'], 'fragments', () => {
  test('nfpcapd counts a datagram once, and padding with it; we count what tshark sees on the wire', async () => {
    const whole = fragments().slice(0, 3);
    const file = written('three', whole);
    const lengths = tsharkFields(file, 'ip', ['ip.len']).map(([length]) => Number(length));
    expect(lengths).toEqual([1500, 1500, 40]);
    const count = (lines: readonly string[]) => {
      const counts = lines.map((line) => line.split(',').slice(-2).map(Number));
      return [0, 1].map((at) => counts.reduce((sum, pair) => sum + pair[at]!, 0));
    };
    expect(count(await recordsAsNfpcapd(file, 60, 15))).toEqual([3, 3040]);
    // One datagram of 3000 bytes, and the 6 bytes that fill the last frame up to Ethernet's 60.
    expect(count(nfpcapdRecords(file, 60, 15))).toEqual([1, 3006]);
  });
});
