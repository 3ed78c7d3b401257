/** pcapng again: what is cut, and that what is anonymized holds none of the addresses it was made of. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkType, readCapture } from '../../../src/capture/index.js';
import type { Packet } from '../../../src/capture/index.js';
import { exportFormatNamed, exportMerged, exportTraffic } from '../../../src/traffic/exports/index.js';
import { INTERFACES_PER_FILE, mergeCaptures } from '../../../src/traffic/exports/merge.js';
import { exportedPackets, exportSettings, MemoryOutlet } from '../../support/exporting.js';
import { scratchFolder } from '../../support/files.js';
import { fixture } from '../../support/fixtures.js';
import { packetOf, tcpFrame } from '../../support/frames.js';
import { describeWith } from '../../support/requires.js';
import { tsharkFields } from '../../support/tshark.js';

const folder = scratchFolder();
const keyFile = join(folder, 'key');
writeFileSync(keyFile, 'c0ffee00'.repeat(8));
const capture = fixture('zeek/ftp-ipv6.pcap');
const web = fixture('zeek/http-get.pcap');

interface Kept {
  readonly captured: Buffer;
  readonly originalLength: number;
  readonly linkType: number;
  readonly timestampNs: bigint;
  readonly interfaceId: number;
}

/** The packet, for longer than the call. */
const copyOf = ({ captured, originalLength, linkType, timestampNs, interfaceId }: Packet): Kept => ({
  captured: Buffer.from(captured),
  originalLength,
  linkType,
  timestampNs,
  interfaceId,
});

async function packetsOf(file: string): Promise<Kept[]> {
  const kept: Kept[] = [];
  await readCapture(file, (packet) => kept.push(copyOf(packet)));
  return kept;
}

/** Exports a file to pcapng and returns the path of what was written. */
async function exported(file: string, given: Record<string, unknown>, name = 'out.pcapng'): Promise<string> {
  const outlet = new MemoryOutlet();
  const context = { settings: exportSettings, outlet };
  await exportTraffic(file, exportFormatNamed('pcapng'), context, given);
  const path = join(folder, name);
  writeFileSync(path, outlet.bytes);
  return path;
}

describe('cut', () => {
  test('without options every packet is what it was', async () => {
    expect(await packetsOf(await exported(capture, {}))).toEqual(await packetsOf(capture));
  });

  test('to a snap length: bytes go, lengths stay', async () => {
    const before = await packetsOf(capture);
    const after = await packetsOf(await exported(capture, { snaplen: '60' }));
    expect(after).toEqual(before.map((packet) => ({ ...packet, captured: packet.captured.subarray(0, 60) })));
  });

  test('to a span of time, told from the first packet or by the clock', async () => {
    const before = await packetsOf(capture);
    const first = before[0]!.timestampNs;
    const within = before.filter(
      ({ timestampNs }) => timestampNs >= first + 1_000_000_000n && timestampNs < first + 5_500_000_000n,
    );
    expect(within.length).toBeGreaterThan(3);
    expect(within.length).toBeLessThan(before.length);
    expect(await packetsOf(await exported(capture, { from: '+1', toTime: '+5.5' }))).toEqual(within);
    const clock = (after: bigint) => {
      const digits = String(first + after).padStart(10, '0');
      return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
    };
    const given = { from: clock(1_000_000_000n), toTime: clock(5_500_000_000n) };
    expect(await packetsOf(await exported(capture, given))).toEqual(within);
  });

  test.each([
    [{ from: 'soon' }, '--from: found "soon"; allowed: +SECONDS'],
    [{ snaplen: '0' }, '--snaplen: found "0"; allowed: 1 to 262144'],
    [{ host: '10.0.0' }, '--host: found "10.0.0"; allowed: an IP address'],
    [{ port: '1,x' }, '--port: found "x"; allowed: 0 to 65535'],
    [{ anonymize: join(folder, 'none') }, '--anonymize: '],
  ])('%j is refused', async (given, message) => {
    await expect(exported(capture, given)).rejects.toThrow(message);
  });
});

describe('anonymized', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  /** Bytes that nothing else in the frames has by chance. */
  const address = (length: number) =>
    fc.array(fc.integer({ min: 0xa0, max: 0xfe }), { minLength: length, maxLength: length });
  const key = { anonymize: keyFile };

  interface Ends {
    readonly source: number[];
    readonly destination: number[];
  }
  const ends = (length: number): fc.Arbitrary<Ends> =>
    fc.record({ source: address(length), destination: address(length) });

  function ipv4(
    protocol: number,
    { source, destination }: Ends,
    payload: Buffer,
    options: number[] = [],
  ): Buffer {
    const header = Buffer.alloc(20);
    header[0] = 0x45 + options.length / 4;
    header.writeUInt16BE(20 + options.length + payload.length, 2);
    header[8] = 64;
    header[9] = protocol;
    header.set(source, 12);
    header.set(destination, 16);
    return Buffer.concat([header, Buffer.from(options), payload]);
  }

  function ipv6(next: number, { source, destination }: Ends, payload: Buffer): Buffer {
    const header = Buffer.alloc(40);
    header[0] = 0x60;
    header.writeUInt16BE(payload.length, 4);
    header[6] = next;
    header[7] = 64;
    header.set(source, 8);
    header.set(destination, 24);
    return Buffer.concat([header, payload]);
  }

  /** Packets that have addresses where one may forget them, and all those addresses. */
  const tricky = fc
    .record({
      outer4: ends(4),
      inner4: ends(4),
      outer6: ends(16),
      inner6: ends(16),
      macs: ends(6),
      text: fc.array(byte, { maxLength: 40 }),
      kind: fc.integer({ min: 0, max: 10 }),
    })
    .map(({ outer4, inner4, outer6, inner6, macs, text, kind }) => {
      const inner = Buffer.concat([ipv4(17, inner4, Buffer.from(text)), ipv6(6, inner6, Buffer.from(text))]);
      const udp = Buffer.concat([Buffer.from([0x12, 0xb5, 0x12, 0xb5, 0, 8 + inner.length, 9, 9]), inner]);
      const record = [7, 11, 4, ...inner4.source, ...inner4.destination, 0];
      const joined = [30, 8, 0x30, 1, ...inner4.source];
      const tcp = Buffer.concat([
        Buffer.alloc(12),
        Buffer.from([0x70, 16, 0, 0, 0, 0, 0, 0]),
        Buffer.from(joined),
        inner,
      ]);
      const route = Buffer.from([6, 4, 0, 1, 0, 0, 0, 0, ...inner6.source, ...inner6.destination]);
      const hop = Buffer.from([58, 2, 0xc9, 20, ...inner6.source, 1, 2, 0, 0]);
      const packets = [
        ipv4(6, outer4, tcp),
        ipv4(17, outer4, udp),
        ipv4(1, outer4, Buffer.concat([Buffer.from([3, 1, 0, 0, 0, 0, 0, 0]), inner])),
        ipv4(1, outer4, Buffer.from([5, 1, 0, 0, ...inner4.source, ...inner])),
        ipv4(4, outer4, inner),
        ipv4(47, outer4, Buffer.concat([Buffer.from([0, 0, 8, 0]), inner])),
        ipv4(17, outer4, udp, record),
        ipv6(58, outer6, Buffer.concat([Buffer.from([135, 0, 0, 0, 0, 0, 0, 0, ...inner6.source]), inner])),
        ipv6(43, outer6, Buffer.concat([route, tcp])),
        ipv6(0, outer6, Buffer.concat([hop, inner])),
        ipv4(99, outer4, inner),
      ];
      const ip = packets[kind]!;
      const frame = Buffer.concat([
        Buffer.from([...macs.destination, ...macs.source]),
        Buffer.from(ip[0]! >> 4 === 4 ? [8, 0] : [0x86, 0xdd]),
        ip,
      ]);
      const all = [outer4, inner4, outer6, inner6, macs].flatMap(({ source, destination }) => [
        source,
        destination,
      ]);
      return { ip, frame, addresses: all.map((bytes) => Buffer.from(bytes)) };
    });

  test('none of the addresses is in the file: not of the frame, of ICMP errors, tunnels, options or payload', async () => {
    await fc.assert(
      fc.asyncProperty(tricky, fc.boolean(), async ({ ip, frame, addresses }, isRaw) => {
        const packet = isRaw ? packetOf(ip, 1000, ip.length, LinkType.raw) : packetOf(frame, 1000);
        const bytes = await exportedPackets('pcapng', [packet], key);
        // Behind the section header, whose comment is a text.
        const packets = bytes.subarray(bytes.readUInt32LE(4));
        for (const one of addresses) expect(packets.includes(one), one.toString('hex')).toBe(false);
        expect(bytes.includes('alice')).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('ARP keeps its Ethernet header alone', async () => {
    const frame = Buffer.concat([Buffer.alloc(12, 0xff), Buffer.from([8, 6]), Buffer.alloc(28, 0xab)]);
    const bytes = await exportedPackets('pcapng', [packetOf(frame, 1000)], key);
    expect(bytes.includes(Buffer.alloc(4, 0xab))).toBe(false);
    const file = join(folder, 'arp.pcapng');
    writeFileSync(file, bytes);
    const [packet] = await packetsOf(file);
    expect(packet).toMatchObject({ originalLength: 42, captured: frame.subarray(0, 14) });
  });

  test('anything at all is rewritten or left out, and never longer than it was', async () => {
    const linkTypes = fc.constantFrom(...Object.values(LinkType), 9999);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), linkTypes, async (bytes, linkType) => {
        const packet = packetOf(bytes, 1000, bytes.length, linkType);
        const file = join(folder, 'any.pcapng');
        writeFileSync(file, await exportedPackets('pcapng', [packet], key));
        for (const { captured } of await packetsOf(file)) {
          expect(captured.length).toBeLessThanOrEqual(Math.max(14, bytes.length));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the same key gives the same file, another one does not', async () => {
    const frames = () => [packetOf(tcpFrame({ source: '10.0.0.1', destination: '10.0.0.2' }), 1000)];
    const other = join(folder, 'other');
    writeFileSync(other, 'ab'.repeat(32));
    const first = await exportedPackets('pcapng', frames(), key);
    expect(await exportedPackets('pcapng', frames(), key)).toEqual(first);
    expect(await exportedPackets('pcapng', frames(), { anonymize: other })).not.toEqual(first);
  });
});

describe('merged', () => {
  async function merged(files: readonly string[]): Promise<Kept[]> {
    const kept: Kept[] = [];
    await mergeCaptures(files, (packet) => kept.push(copyOf(packet)));
    return kept;
  }

  test('all packets in order of time, those of a file in their order', async () => {
    const files = [web, capture, web];
    const packets = await merged(files);
    for (const [index, file] of files.entries()) {
      const own = packets.filter(({ interfaceId }) => interfaceId === index * INTERFACES_PER_FILE);
      expect(own.map((packet) => ({ ...packet, interfaceId: 0 }))).toEqual(await packetsOf(file));
    }
    const times = packets.map(({ timestampNs }) => timestampNs);
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  });

  test('a file that is missing or damaged ends it, and names the file', async () => {
    await expect(merged([web, join(folder, 'none.pcap')])).rejects.toThrow('none.pcap: found no such file');
    await expect(merged([web, keyFile])).rejects.toThrow(keyFile);
  });
});

describeWith(['tshark', 'capinfos'], 'pcapng export, as Wireshark reads it', () => {
  test('a cut to hosts and ports is what a display filter lets through', async () => {
    const [[host = '']] = tsharkFields(web, 'tcp', ['ip.src']) as [[string]];
    const [[port = '']] = tsharkFields(web, 'tcp', ['tcp.srcport']) as [[string]];
    const filter = `ip.addr == ${host} && tcp.port == ${port}`;
    const fields = ['frame.time_epoch', 'ip.src', 'ip.dst', 'tcp.seq_raw'];
    expect(tsharkFields(await exported(web, { host, port }), '', fields)).toEqual(
      tsharkFields(web, filter, fields),
    );
  });

  test('an anonymized capture has the same conversations under other names, and good IP checksums', async () => {
    const file = await exported(web, { anonymize: keyFile });
    const fields = [
      'frame.time_epoch',
      'frame.len',
      'tcp.srcport',
      'tcp.dstport',
      'tcp.seq_raw',
      'tcp.flags',
      'ip.len',
    ];
    expect(tsharkFields(file, '', fields)).toEqual(tsharkFields(web, '', fields));
    const before = tsharkFields(web, '', ['ip.src', 'ip.dst']).map((pair) => pair.join());
    const after = tsharkFields(file, '', ['ip.src', 'ip.dst']).map((pair) => pair.join());
    const names = new Map(before.map((pair, at) => [pair, after[at]!]));
    expect(after).toEqual(before.map((pair) => names.get(pair)));
    expect(new Set(names.values()).size).toBe(names.size);
    expect(after.some((pair) => before.includes(pair))).toBe(false);
    const check = ['-r', file, '-o', 'ip.check_checksum:TRUE', '-Y', 'ip.checksum.status == 0'];
    expect(execFileSync('tshark', check, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).toBe('');
  });

  test('capinfos counts the packets of a merged file, and an interface for each capture', async () => {
    const outlet = new MemoryOutlet();
    const format = exportFormatNamed('pcapng');
    if (format.eats !== 'packets') expect.fail('a format of records');
    const summary = await exportMerged([web, capture], format, { settings: exportSettings, outlet });
    expect(summary?.captures.map(({ file }) => file)).toEqual([web, capture]);
    const file = join(folder, 'merged.pcapng');
    writeFileSync(file, outlet.bytes);
    const info = execFileSync('capinfos', ['-M', '-c', '-I', '-d', file], { encoding: 'utf8' });
    const count = (await packetsOf(web)).length + (await packetsOf(capture)).length;
    expect(info).toMatch(new RegExp(`Number of packets:\\s+${count}\\b`));
    expect(info).toMatch(/Number of interfaces in file:\s+2\b/);
    expect(info).toContain('Name = http-get.pcap');
    expect(info).toContain('Name = ftp-ipv6.pcap');
  });
});

describeWith(['mergecap', 'tshark'], 'merge, beside mergecap', () => {
  test('gives the order that mergecap gives', async () => {
    const theirs = join(folder, 'mergecap.pcapng');
    execFileSync('mergecap', ['-w', theirs, web, capture]);
    const ours: string[] = [];
    await mergeCaptures([web, capture], (packet) =>
      ours.push(`${packet.timestampNs} ${packet.originalLength}`),
    );
    const judge = (await packetsOf(theirs)).map((packet) => `${packet.timestampNs} ${packet.originalLength}`);
    expect(ours).toEqual(judge);
  });
});
