import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
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

/** A zstd frame of one block that is not compressed, without a checksum. */
function zstdFrame(content: Uint8Array): Buffer {
  const block = Buffer.alloc(3);
  block.writeUIntLE((content.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from('28b52ffd0058', 'hex'), block, content]);
}

describe('readCapture', () => {
  test('tells earliest and latest time whatever the order, and how far it is', async () => {
    const file = fileOf('order.pcap', outOfOrder);
    const progress: [number, number][] = [];
    const info = await readCapture(file, ignore, {
      onProgress: (read, total) => progress.push([read, total]),
    });
    expect(info).toMatchObject({ file, packets: 3, compression: 'none', bytes: outOfOrder.length });
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
      expect(info).toMatchObject({
        packets: 30_000,
        compression: name === 'zipped.pcap' ? 'gzip' : 'none',
        bytes: content.length,
      });
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

  test('gzip members and zstd frames may follow each other, and any part may be skipped', async () => {
    const [first, second] = [outOfOrder.subarray(0, 100), outOfOrder.subarray(100)];
    const skipped = Buffer.from('512a4d1803000000aabbcc', 'hex');
    for (const [name, content] of [
      ['members.gz', Buffer.concat([gzipSync(first), gzipSync(second)])],
      ['frames.zst', Buffer.concat([skipped, zstdFrame(first), skipped, zstdFrame(second)])],
    ] as const) {
      const info = await readCapture(fileOf(name, content), ignore);
      expect(info).toMatchObject({ packets: 3, bytes: content.length });
      expect(info.compression).toBe(name === 'members.gz' ? 'gzip' : 'zstd');
      expect(info).not.toHaveProperty('truncatedAt');
    }
  });

  test('a zstd file that is cut anywhere gives what is whole', async () => {
    const packed = Buffer.concat([
      zstdFrame(outOfOrder.subarray(0, 110)),
      zstdFrame(outOfOrder.subarray(110)),
    ]);
    const first = zstdFrame(outOfOrder.subarray(0, 110)).length;
    for (const length of [first - 1, first, first + 1, packed.length - 1]) {
      const info = await readCapture(fileOf('cut.zst', packed.subarray(0, length)), ignore);
      const packets = length === packed.length - 1 ? 2 : 1;
      expect(info).toMatchObject({ packets, truncatedAt: 24 + packets * 76 });
    }
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
      name: 'zstd that wants 2 GiB of memory',
      content: Buffer.from('28b52ffd00a8090000ff', 'hex'),
      message: /byte \d of the zstd stream: found a frame that needs a window of more than 128 MiB/,
    },
    {
      name: 'zstd that keeps some decoders busy for ever',
      content: Buffer.from('28b52ffd00004d000000ffffff5400003401', 'hex'),
      message: /byte \d+ of the zstd stream: found damaged zstd data/,
    },
    {
      name: 'zstd and noise',
      content: Buffer.concat([zstdFrame(outOfOrder), Buffer.from('noise')]),
      message: new RegExp(
        `byte ${outOfOrder.length + 9}.* of the zstd stream: found something that is no zstd frame`,
      ),
    },
    {
      name: 'xz',
      content: Buffer.from('fd377a585a000004', 'hex'),
      message: /byte 0: found xz data; allowed: gzip, zstd/,
    },
    {
      name: 'zipped noise',
      content: Buffer.from('1f8b0800ffffffffffffffffff', 'hex'),
      message: /byte \d+ of the gzip stream, or before: found damaged gzip data/,
    },
  ])('$name: an InputError that names the file', async ({ name, content, message }) => {
    const file = fileOf(`bad ${name}`, content);
    const result = readCapture(file, ignore);
    await expect(result).rejects.toThrow(InputError);
    await expect(result).rejects.toThrow(message);
    await expect(result).rejects.toThrow(file);
  });

  test('a file is followed while it grows, until told to stop', async () => {
    const file = fileOf('growing.pcap', outOfOrder.subarray(0, 10));
    const stop = new AbortController();
    let seen = 0;
    let caughtUp = 0;
    const steps = [
      () => appendFileSync(file, outOfOrder.subarray(10, 150)),
      () => appendFileSync(file, outOfOrder.subarray(150, outOfOrder.length - 5)),
      () => stop.abort(),
    ];
    const info = await readCapture(file, () => (seen += 1), {
      follow: true,
      stop: stop.signal,
      onCaughtUp: () => {
        expect(seen).toBe([0, 1, 2][caughtUp]);
        steps[caughtUp]?.();
        caughtUp += 1;
      },
    });
    expect(info).toMatchObject({ packets: 2, bytes: outOfOrder.length - 5, truncatedAt: 24 + 2 * 76 });
  });

  test('a followed file that becomes shorter is an InputError', async () => {
    const file = fileOf('shrinking.pcap', outOfOrder);
    const result = readCapture(file, ignore, { follow: true, onCaughtUp: () => truncateSync(file, 30) });
    await expect(result).rejects.toThrow(/shrinking.pcap: byte 252: found the file cut to 30 bytes/);
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

describeWith(['zstd'], 'readCapture of files by zstd', () => {
  const records = Array.from({ length: 20_000 }, (_, index) => ({
    seconds: index,
    fraction: 0,
    data: Uint8Array.from({ length: 60 }, (_, at) => (index * at * 7919) >> 7),
  }));
  const plain = fileOf('by-zstd.pcap', pcapFile('little', 0xa1b23c4d, 1, records));

  test.each([['-1'], ['-19'], ['-9', '--long=27'], ['--no-check', '-3']])('%s', async (...level) => {
    const file = join(folder, 'by-zstd.pcap.zst');
    execFileSync('zstd', ['-q', '-f', ...level, plain, '-o', file]);
    const hash = createHash('sha256');
    const info = await readCapture(file, (packet) => hash.update(packet.captured));
    expect(info).toMatchObject({ packets: 20_000, compression: 'zstd' });
    const expected = createHash('sha256');
    for (const { data } of records) expected.update(data);
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
  });

  test('a damaged bit is found by the checksum', async () => {
    const file = join(folder, 'damaged.zst');
    execFileSync('zstd', ['-q', '-f', '-3', plain, '-o', file]);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(file, bytes);
    await expect(readCapture(file, ignore)).rejects.toThrow(
      /zstd stream: found a checksum that does not fit/,
    );
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
