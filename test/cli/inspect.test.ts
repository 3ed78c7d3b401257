import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LinkType, PcapngWriter } from '../../src/capture/index.js';
import { inspectCommand } from '../../src/cli/inspect.js';
import { inspectionSchema } from '../../src/cli/inspect/document.js';
import { sparkline } from '../../src/cli/inspect-text.js';
import { InputError } from '../../src/errors.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { address, meshTraffic } from '../support/mesh-traffic.js';

const folder = scratchFolder();
let printed = '';
beforeEach(() => {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs `meshbeat inspect` and returns what it wrote to standard output. */
async function inspect(...words: string[]): Promise<string> {
  await inspectCommand().exitOverride().parseAsync(words, { from: 'user' });
  return printed;
}

/** A run directory with a capture of a mesh; 4 beats of 2 s. */
function runDirectory(name: string, summary?: string): string {
  const run = join(folder, name);
  mkdirSync(run);
  const names = new Map([0, 1, 2, 3].map((node) => [address(node), `node-${node}`]));
  const writer = new PcapngWriter(join(run, 'capture.pcapng'), {
    interfaces: [{ name: 'br0', linkType: LinkType.ethernet }],
    names,
  });
  meshTraffic({ bursts: 4, periodSeconds: 2, burstBytes: 2e6, rate: 40e6 }, (packet) => {
    writer.write(packet.timestampNs, packet.captured, packet.originalLength);
  });
  writer.close({ dropped: 7 });
  if (summary !== undefined) writeFileSync(join(run, 'summary.json'), summary);
  return run;
}

const summary = JSON.stringify({
  expected: { periodSeconds: 2.01, burstSeconds: 0.43, burstBytesPerNode: 1_950_000, dutyCycle: 0.214 },
  other: true,
});

describe('meshbeat inspect', () => {
  test('a capture: its facts, hosts and flows, and why there is no heartbeat', async () => {
    const page = await inspect(fixture('zeek/http-get.pcap'));
    expect(page).toMatch(/pcap, 6\.3\d kB on disk · 14 packets/);
    expect(page).toMatch(/141\.142\.228\.5:59856.*192\.150\.187\.43:80.*5\.01 kB/);
    expect(page).toMatch(/no heartbeat: /);
  });

  test('a run: node names, the heartbeat beside what was expected, and what was lost', async () => {
    const page = await inspect(runDirectory('whole', summary));
    expect(page).toMatch(/node-0 +│ 10\.77\.0\.1/);
    expect(page).toMatch(/period +│ +2 s │ +2\.01 s/);
    expect(page).toMatch(/bytes per burst and node .*│ +1\.95 MB/);
    expect(page).toMatch(/length of a burst +│ +\d+ ms │ +430 ms/);
    expect(page).toMatch(/duty cycle +│ +[\d.]+ % │ +21\.4 %/);
    expect(page).toMatch(/acknowledgements included; expected ones count Ethernet headers/);
    expect(page).toMatch(/bursts +│ +4/);
    expect(page).toContain('warning: the capturing side lost 7 packets');
    expect(page).toMatch(/█/);
  });

  test('a run that was killed: no summary, a capture cut off, reached by a link', async () => {
    const run = runDirectory('killed');
    const capture = join(run, 'capture.pcapng');
    truncateSync(capture, readFileSync(capture).length - 50);
    symlinkSync(run, join(folder, 'latest'));
    const page = await inspect(join(folder, 'latest'));
    expect(page).toMatch(/warning: the capture is cut off at byte \d+/);
    expect(page).toMatch(/period +│ +2 s │ +│/);
    expect(page).not.toContain('expected ones');
  });

  test('--json: one document, the same figures', async () => {
    const document = JSON.parse(
      await inspect(runDirectory('json', summary), '--json', '--bin', '20'),
    ) as object;
    expect(document).toMatchObject({
      capture: { format: 'pcapng', drops: { dropped: 7 }, names: { '10.77.0.1': 'node-0' } },
      undecodedPackets: 0,
      binSeconds: 0.02,
      heartbeat: { heartbeat: { count: 4 }, reason: null },
      flowCount: 4,
      expected: { periodSeconds: 2.01 },
    });
  });

  test('--json keeps to its schema, and tells who beats', async () => {
    const text = await inspect(runDirectory('schema', summary), '--json');
    const document = inspectionSchema.parse(JSON.parse(text));
    expect(document.beats.tested).toBeGreaterThan(4);
    expect(document.beats.hosts.map(({ bursts }) => bursts)).toEqual([4, 4, 4, 4]);
    expect(document.beats.hosts[0]!.periodSeconds).toBeCloseTo(2, 1);
  });

  test('a sample: estimates, and what is left of a burst', async () => {
    const text = await inspect(runDirectory('sample'), '--json', '--sample', '1:10,random');
    const document = inspectionSchema.parse(JSON.parse(text));
    expect(document.samplingRate).toBe(10);
    const [first] = document.beats.hosts;
    expect(first!.samplesPerBurst).toBeGreaterThan(0.02 * 1e4);
    expect(first!.samplesPerBurst).toBeLessThan(0.06 * 1e4);
  });

  test('flow records: what they hide is said', async () => {
    const file = join(folder, 'flows.jsonl');
    const record = {
      ts: 1_700_000_000,
      uid: 'C1',
      'id.orig_h': '10.0.0.1',
      'id.orig_p': 1,
      'id.resp_h': '10.0.0.2',
      'id.resp_p': 2,
      proto: 'tcp',
      duration: 60,
      orig_bytes: 900,
      resp_bytes: 90,
      conn_state: 'SF',
      orig_pkts: 9,
      orig_ip_bytes: 1000,
      resp_pkts: 9,
      resp_ip_bytes: 1000,
    };
    const lines = [0, 60, 120].map((later) => JSON.stringify({ ...record, ts: record.ts + later }));
    writeFileSync(file, `${lines.join('\n')}\n`);
    const page = await inspect(file);
    expect(page).toContain('3 flow records');
    expect(page).toContain('periods under 120 s (twice that) cannot be seen');
  });

  test.each([
    { name: 'missing', words: [join(folder, 'nowhere')], message: /nowhere: found no such file/ },
    { name: 'no run', words: [folder], message: /found a directory without capture\.pcapng/ },
    {
      name: 'bin',
      words: ['x', '--bin', '0'],
      message: /--bin: found "0"; allowed: a whole number from 1 to 60000/,
    },
  ])('$name: an InputError', async ({ words, message }) => {
    await expect(inspect(...words)).rejects.toThrow(InputError);
    await expect(inspect(...words)).rejects.toThrow(message);
    expect(printed).toBe('');
  });

  test.each([
    { name: 'no JSON', content: '{"expected":', message: /summary\.json: .*allowed: the summary of a run/ },
    {
      name: 'another JSON',
      content: '{"expected": {"periodSeconds": "2"}}',
      message: /expected\.periodSeconds/,
    },
  ])('a summary that is $name: an InputError', async ({ name, content, message }) => {
    await expect(inspect(runDirectory(name, content))).rejects.toThrow(message);
    await expect(inspect(join(folder, name))).rejects.toThrow(InputError);
  });
});

test('sparkline: as tall as the share of the peak, and nothing only for nothing', () => {
  expect(sparkline([0, 0.001, 50, 100], 100)).toBe(' ▁▄█');
  expect(sparkline([0, 0], 0)).toBe('  ');
});
