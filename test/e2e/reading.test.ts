/** `meshbeat inspect` of what is no finished file: standard input, a pipe, a capture that grows. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CaptureReport } from '../../src/traffic/index.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { MESHBEAT, meshbeat, start } from '../support/meshbeat.js';

const folder = scratchFolder();
const whole = readFileSync(fixture('zeek/ftp-ipv6.pcap'));

test('standard input, as a pipe', () => {
  const [program = '', ...words] = MESHBEAT;
  const { status, stdout } = spawnSync(program, [...words, 'inspect', '-', '--json'], {
    input: whole,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ packets: 136, capture: { file: '-', bytes: whole.length } });
});

test('standard input that is no capture is wrong input, with its name', () => {
  const [program = '', ...words] = MESHBEAT;
  const { status, stderr } = spawnSync(program, [...words, 'inspect', '-'], {
    input: 'hello',
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stderr).toContain('standard input: byte 0: found the text "hello"');
});

test('a shell’s <(…)', () => {
  const command = `exec ${MESHBEAT.join(' ')} inspect <(gzip -c ${fixture('zeek/ftp-ipv6.pcap')}) --json`;
  const { stdout } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toMatchObject({ packets: 136, capture: { compression: 'gzip' } });
});

test('a capture that grows is followed; Ctrl-C ends it with a report', async () => {
  const file = join(folder, 'growing.pcap');
  writeFileSync(file, whole.subarray(0, 24));
  const running = start([...MESHBEAT, 'inspect', file, '--follow', '--json']);
  await running.said(/^0 packets/m);
  appendFileSync(file, whole.subarray(24, 9000));
  await running.said(/^\d\d packets in .* between 2 hosts: no heartbeat yet/m);
  appendFileSync(file, whole.subarray(9000, whole.length - 1));
  await running.said(/^135 packets/m);
  running.kill('SIGINT');
  const { status, stdout } = await running.ended;
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as CaptureReport;
  expect(report.packets).toBe(135);
  expect(report.capture.truncatedAt).toBeGreaterThan(18_000);
});

test('an unknown tunnel is wrong input', async () => {
  const { status, stderr } = await meshbeat(
    'inspect',
    fixture('zeek/ftp-ipv6.pcap'),
    '--through',
    'gre,wormhole',
  );
  expect(status).toBe(2);
  expect(stderr).toContain('--through: found "wormhole"; allowed: all, ipip, gre, vxlan, geneve, gtpu');
});
