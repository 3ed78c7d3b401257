import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { exportCommand } from '../../../src/cli/export.js';
import {
  exportFormatNamed,
  exportFormats,
  exportTraffic,
  FileOutlet,
} from '../../../src/traffic/exports/index.js';
import type { ExportSettings } from '../../../src/traffic/exports/index.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { MemoryOutlet, settings } from '../../support/exports.js';
import { fixture } from '../../support/fixtures.js';

const folder = mkdtempSync(path.join(tmpdir(), 'meshbeat-pipeline-'));
afterAll(() => rmSync(folder, { recursive: true }));
const CAPTURE = fixture('zeek/ftp-ipv6.pcap');

async function recordsOf(file: string, more: Partial<ExportSettings> = {}) {
  const outlet = new MemoryOutlet();
  const context = { settings: { ...settings, ...more }, outlet };
  const summary = await exportTraffic(file, exportFormatNamed('jsonl'), context);
  return { summary, records: outlet.written.map((line) => JSON.parse(line.toString()) as FlowRecord) };
}

const packets = (list: readonly FlowRecord[]) =>
  list.reduce((sum, { forward, backward }) => sum + forward.packets + backward.packets, 0);

describe('an export', () => {
  test('holds each packet once, sampled or not, in records that tell the rate', async () => {
    const all = await recordsOf(CAPTURE);
    expect(packets(all.records)).toBe(136);
    const sampling = { rate: 4, method: 'n-of-n', seed: 3 } as const;
    const some = await recordsOf(CAPTURE, { sampling });
    expect(packets(some.records)).toBe(34);
    expect(some.summary).toMatchObject({ sampledPackets: 34, records: some.records.length });
    expect(some.records.every(({ samplingRate }) => samplingRate === 4)).toBe(true);
  });

  test("tells what Zeek's checks of checksums left out", async () => {
    const noteWith = async (given: object) => {
      const context = { settings, outlet: new MemoryOutlet() };
      const file = fixture('zeek/mixed-vlan-mpls.pcap');
      return (await exportTraffic(file, exportFormatNamed('zeek'), context, { ...given }))?.note;
    };
    expect(await noteWith({})).toMatch(/^[1-9]\d* with a wrong checksum left out.*--ignore-checksums/);
    expect(await noteWith({ ignoreChecksums: true })).toBeUndefined();
  });

  test('of an export is the same again', async () => {
    const file = path.join(folder, 'again.ipfix');
    const command = () => exportCommand().exitOverride();
    await command().parseAsync([CAPTURE, '--to', 'ipfix', '--microseconds', '-o', file], { from: 'user' });
    const copy = path.join(folder, 'copy.ipfix');
    await command().parseAsync([file, '--to', 'ipfix', '--microseconds', '-o', copy], { from: 'user' });
    expect(readFileSync(copy).equals(readFileSync(file))).toBe(true);
    expect((await recordsOf(file)).records).toEqual((await recordsOf(CAPTURE)).records);
  });

  test.each([
    [['--to', 'morse'], /^--to: found "morse"; allowed: ipfix, netflow9/],
    [['--to', 'sflow'], /^--collector: found none with --to sflow; allowed: HOST:PORT$/],
    [['--to', 'netflow9', '--biflow'], /^--biflow: found with --to netflow9; allowed: --uniflow/],
    [['--to', 'ipfix', '--biflow', '--uniflow'], /^--uniflow: found with --biflow; allowed: one of them$/],
    [['--to', 'csv', '--domain', '3'], /^--domain: found with --to csv; allowed: with --to ipfix$/],
    [['--to', 'ipfix', '--domain', 'x'], /^--domain: found "x"; allowed: a whole number/],
    [['--to', 'ipfix', '--sample', '2:2'], /^--sample: found "2:2"; allowed: 1:N/],
    [
      ['--to', 'jsonl', '--collector', '127.0.0.1:9'],
      /^--collector: found with --to jsonl; allowed: --output$/,
    ],
    [
      ['--to', 'ipfix', '-o', '/nowhere/x'],
      /^--output: found "\/nowhere\/x" \(.*\); allowed: a file that can be written$/,
    ],
    [['--to', 'ipfix', '--active-timeout', '0 s'], /^--active-timeout: found "0 s"; allowed: more than 0$/],
  ])('with %j says what is wrong', async (words, message) => {
    const command = exportCommand().exitOverride();
    await expect(command.parseAsync([CAPTURE, ...words], { from: 'user' })).rejects.toThrow(message);
  });

  test('refuses what flow records have not: packets, to sample or to send', async () => {
    const file = path.join(folder, 'records.ipfix');
    const outlet = new FileOutlet(file);
    await exportTraffic(CAPTURE, exportFormatNamed('ipfix'), { settings, outlet });
    outlet.close();
    const sampling = { rate: 2, method: 'random', seed: 1 } as const;
    await expect(recordsOf(file, { sampling })).rejects.toThrow(
      'found flow records with --sample; allowed: a capture',
    );
    const context = { settings, outlet: new MemoryOutlet() };
    await expect(exportTraffic(file, exportFormatNamed('sflow'), context)).rejects.toThrow(
      'found flow records; allowed: a capture, since sflow is made of packets',
    );
  });
});

test('options of formats have the names that the command line gives them', () => {
  for (const { options } of exportFormats) {
    for (const [key, { flags }] of Object.entries(options)) {
      const [, name = ''] = /--([a-z-]+)/.exec(flags) ?? [];
      expect(name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())).toBe(key);
    }
  }
});
