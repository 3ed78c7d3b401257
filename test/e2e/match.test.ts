/** `meshbeat match` as a user calls it, on captures and flow files that were made for it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { pcapFile } from '../support/captures.js';
import { scratchFolder } from '../support/files.js';
import { tcpFrame } from '../support/frames.js';
import { meshbeat } from '../support/meshbeat.js';
import { isInstalled } from '../support/requires.js';

interface Row {
  readonly pattern: string;
  readonly fires: boolean;
  readonly note: string | null;
  readonly findings: readonly { readonly subject: string; readonly why: string; readonly score: number }[];
}
interface Document {
  readonly packets: number;
  readonly connections: number;
  readonly samplingRate: number;
  readonly verdicts: readonly Row[];
}

const folder = scratchFolder();
const SYN = 2;
const RST = 4;
const ACK = 16;

/** Two hours of short connections that begin at these seconds. */
function captureOf(name: string, starts: readonly number[]): string {
  const records = starts.flatMap((start, index) => {
    const fields = { source: '10.0.0.1', destination: '192.0.2.7', sourcePort: 10_000 + index };
    const at = (seconds: number, flags: number, payload: number) => ({
      seconds: 1_700_000_000 + Math.floor(seconds),
      fraction: Math.floor((seconds % 1) * 1e6),
      data: tcpFrame({ ...fields, flags, payload }),
      originalLength: 54 + payload,
    });
    return [at(start, SYN, 0), at(start + 0.1, ACK, 400), at(start + 0.2, ACK | RST, 0)];
  });
  const file = join(folder, name);
  writeFileSync(file, pcapFile('little', 0xa1b2c3d4, 1, records));
  return file;
}

async function match(...words: readonly string[]): Promise<Document> {
  const { status, stdout, stderr } = await meshbeat('match', ...words, '--json');
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Document;
}

const firing = ({ verdicts }: Document): string[] =>
  verdicts.filter(({ fires }) => fires).map(({ pattern }) => pattern);

let regular: string;
let chance: string;

beforeAll(() => {
  regular = captureOf(
    'regular.pcap',
    Array.from({ length: 120 }, (_, minute) => 60 * minute + 7),
  );
  const random = new Random(3, 'chance');
  const starts = Array.from({ length: 120 }, () => 7200 * random.uniform());
  chance = captureOf(
    'chance.pcap',
    starts.sort((a, b) => a - b),
  );
});

test('a perfectly regular beacon: RITA gives it all, the tests of periods find it, no volume threshold does', async () => {
  const document = await match(regular);
  expect(document).toMatchObject({ packets: 360, connections: 120, samplingRate: 1 });
  const fires = firing(document);
  for (const pattern of [
    'rita',
    'fisher-scaled',
    'walker',
    'schuster',
    'baywatch',
    'jitter',
    'near-median',
  ]) {
    expect(fires).toContain(`${pattern}-connections`);
  }
  for (const pattern of ['fastnetmon', 'volume-low', 'tdg', 'long-connections'])
    expect(fires).not.toContain(pattern);
  const rita = document.verdicts.find(({ pattern }) => pattern === 'rita-connections');
  expect(rita?.findings[0]).toMatchObject({ subject: '10.0.0.1 → 192.0.2.7', score: 1 });
});

test('as many connections at random moments: none of the tests of periods fires', async () => {
  expect(firing(await match(chance)).filter((pattern) => !/^(rita|ndpi)/.test(pattern))).toEqual([]);
});

test('nDPI’s verdict is there, or why it is not', async () => {
  const row = (await match(regular)).verdicts.find(({ pattern }) => pattern === 'ndpi');
  if (isInstalled('ndpiReader')) expect(row?.findings[0]?.why).toMatch(/^\d+ flows: /);
  else expect(row?.note).toBe('not run: ndpiReader is not installed (Debian: libndpi-bin)');
});

test('packed, under a name that does not say so: the same verdicts', async () => {
  const packed = join(folder, 'packed.pcap');
  writeFileSync(packed, gzipSync(readFileSync(regular)));
  expect((await match(packed)).verdicts).toEqual((await match(regular)).verdicts);
});

test('sampled: one of so many packets, and nDPI sees no others', async () => {
  const document = await match(regular, '--sample', '1:10,random');
  expect(document.samplingRate).toBe(10);
  expect(document.packets).toBeGreaterThan(15);
  expect(document.packets).toBeLessThan(70);
});

test('for people: a table, and the sum of it', async () => {
  const { status, stdout } = await meshbeat('match', regular, '--day', '1');
  expect(status).toBe(0);
  expect(stdout).toContain('RITA v5 beacon score');
  expect(stdout).toContain('10.0.0.1');
  expect(stdout).toMatch(/\d+ of \d+ patterns fire$/m);
});

test('only the flow records: the same connections, and nothing for nDPI', async () => {
  const document = await match(regular, '--records');
  expect(document).toMatchObject({ packets: 0, connections: 120 });
  expect(firing(document)).toContain('rita-connections');
  expect(document.verdicts.find(({ pattern }) => pattern === 'ndpi')?.note).toMatch(/^not run: /);
});

test('a file of flow records: Zeek’s conn.log', async () => {
  const lines = Array.from({ length: 120 }, (_, minute) =>
    JSON.stringify({
      ts: 1_700_000_000 + 60 * minute,
      uid: `C${minute}`,
      'id.orig_h': '10.0.0.1',
      'id.orig_p': 10_000 + minute,
      'id.resp_h': '192.0.2.7',
      'id.resp_p': 443,
      proto: 'tcp',
      duration: 0.5,
      orig_bytes: 400,
      resp_bytes: 900,
      conn_state: 'SF',
      orig_pkts: 5,
      orig_ip_bytes: 620,
      resp_pkts: 5,
      resp_ip_bytes: 1120,
    }),
  );
  const file = join(folder, 'conn.log');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const document = await match(file);
  expect(document).toMatchObject({ packets: 0, connections: 120 });
  expect(firing(document)).toContain('rita-connections');
});

test('a capture without packets: every row says that there is nothing', async () => {
  const document = await match(captureOf('empty.pcap', []));
  expect(firing(document)).toEqual([]);
  for (const { findings, note } of document.verdicts) {
    expect(findings).toEqual([]);
    expect(note).toMatch(/\S/);
  }
});

describe('wrong input ends with status 2, and says what is allowed', () => {
  test.each([
    ['no such file', ['/nowhere/x.pcap'], 'found no such file; allowed: '],
    ['no traffic', [new URL(import.meta.url).pathname], 'allowed: '],
    ['a bad rate', ['x', '--sample', '100'], '--sample: found "100"; allowed: 1:N'],
    ['a bad time', ['x', '--active-timeout', 'soon'], '--active-timeout: found "soon"; allowed: '],
    ['a bad day', ['x', '--day', '0'], '--day: found "0"; allowed: a number from 1 to 100000'],
  ])('%s', async (_, words, message) => {
    const { status, stderr, stdout } = await meshbeat('match', ...words);
    expect(status, stderr).toBe(2);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
  });
});
