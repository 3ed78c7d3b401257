/** What is exported, as tshark decodes it: every message whole, without a warning, and with the same figures. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readCapture } from '../../../src/capture/index.js';
import { exportFormatNamed, exportTraffic } from '../../../src/traffic/exports/index.js';
import { ipfixSink } from '../../../src/traffic/exports/ipfix.js';
import { netflow9Sink } from '../../../src/traffic/exports/netflow9.js';
import { samplingMethods } from '../../../src/traffic/sampling/index.js';
import { datagramsAsPcap, MemoryOutlet, records, settings } from '../../support/exports.js';
import { fixture } from '../../support/fixtures.js';
import { describeWith } from '../../support/requires.js';

const folder = mkdtempSync(path.join(tmpdir(), 'meshbeat-exports-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PORTS = { ipfix: 4739, netflow9: 2055, sflow: 6343 } as const;
const CAPTURES = ['http-get', 'ftp-ipv6', 'mixed-vlan-mpls', 'q-in-q'].map((name) =>
  fixture(`zeek/${name}.pcap`),
);
const HEADER_BYTES = 128;

function asPcap(messages: readonly Uint8Array[], port: number): string {
  const file = path.join(folder, `${port}.pcap`);
  writeFileSync(file, datagramsAsPcap(messages, port));
  return file;
}

/** All captures, each with another method of sampling, in domains of their own. */
async function exported(
  format: keyof typeof PORTS,
  rate: number,
): Promise<{ file: string; messages: number }> {
  const outlet = new MemoryOutlet();
  for (const [index, capture] of CAPTURES.entries()) {
    const sampling = { rate, method: samplingMethods[index]!, seed: 1 };
    const context = { settings: { ...settings, biflow: format === 'ipfix', sampling }, outlet };
    const given = format === 'sflow' ? { agent: `10.0.0.${index}` } : { domain: String(index) };
    await exportTraffic(capture, exportFormatNamed(format), context, given);
  }
  return { file: asPcap(outlet.written, PORTS[format]), messages: outlet.written.length };
}

/**
 * The fields' values, one row per packet that passes. Frames within sFlow are left as bytes: they are cut off, and about
 * the courses of their connections tshark has much to say.
 */
function fields(file: string, filter: string, names: readonly string[]): string[][] {
  const shown = names.flatMap((name) => ['-e', name]);
  const words = ['-n', '-r', file, '--disable-protocol', 'eth', '-Y', filter, '-T', 'fields', ...shown];
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  const options = { encoding: 'utf8', stdio, maxBuffer: 2 ** 28 } as const;
  const lines = execFileSync('tshark', words, options).split('\n');
  return lines.filter((line) => line !== '').map((line) => line.split('\t'));
}

const remarks = (file: string) =>
  fields(file, '_ws.expert or _ws.malformed', ['frame.number', '_ws.expert.message']);

/** All values of a column: a message has many records, and so a field many values. */
const column = (rows: readonly string[][], index: number) =>
  rows.flatMap((row) => (row[index] ?? '').split(',').filter((text) => text !== ''));

describeWith(['tshark'], 'tshark', () => {
  test.each(['ipfix', 'netflow9'] as const)('decodes %s of captures without a warning', async (format) => {
    const { file, messages } = await exported(format, 2);
    expect(remarks(file)).toEqual([]);
    expect(fields(file, 'cflow', ['frame.number'])).toHaveLength(messages);
  });

  test.each([
    ['ipfix', ipfixSink, PORTS.ipfix],
    ['netflow9', netflow9Sink, PORTS.netflow9],
  ] as const)('decodes many messages of %s, and finds the same figures', (_, sink, port) => {
    const list = fc.sample(records, { numRuns: 400, seed: 6 });
    const outlet = new MemoryOutlet();
    const options = { messageBytes: undefined, domain: 1, templateEvery: 5, microseconds: false };
    const writer = sink({ settings: { ...settings, biflow: false }, outlet }, options);
    for (const record of list) writer.record(record);
    void writer.finish();
    const file = asPcap(outlet.written, port);
    expect(remarks(file)).toEqual([]);
    const rows = fields(file, 'cflow', ['cflow.packets', 'cflow.octets']);
    const directions = list.flatMap(({ forward, backward }) =>
      backward.packets > 0 ? [forward, backward] : [forward],
    );
    expect(column(rows, 0)).toEqual(directions.map(({ packets }) => String(packets)));
    expect(column(rows, 1)).toEqual(directions.map(({ octets }) => String(octets)));
  });

  test('decodes sFlow of captures, and finds the same frames', async () => {
    const { file, messages } = await exported('sflow', 1);
    expect(remarks(file)).toEqual([]);
    const names = ['sflow.flow_sample.sample_pool', 'sflow_245.header.frame_length', 'data.data'];
    const rows = fields(file, 'sflow', names);
    expect(rows).toHaveLength(messages);
    const lengths: string[] = [];
    const headers: string[] = [];
    const pools: string[] = [];
    for (const capture of CAPTURES) {
      let pool = 0;
      await readCapture(capture, ({ captured, originalLength }) => {
        pool += 1;
        pools.push(String(pool));
        // On the wire a frame has a checksum of four bytes, which captures leave out.
        lengths.push(String(originalLength + 4));
        const header = Buffer.from(captured.subarray(0, HEADER_BYTES)).toString('hex');
        headers.push(header.padEnd(Math.ceil(header.length / 8) * 8, '0'));
      });
    }
    expect(column(rows, 0)).toEqual(pools);
    expect(column(rows, 1)).toEqual(lengths);
    expect(column(rows, 2)).toEqual(headers);
  });

  test('sampled, sFlow says of how many one was looked at', async () => {
    const { file } = await exported('sflow', 4);
    const rows = fields(file, 'sflow', [
      'sflow.flow_sample.sampling_rate',
      'sflow.flow_sample.dropped_packets',
    ]);
    expect(new Set(column(rows, 0))).toEqual(new Set(['4']));
    expect(new Set(column(rows, 1))).toEqual(new Set(['0']));
  });
});
