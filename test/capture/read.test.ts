import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readCapture } from '../../src/capture/index.js';
import { InputError, RunError } from '../../src/errors.js';
import { interfaceBlock, packetBlock, pcapFile, sectionHeader } from '../support/captures.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { describeWith } from '../support/requires.js';

const folder = scratchFolder();
const ignore = () => undefined;

function fileOf(name: string, content: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const data = new Uint8Array(60);
const outOfOrder = pcapFile('little', 0xa1b2c3d4, 1, [
  { seconds: 5, fraction: 7, data },
  { seconds: 3, fraction: 0, data },
  { seconds: 5, fraction: 3, data },
]);

describe('readCapture', () => {
  test('tells earliest and latest time whatever the order, and how far it is', async () => {
    const file = fileOf('order.pcap', outOfOrder);
    const progress: [number, number][] = [];
    const info = await readCapture(file, ignore, {
      onProgress: (read, total) => progress.push([read, total]),
    });
    expect(info).toMatchObject({ file, packets: 3, gzipped: false, bytes: outOfOrder.length });
    expect([info.firstNs, info.lastNs]).toEqual([3_000_000_000n, 5_000_007_000n]);
    expect(progress.at(-1)).toEqual([outOfOrder.length, outOfOrder.length]);
  });

  test('a capture without packets is one', async () => {
    const info = await readCapture(fileOf('none.pcap', outOfOrder.subarray(0, 24)), ignore);
    expect(info.packets).toBe(0);
    expect(info).not.toHaveProperty('firstNs');
  });

  test('a file larger than a chunk, gzipped or not, is the same', async () => {
    const records = Array.from({ length: 30_000 }, (_, index) => ({ seconds: index, fraction: index, data }));
    const plain = pcapFile('big', 0xa1b23c4d, 1, records);
    for (const [name, content] of [
      ['plain.pcap', plain],
      ['zipped.pcap', gzipSync(plain)],
    ] as const) {
      let sum = 0n;
      const info = await readCapture(fileOf(name, content), (packet) => (sum += packet.timestampNs));
      expect(info).toMatchObject({ packets: 30_000, gzipped: name === 'zipped.pcap', bytes: content.length });
      expect(sum).toBe(records.reduce((total, { seconds }) => total + BigInt(seconds) * 1_000_000_001n, 0n));
    }
  });

  test('a capture that was cut off is read up to there', async () => {
    const file = fileOf('cut.pcap', outOfOrder);
    truncateSync(file, outOfOrder.length - 1);
    expect(await readCapture(file, ignore)).toMatchObject({ packets: 2, truncatedAt: 24 + 2 * 76 });
    const packets = Array.from({ length: 3000 }, (_, index) =>
      packetBlock('little', 0, BigInt(index * 7919), data),
    );
    const pcapng = Buffer.concat([sectionHeader('little'), interfaceBlock('little', 1), ...packets]);
    const zipped = gzipSync(pcapng);
    const info = await readCapture(fileOf('cut.gz', zipped.subarray(0, zipped.length / 2)), ignore);
    expect(info.packets).toBeLessThan(3000);
    expect(info.truncatedAt).toBeGreaterThan(48);
  });

  test.each([
    {
      name: 'empty',
      content: Buffer.alloc(0),
      message: /byte 0: found an empty file; allowed: a pcap or pcapng/,
    },
    { name: 'short', content: Buffer.from('abc'), message: /found only 3 bytes/ },
    { name: 'text', content: Buffer.from('hello, world\n'), message: /byte 0: found the bytes 0x68656c6c/ },
    { name: 'header cut', content: outOfOrder.subarray(0, 20), message: /a pcap header that is cut off/ },
    {
      name: 'section cut',
      content: sectionHeader('big').subarray(0, 20),
      message: /a pcapng header that is cut off/,
    },
    { name: 'zipped nothing', content: gzipSync(Buffer.alloc(0)), message: /found an empty file/ },
    {
      name: 'zipped noise',
      content: Buffer.from('1f8b0800ffffffffffffffffff', 'hex'),
      message: /damaged gzip data/,
    },
  ])('$name: an InputError that names the file', async ({ name, content, message }) => {
    const file = fileOf(`bad ${name}`, content);
    const result = readCapture(file, ignore);
    await expect(result).rejects.toThrow(InputError);
    await expect(result).rejects.toThrow(message);
    await expect(result).rejects.toThrow(file);
  });

  test('what cannot be a file at all: an InputError', async () => {
    mkdirSync(join(folder, 'folder'));
    for (const name of ['folder', 'missing', 'order.pcap/inside']) {
      await expect(readCapture(join(folder, name), ignore)).rejects.toThrow(InputError);
    }
  });

  test('a raised signal ends it', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    const result = readCapture(fileOf('signal.pcap', outOfOrder), ignore, { signal: aborted });
    await expect(result).rejects.toThrow(RunError);
    await expect(result).rejects.toThrow(/enough/);
  });
});

describeWith(['editcap', 'tshark'], 'readCapture of files by Wireshark', () => {
  test.each(['pcap', 'nsecpcap', 'pcapng'])('%s', async (format) => {
    const source = fixture('zeek/ftp-ipv6.pcap');
    const file = join(folder, `by-editcap.${format}`);
    execFileSync('editcap', ['-F', format, source, file]);
    const expected = execFileSync(
      'tshark',
      ['-r', source, '-T', 'fields', '-e', 'frame.time_epoch', '-e', 'frame.len'],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const lines: string[] = [];
    await readCapture(file, (packet) => {
      const fraction = String(packet.nanoseconds).padStart(9, '0');
      lines.push(`${packet.seconds}.${fraction}\t${packet.originalLength}\n`);
    });
    expect(lines.join('')).toBe(expected);
  });
});
