import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LinkType, PcapngWriter, readCapture } from '../../src/capture/index.js';
import { RunError } from '../../src/errors.js';
import { scratchFolder } from '../support/files.js';
import { tcpFrame } from '../support/frames.js';
import { describeWith } from '../support/requires.js';

const folder = scratchFolder();
const frame = tcpFrame({ source: '10.77.0.1', destination: '10.77.0.2', flags: 2 });
const origin = 1_700_000_000_123_456_789n;

function writerOf(name: string): { file: string; writer: PcapngWriter } {
  const file = join(folder, name);
  const writer = new PcapngWriter(file, {
    interfaces: [
      { name: 'br0', description: 'the bridge of the mesh', linkType: LinkType.ethernet, snaplen: 1000 },
    ],
    application: 'meshbeat 0.1.0',
    comment: 'a test: ünïcode',
    names: new Map([
      ['10.77.0.1', 'us-east'],
      ['10.77.0.2', 'eu-west'],
    ]),
  });
  return { file, writer };
}

async function stamps(file: string): Promise<bigint[]> {
  const found: bigint[] = [];
  await readCapture(file, (packet) => found.push(packet.timestampNs));
  return found;
}

describe('PcapngWriter', () => {
  test('what it writes is read back', async () => {
    const { file, writer } = writerOf('back.pcapng');
    writer.write(origin, frame, 1514);
    writer.write(origin + 1n, new Uint8Array(1001).fill(7), 1001);
    expect(writer.packets).toBe(2);
    writer.close({ received: 5, dropped: 3 });
    writer.close();
    expect(writer.bytes).toBe(statSync(file).size);
    const packets: { ns: bigint; length: number; originalLength: number }[] = [];
    const info = await readCapture(file, ({ timestampNs: ns, length, originalLength }) =>
      packets.push({ ns, length, originalLength }),
    );
    expect(packets).toEqual([
      { ns: origin, length: frame.length, originalLength: 1514 },
      { ns: origin + 1n, length: 1000, originalLength: 1001 },
    ]);
    expect(info).toMatchObject({
      format: 'pcapng',
      interfaces: [{ linkType: 1, snaplen: 1000, name: 'br0' }],
      drops: { received: 5, dropped: 3 },
      firstNs: origin,
      lastNs: origin + 1n,
    });
    expect([...info.names.values()]).toEqual(['us-east', 'eu-west']);
    expect(info.truncatedAt).toBeUndefined();
  });

  test('a writer that is never closed leaves whole blocks on disk', async () => {
    const { file, writer } = writerOf('killed.pcapng');
    const expected: bigint[] = [];
    for (let packet = 0n; packet < 30_000n; packet++) {
      writer.write(origin + packet, frame, 1514);
      expected.push(origin + packet);
    }
    try {
      const info = await readCapture(file, () => undefined);
      expect(info.truncatedAt).toBeUndefined();
      expect(info.packets).toBeGreaterThan(10_000);
      expect(info.packets).toBeLessThan(30_000);
      expect(await stamps(file)).toEqual(expected.slice(0, info.packets));
    } finally {
      writer.close();
    }
    expect(await stamps(file)).toEqual(expected);
  });

  test('a slow trickle is on disk up to its last second', async () => {
    const { file, writer } = writerOf('trickle.pcapng');
    const times = [0, 400, 800, 1200, 1600, 2200].map((ms) => origin + BigInt(ms) * 1_000_000n);
    try {
      for (const time of times.slice(0, 5)) writer.write(time, frame, 1514);
      expect(await stamps(file)).toEqual(times.slice(0, 4));
      writer.write(times[5]!, frame, 1514);
      expect(await stamps(file)).toEqual(times);
    } finally {
      writer.close();
    }
  });

  test('a file that cannot be made or written is a RunError that names it', () => {
    const options = { interfaces: [{ name: 'br0', linkType: 1 }] };
    const missing = join(folder, 'no', 'such', 'folder.pcapng');
    expect(() => new PcapngWriter(missing, options)).toThrow(RunError);
    expect(() => new PcapngWriter(missing, options)).toThrow(missing);
    expect(() => new PcapngWriter('/dev/full', options)).toThrow(/the capture \/dev\/full: ENOSPC/);
  });

  test('a disk that fills up later: an error that stays, and a file readable to its last whole block', async () => {
    const file = join(folder, 'full.pcapng');
    const script = `
      import { PcapngWriter } from ${JSON.stringify(new URL('../../src/capture/index.js', import.meta.url).href)};
      const writer = new PcapngWriter(${JSON.stringify(file)}, { interfaces: [{ name: 'a', linkType: 1 }] });
      const messages = [];
      const attempt = (action) => { try { action(); } catch (error) { messages.push(error.name + ': ' + error.message); } };
      attempt(() => { for (let n = 0n; n < 100000n; n++) writer.write(n, new Uint8Array(60), 60); });
      attempt(() => writer.write(1n, new Uint8Array(60), 60));
      attempt(() => writer.flush());
      attempt(() => writer.close());
      console.log(JSON.stringify(messages));
    `;
    // A limit on the file's size stands in for a full disk: it needs no privilege.
    const limited = spawnSync('sh', [
      '-c',
      'ulimit -f 5000; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      script,
    ]);
    const messages = JSON.parse(limited.stdout.toString()) as string[];
    expect(messages).toHaveLength(3);
    expect(new Set(messages).size).toBe(1);
    expect(messages[0]).toContain(`RunError: cannot write the capture ${file}: EFBIG`);
    const info = await readCapture(file, () => undefined);
    expect(info.truncatedAt).toBeUndefined();
    expect(info.packets).toBeGreaterThan(1000);
  });
});

describeWith(['tshark', 'capinfos'], 'PcapngWriter by Wireshark', () => {
  test('capinfos and tshark agree with what was written, without complaint', () => {
    const { file, writer } = writerOf('wireshark.pcapng');
    writer.write(origin, frame, 60);
    writer.write(origin + 1_000_000_001n, frame, 1514);
    writer.close({ dropped: 0 });
    const facts = execFileSync('capinfos', [file], { encoding: 'utf8' });
    expect(facts).toContain('nanoseconds (9)');
    expect(facts).toMatch(/Capture application: +meshbeat 0.1.0/);
    expect(facts).toMatch(/Capture comment: +a test: ünïcode/);
    expect(facts).toMatch(/Name = br0/);
    expect(facts).toMatch(/Description = the bridge of the mesh/);
    expect(facts).toMatch(/Number of resolved IPv4 addresses in file: 2/);
    const fields = ['frame.time_epoch', 'frame.len', 'frame.cap_len', 'ip.src_host', 'tcp.flags.syn'];
    const shown = spawnSync('tshark', [
      '-r',
      file,
      '-N',
      'n',
      '-T',
      'fields',
      ...fields.flatMap((f) => ['-e', f]),
    ]);
    expect(shown.status).toBe(0);
    expect(shown.stdout.toString().trim().split('\n')).toEqual([
      '1700000000.123456789\t60\t54\tus-east\t1',
      '1700000001.123456790\t1514\t54\tus-east\t1',
    ]);
    // As root tshark warns of itself; about the file there must be nothing.
    expect(shown.stderr.toString()).not.toMatch(/file|capture|block|truncated|damaged/i);
  });
});
