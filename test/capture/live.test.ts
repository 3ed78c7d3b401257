import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LinkType, PcapngWriter, readCapture, TcpdumpToPcapng } from '../../src/capture/index.js';
import { InputError, RunError } from '../../src/errors.js';
import { pcapFile } from '../support/captures.js';
import { scratchFolder } from '../support/files.js';

const folder = scratchFolder();
const data = Buffer.from('0011223344', 'hex');
const records = [
  { seconds: 1_700_000_000, fraction: 999_999_999, data, originalLength: 1514 },
  { seconds: 1_700_000_001, fraction: 0, data },
];
const stream = pcapFile('little', 0xa1b23c4d, LinkType.ethernet, records);

function writerTo(name: string): { file: string; writer: PcapngWriter } {
  const file = join(folder, name);
  return {
    file,
    writer: new PcapngWriter(file, { interfaces: [{ name: 'br0', linkType: LinkType.ethernet }] }),
  };
}

test('a pcap stream in small pieces becomes the same packets in pcapng', async () => {
  const { file, writer } = writerTo('live.pcapng');
  const stamps: bigint[] = [];
  const live = new TcpdumpToPcapng(writer, LinkType.ethernet, (packet) => stamps.push(packet.timestampNs));
  expect(live.started).toBe(false);
  for (let at = 0; at < stream.length; at += 7) live.push(stream.subarray(at, at + 7));
  expect(live.started).toBe(true);
  expect(live.finish()).toBeUndefined();
  writer.close();
  const read: [bigint, string, number][] = [];
  await readCapture(file, (packet) =>
    read.push([packet.timestampNs, Buffer.from(packet.captured).toString('hex'), packet.originalLength]),
  );
  expect(read).toEqual([
    [1_700_000_000_999_999_999n, '0011223344', 1514],
    [1_700_000_001_000_000_000n, '0011223344', 5],
  ]);
  expect(stamps).toEqual(read.map(([ns]) => ns));
});

test('what was not expected of tcpdump is an error', () => {
  const { writer } = writerTo('wrong.pcapng');
  try {
    expect(() => new TcpdumpToPcapng(writer, LinkType.raw).push(stream)).toThrow(RunError);
    expect(() => new TcpdumpToPcapng(writer, LinkType.ethernet).push(Buffer.alloc(24))).toThrow(InputError);
    const cut = new TcpdumpToPcapng(writer, LinkType.ethernet);
    cut.push(stream.subarray(0, stream.length - 1));
    expect(cut.finish()).toBe(24 + 16 + data.length);
  } finally {
    writer.close();
  }
});
