/** `--follow`, `--through` and `--points` of `export` and `match`; what of `inspect` works is in test/e2e/reading.test.ts. */
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { MESHBEAT, meshbeat, start } from '../support/meshbeat.js';

const folder = scratchFolder();
const vxlan = fixture('zeek/tunnels-vxlan-encapsulated-http.pcap');
const flows = fixture('flows/nfdump.json');
const whole = readFileSync(fixture('zeek/ftp-ipv6.pcap'));

interface Match {
  readonly input: { readonly file: string };
  readonly packets: number;
  readonly connections: number;
  readonly verdicts: readonly { readonly pattern: string; readonly note: string | null }[];
}

async function said(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await meshbeat(...words);
  expect(status, stderr).toBe(0);
  return stdout;
}

async function refused(...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await meshbeat(...words);
  expect([status, stdout]).toEqual([2, '']);
  return stderr;
}

test('export sees through tunnels, if asked to', async () => {
  const pairs = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { source: string; destination: string })
      .map(({ source, destination }) => `${source} ${destination}`);
  expect(pairs(await said('export', vxlan, '--to', 'jsonl'))).toEqual(['10.1.200.131 10.1.1.172']);
  expect(pairs(await said('export', vxlan, '--to', 'jsonl', '--through', 'vxlan'))).toEqual([
    '172.16.11.201 54.86.237.188',
  ]);
});

test('match sees through tunnels, and says that nDPI does not', async () => {
  const subjects = async (...words: string[]) =>
    JSON.stringify((JSON.parse(await said('match', vxlan, '--json', ...words)) as Match).verdicts);
  expect(await subjects()).toContain('10.1.200.131');
  for (const words of [
    ['--through', 'all'],
    ['--through', 'all', '--records'],
  ]) {
    const inside = await subjects(...words);
    expect(inside).toContain('172.16.11.201');
    expect(inside).not.toContain('10.1.200.131');
  }
  expect(await subjects('--through', 'all')).toContain(
    'nDPI is given whole packets, not what is inside tunnels',
  );
});

test('what grows is followed; Ctrl-C ends it, and what was read is there', async () => {
  const growing = join(folder, 'growing.pcap');
  const out = join(folder, 'followed.csv');
  writeFileSync(growing, whole.subarray(0, 24));
  const exporting = start([...MESHBEAT, 'export', growing, '--follow', '--to', 'csv', '-o', out]);
  const matching = start([...MESHBEAT, 'match', growing, '--follow', '--json']);
  // The header of the table is on disk before any packet is: it is handed on each time all has been read.
  for (let tries = 0; tries < 300 && !isThere(out); tries++) await delay(100);
  appendFileSync(growing, whole.subarray(24));
  // Flow records end with their connections: the first is on disk while the file is still followed.
  for (let tries = 0; tries < 300 && lines(out) < 2; tries++) await delay(100);
  expect(lines(out)).toBeGreaterThanOrEqual(2);
  exporting.kill('SIGINT');
  const exported = await exporting.ended;
  expect(exported.status, exported.stderr).toBe(0);
  expect(exported.stderr).toContain('136 packets, 6 flow records');
  expect(lines(out)).toBe(7);
  await delay(500);
  matching.kill('SIGINT');
  const matched = await matching.ended;
  expect(matched.status).toBe(0);
  expect((JSON.parse(matched.stdout) as Match).packets).toBe(136);
});

const lines = (file: string) => readFileSync(file, 'latin1').split('\n').length - 1;

function isThere(file: string): boolean {
  try {
    return lines(file) > 0;
  } catch {
    return false;
  }
}

test('of a run with observation points: each of them', async () => {
  const run = join(folder, 'run');
  mkdirSync(run);
  copyFileSync(fixture('zeek/http-get.pcap'), join(run, 'capture.pcapng'));
  copyFileSync(fixture('zeek/ftp-ipv6.pcap'), join(run, 'capture-isp.pcapng'));
  const documents = JSON.parse(await said('match', run, '--points', '--json')) as Match[];
  expect(documents.map(({ input, packets }) => [input.file, packets])).toEqual([
    [join(run, 'capture.pcapng'), 14],
    [join(run, 'capture-isp.pcapng'), 136],
  ]);
  const alone = JSON.parse(await said('match', join(run, 'capture-isp.pcapng'), '--json')) as Match;
  expect(alone).toEqual(documents[1]);
  const text = await said('match', run, '--points');
  expect(text).toMatch(/capture\.pcapng: [^]*patterns fires?\n[^]*capture-isp\.pcapng: /);
});

test.each([
  [
    ['export', vxlan, '--to', 'pcapng', '--through', 'all'],
    '--through: found with --to pcapng; allowed: with a format of flow records',
  ],
  [['export', vxlan, '--to', 'zeek', '--through', 'all'], '--through: found with --to zeek; allowed: '],
  [
    ['export', vxlan, vxlan, '--to', 'pcapng', '--follow'],
    '--follow: found with 2 captures; allowed: with one',
  ],
  [
    ['export', flows, '--to', 'jsonl', '--through', 'gre'],
    'found flow records with --through; allowed: a capture',
  ],
  [['match', flows, '--through', 'gre'], 'found flow records with --through; allowed: a capture'],
  [['match', flows, '--sample', '1:10'], 'found flow records with --sample; allowed: a capture'],
  [['inspect', flows, '--through', 'gre'], 'found flow records with --through; allowed: a capture'],
  [['inspect', flows, '--sample', '1:10'], 'found flow records with --sample; allowed: a capture'],
  [['match', vxlan, '--points'], '--points: found none at '],
  [['match', vxlan, '--points', '--follow'], '--follow: found with --points; allowed: one of them'],
])('%j is refused', async (words, message) => {
  expect(await refused(...words)).toContain(message);
});
