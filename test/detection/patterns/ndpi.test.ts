/** nDPI's program: what its lines say, and what is said when it can't be asked. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { emptyTally, examinationOf, readLine, runNdpi } from '../../../src/detection/patterns/ndpi.js';
import { scratchFolder } from '../../support/files.js';

/** As ndpiReader 4.2 prints them. */
const LINES = [
  'Detected protocols:',
  '\tTLS                  packets: 2033          bytes: 1517124       flows: 6            ',
  '\t1\tTCP 10.77.0.2:47974 <-> 10.77.0.1:8470 [proto: 91/TLS][Encrypted][Confidence: DPI][cat: Web/5][299 pkts/21215 bytes <-> 326 pkts/475348 bytes][Risk: ** Known Protocol on Non Standard Port **][Risk Score: 50]',
  '\t2\tUDP 10.77.0.2:51820 -> 10.77.0.3:51820 [proto: 206/WireGuard][Encrypted][Confidence: DPI][cat: VPN/2]',
  '\t3\tTCP 10.77.0.3:1 <-> [2001:db8::1]:80 [VLAN: 7][proto: 7.5/HTTP.Google][cat: Web/5][Risk: ** One **** Another **][Risk Score: 60]',
  'Undetected flows:',
];

describe('lines', () => {
  test('flows, protocols and risks', () => {
    const tally = emptyTally();
    for (const line of LINES) readLine(line, tally);
    expect(tally).toEqual({
      flows: 3,
      risky: 2,
      protocols: new Map([
        ['TLS', 1],
        ['WireGuard', 1],
        ['HTTP.Google', 1],
      ]),
      risks: new Map([
        ['Known Protocol on Non Standard Port', 1],
        ['One', 1],
        ['Another', 1],
      ]),
    });
    const [finding] = examinationOf(tally).findings;
    expect(finding).toMatchObject({ score: 2, fires: true });
    expect(finding?.why).toContain('3 flows: TLS 1, WireGuard 1, HTTP.Google 1; risks: ');
  });

  test('no risk, no alarm', () => {
    const tally = emptyTally();
    readLine(LINES[3]!, tally);
    expect(examinationOf(tally).findings[0]).toMatchObject({ score: 0, fires: false });
  });

  test('a line without end is no flow', () => {
    const tally = emptyTally();
    readLine(`${LINES[2]}${' '.repeat(100_000)}`, tally);
    expect(tally.flows).toBe(0);
  });
});

describe('the program', () => {
  const folder = scratchFolder();
  const program = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  };

  test('its flows are counted', async () => {
    const lines = LINES.map((line) => `echo '${line}'`).join('\n');
    const { findings } = await runNdpi('x', program('good', lines));
    expect(findings[0]).toMatchObject({ score: 2 });
  });

  test.each([
    ['is missing', '/nowhere/ndpiReader', 5000, 'is not installed (Debian: libndpi-bin)'],
    ['fails', program('bad', 'echo no such file >&2; exit 3'), 5000, 'status 3: no such file'],
    ['hangs', program('slow', 'exec sleep 30'), 200, 'not done after 0.2 s'],
  ])('%s: its row says so', async (_, file, limit, words) => {
    const { findings, note } = await runNdpi('x', file, limit);
    expect(findings).toEqual([]);
    expect(note).toContain('not run: ');
    expect(note).toContain(words);
  });

  test('finds nothing: its row says so', async () => {
    const { findings, note } = await runNdpi('x', program('empty', 'true'));
    expect(findings).toEqual([]);
    expect(note).toContain('found no flow');
  });
});
