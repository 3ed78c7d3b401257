/** Every kind of frame, decoded here and by tshark: counts, addresses, ports. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  decode,
  Decoded,
  decoderThrough,
  formatAddress,
  readCapture,
  tunnelKinds,
} from '../../src/capture/index.js';
import type { Decoder } from '../../src/capture/index.js';
import { pcapFile } from '../support/captures.js';
import { scratchFolder } from '../support/files.js';
import { packetOf } from '../support/frames.js';
import { ipLayers, linkLayers, tunnels } from '../support/link-frames.js';
import type { LinkFrame } from '../support/link-frames.js';
import { describeWith } from '../support/requires.js';
import { tsharkFields } from '../support/tshark.js';

const folder = scratchFolder();
const throughAll = decoderThrough(tunnelKinds);

function decoded(frame: Uint8Array, linkType: number, decoder: Decoder): string[] | undefined {
  const into = new Decoded();
  if (decoder(packetOf(frame, 0, frame.length, linkType), into) !== 'ip') return undefined;
  const { version, sourcePort, destinationPort } = into;
  return [
    formatAddress({ version, words: [into.source0, into.source1, into.source2, into.source3] }),
    formatAddress({
      version,
      words: [into.destination0, into.destination1, into.destination2, into.destination3],
    }),
    `${sourcePort}`,
    `${destinationPort}`,
  ];
}

describe('link layers', () => {
  test.each(linkLayers)('$name', ({ name, frame, linkType }) => {
    const [source, destination, ...ports] = decoded(frame, linkType, decode) ?? [];
    const isV6 = source?.includes(':');
    expect([source, destination]).toEqual(
      isV6 ? ['2001:db8::1', '2001:db8::ff'] : ['10.0.0.1', '192.168.7.250'],
    );
    expect(ports).toEqual(name === 'Ethernet, padded' ? ['0', '0'] : ['50000', '443']);
  });

  test.each(linkLayers)('$name, cut anywhere, is never mistaken', ({ frame, linkType }) => {
    const whole = decoded(frame, linkType, decode);
    for (let length = 0; length < frame.length; length++) {
      const found = decoded(frame.subarray(0, length), linkType, decode);
      if (found !== undefined) expect(found.slice(0, 2)).toEqual(whole?.slice(0, 2));
    }
  });
});

describe('tunnels', () => {
  test.each(tunnels)('$name: its ends, and on request what is inside', ({ frame, linkType }) => {
    expect(decoded(frame, linkType, decode)?.slice(0, 2)).not.toContain('172.16.0.1');
    const inside = decoded(frame, linkType, throughAll);
    expect([
      ['172.16.0.1', '172.16.0.2', '50000', '443'],
      ['2001:db8::1', '2001:db8::ff', '50000', '443'],
    ]).toContainEqual(inside);
  });

  test('only those that were asked for are seen through', () => {
    const frames = tunnels.map(({ frame, linkType }) => decoded(frame, linkType, decoderThrough(['gre'])));
    const seen = tunnels.filter((_, index) => frames[index]?.[2] === '50000').map(({ name }) => name);
    const greOnly = [
      'GRE',
      'GRE, IPv6',
      'GRE, key and sequence',
      'GRE, checksum',
      'GRE, Ethernet',
      'ERSPAN II',
      'PPTP',
    ];
    expect(seen).toEqual(greOnly);
  });

  test('a tunnel in itself, for ever, ends', () => {
    let frame = ipLayers[4]!.frame;
    for (let depth = 0; depth < 40; depth++) {
      const outer = Buffer.from(frame.subarray(0, 20));
      outer.writeUInt16BE(frame.length + 20, 2);
      outer[9] = 4;
      frame = Buffer.concat([outer, frame]);
    }
    expect(decoded(frame, 101, throughAll)).toBeDefined();
  });
});

describeWith(['tshark', 'capinfos', 'editcap'], 'every kind of frame, by Wireshark', () => {
  const groups = new Map<number, LinkFrame[]>();
  for (const frame of [...linkLayers, ...ipLayers, ...tunnels]) {
    groups.set(frame.linkType, [...(groups.get(frame.linkType) ?? []), frame]);
  }
  const FIELDS = ['ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst'];
  const SOURCE_PORTS = ['tcp.srcport', 'udp.srcport', 'sctp.srcport', 'dccp.srcport'];
  const DESTINATION_PORTS = ['tcp.dstport', 'udp.dstport', 'sctp.dstport', 'dccp.dstport'];

  test.each([...groups])('link type %i: counts, addresses and ports', async (linkType, frames) => {
    const file = join(folder, `${linkType}.pcap`);
    const records = frames.map(({ frame }, index) => ({ seconds: 1000 + index, fraction: 0, data: frame }));
    writeFileSync(file, pcapFile('little', 0xa1b2c3d4, linkType, records));
    const fields = [...FIELDS, ...SOURCE_PORTS, ...DESTINATION_PORTS];
    const rows = tsharkFields(file, 'frame', ['frame.number', ...fields]);
    let bytes = 0;
    const info = await readCapture(file, (packet) => (bytes += packet.originalLength));
    expect(info.packets).toBe(rows.length);
    expect([info.packets, bytes]).toEqual(capinfos(file));
    rows.forEach(([, ...values], index) => {
      const { name, frame } = frames[index]!;
      // A field has one value for each layer that has it, from the outside in.
      const all = values.map((value) => (value === '' ? [] : value.split(',')));
      const among = (from: number, count: number) => all.slice(from, from + count).flat();
      const outside = decoded(frame, linkType, decode)!;
      expect(among(0, 2), name).toContain(outside[0]);
      expect(among(2, 2), name).toContain(outside[1]);
      const inside = decoded(frame, linkType, throughAll)!;
      expect(among(0, 2), name).toContain(inside[0]);
      expect(among(2, 2), name).toContain(inside[1]);
      // tshark puts fragments together before it looks for ports.
      if (name.includes('fragment')) return;
      if (inside[2] !== '0') {
        expect(among(4, 4), name).toContain(inside[2]);
        expect(among(8, 4), name).toContain(inside[3]);
      } else {
        expect(among(4, 8), name).toEqual([]);
      }
    });
  });

  test.each(['pcapng', 'nsecpcap', 'modpcap'])('as %s, the same', async (format) => {
    const source = join(folder, 'all.pcap');
    const frames = groups.get(101) ?? [];
    const records = frames.map(({ frame }, index) => ({ seconds: 1000 + index, fraction: 7, data: frame }));
    writeFileSync(source, pcapFile('big', 0xa1b2c3d4, 101, records));
    const file = join(folder, `all.${format}`);
    execFileSync('editcap', ['-F', format, source, file]);
    const [before, after] = await Promise.all([source, file].map(contents));
    expect(after).toEqual(before);
  });
});

async function contents(file: string): Promise<string[]> {
  const packets: string[] = [];
  await readCapture(file, ({ timestampNs, originalLength, captured, linkType }) =>
    packets.push(`${timestampNs} ${originalLength} ${linkType} ${Buffer.from(captured).toString('hex')}`),
  );
  return packets;
}

/** Packets and their bytes on the wire. */
function capinfos(file: string): [number, number] {
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  const output = execFileSync('capinfos', ['-M', '-T', '-r', '-c', '-d', file], { encoding: 'utf8', stdio });
  const [, packets = '', bytes = ''] = output.trim().split('\t');
  return [Number(packets), Number(bytes)];
}
