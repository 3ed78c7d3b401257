/** Files that other programs wrote of one capture: what they all must say, whatever their format. */
import { gzipSync } from 'node:zlib';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../src/capture/index.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { readTraffic } from '../../../src/traffic/source.js';
import type { FlowFileInfo, TrafficOptions } from '../../../src/traffic/source.js';
import { scratchFolder } from '../../support/files.js';
import { fixture } from '../../support/fixtures.js';

const folder = scratchFolder();

async function read(
  file: string,
  options: TrafficOptions = {},
): Promise<{ records: FlowRecord[]; info: FlowFileInfo }> {
  const records: FlowRecord[] = [];
  const onPacket = () => expect.fail('a packet of a flow file');
  const info = await readTraffic(file, { onPacket, onRecord: (record) => records.push(record) }, options);
  if (info.kind === 'capture') expect.fail('a flow file was taken for a capture');
  return { records, info };
}

const flows = (name: string, options: TrafficOptions = {}) => read(fixture(`flows/${name}`), options);

function totals(records: readonly FlowRecord[]) {
  let [packets, octets] = [0, 0];
  for (const { forward, backward } of records) {
    packets += forward.packets + backward.packets;
    octets += forward.octets + backward.octets;
  }
  return { packets, octets };
}

/** One line for a record, whoever of the two is called its source: softflowd's biflows go by addresses. */
function line({ source, destination, forward, backward, ...record }: FlowRecord): string {
  const there = `${formatAddress(source)} ${record.sourcePort} ${forward.packets}/${forward.octets}`;
  const back = `${formatAddress(destination)} ${record.destinationPort} ${backward.packets}/${backward.octets}`;
  return [`${record.protocol}`, ...[there, back].sort()].join(' ');
}
const lines = (records: readonly FlowRecord[]) => records.map(line).sort();

describe('what softflowd and nfdump say of one capture', () => {
  const whole = { packets: 126, octets: 22_896 };

  test.each([
    ['softflowd.netflow9', 57, 2_000_000],
    ['softflowd-micro.ipfix', 57, 1],
    ['nfdump.json', 57, 1000],
    ['nfdump.csv', 57, 1_000_000],
    ['nfdump.long', 57, 1000],
  ])('%s: all packets and bytes, in the flows that the others have', async (name, count, resolution) => {
    const { records, info } = await flows(name);
    const judge = await flows('softflowd-micro.ipfix');
    expect(records).toHaveLength(count);
    expect(info).toMatchObject({ records: count, skipped: [], samplingRates: { min: 1, max: 1 } });
    expect(totals(records)).toEqual(whole);
    expect(lines(records)).toEqual(lines(judge.records));
    // The capture's first packet, as tshark prints it.
    const first = 1_300_475_167_096_535;
    expect(Math.abs(info.firstMicros! - first)).toBeLessThanOrEqual(resolution);
  });

  test('NetFlow v5 has all of IPv4 and nothing else', async () => {
    const { records } = await flows('softflowd.netflow5');
    const { records: judge } = await flows('softflowd-micro.ipfix');
    expect(lines(records)).toEqual(lines(judge.filter(({ source }) => source.version === 4)));
  });

  test.each(['softflowd-biflow.ipfix', 'nfdump-biflow.csv'])(
    '%s: biflows with the same bytes',
    async (name) => {
      const { records } = await flows(name);
      expect(records).toHaveLength(34);
      expect(totals(records)).toEqual(whole);
      const web = records.filter(({ protocol, forward }) => protocol === 6 && forward.packets > 1);
      expect(web).toHaveLength(9);
      expect(web.every(({ forward, backward }) => forward.packets > 0 && backward.packets > 0)).toBe(true);
    },
  );

  test.each(['softflowd.netflow9', 'softflowd-micro.ipfix', 'nfdump.json'])(
    '%s: directions joined are the biflows that softflowd makes itself',
    async (name) => {
      const { records, info } = await flows(name, { joinDirections: true });
      const { records: judge } = await flows('softflowd-biflow.ipfix');
      expect(info.joined).toBe(23);
      expect(totals(records)).toEqual(whole);
      expect(lines(records)).toEqual(lines(judge));
    },
  );

  test.each(['softflowd-sampled.netflow5', 'softflowd-sampled.netflow9', 'softflowd-uptime-sampled.ipfix'])(
    '%s: records know that one of ten packets was looked at',
    async (name) => {
      const { records, info } = await flows(name);
      expect(new Set(records.map(({ samplingRate }) => samplingRate))).toEqual(new Set([10]));
      expect(info.samplingRates).toEqual({ min: 10, max: 10 });
      expect(Math.abs(info.firstMicros! - 1_300_475_167_096_535)).toBeLessThan(1_000_000);
    },
  );

  test("nfdump's short table loses IPv6 addresses, and that is told", async () => {
    const { records, info } = await flows('nfdump.extended');
    expect(records).toHaveLength(54);
    expect(info.skipped).toEqual([{ reason: expect.stringContaining('IPv6') as string, count: 3 }]);
  });

  test('a file of nfcapd is refused with the command that turns it into text', async () => {
    await expect(flows('nfcapd')).rejects.toThrow(/nfdump -r FILE -o json/);
  });
});

describe("Zeek's conn.log", () => {
  const masked = readFileSync(fixture('flows/wikipedia.conn.log'), 'utf8');
  const zeek = masked.replaceAll('XXXXXXXXXX.XXXXXX', '1300475168.853899');

  test('lines whose times were masked are skipped and counted', async () => {
    const { records, info } = await flows('wikipedia.conn.log');
    expect(records).toEqual([]);
    expect(info.skipped).toEqual([{ reason: 'lines without a time', count: 16 }]);
  });

  test('has both directions of a connection in a record, with the same bytes as all others', async () => {
    const file = join(folder, 'conn.log');
    writeFileSync(file, zeek);
    const { records, info } = await read(file);
    const { records: judge } = await flows('softflowd-biflow.ipfix');
    expect(info).toMatchObject({ kind: 'zeek-tsv', records: 16, firstMicros: 1_300_475_168_853_899 });
    // This log ends within the capture, so its last line, of TCP, has less.
    expect(lines(judge)).toEqual(expect.arrayContaining(lines(records.slice(0, 15))));
    expect(records[1]).toMatchObject({ sourcePort: 43_927, destinationPort: 53, endReason: 1 });
    expect(records[1]!.endMicros - records[1]!.startMicros).toBe(435);
  });

  test('JSON and gzip say the same', async () => {
    const file = join(folder, 'conn.json.gz');
    const rows = zeek.split('\n').filter((row) => row !== '' && !row.startsWith('#'));
    const names = /^#fields\t(.*)$/m.exec(zeek)![1]!.split('\t');
    const numeric = /^(ts|duration|.*_p|.*_pkts|.*_bytes|ip_proto)$/;
    const objects = rows.map((row) => {
      const cells = row.split('\t').map((cell, at) => [names[at], cell] as const);
      const known = cells.filter(([, cell]) => cell !== '-');
      const value = (name = '', cell: string) => (numeric.test(name) ? Number(cell) : cell);
      return JSON.stringify(Object.fromEntries(known.map(([name, cell]) => [name, value(name, cell)])));
    });
    writeFileSync(file, gzipSync(`${objects.join('\n')}\n`));
    const tsv = join(folder, 'conn.log');
    writeFileSync(tsv, zeek);
    const json = await read(file);
    expect(json.info.kind).toBe('zeek-json');
    expect(json.records).toEqual((await read(tsv)).records);
  });

  test("the history's letters are TCP flags", async () => {
    const file = join(folder, 'tcp.log');
    writeFileSync(file, zeek.replace('\tOTH\tF\tF\t0\tD\t', '\tSF\tF\tF\t0\tShADadtR\t'));
    const { records } = await read(file);
    const [syn, rst, ack] = [2, 4, 16];
    expect(records.at(-1)).toMatchObject({
      endReason: 3,
      forward: { tcpFlags: syn | ack | rst },
      backward: { tcpFlags: syn | ack },
    });
  });

  test('ICMP has its type and code', async () => {
    const file = join(folder, 'icmp.log');
    const header = masked.split('\n').filter((row) => row.startsWith('#') && !row.startsWith('###'));
    const row = (from: string, to: string, type: number, code: number, number: number) =>
      [
        '1.5',
        'C',
        from,
        type,
        to,
        code,
        'icmp',
        '-',
        '-',
        '-',
        '-',
        'OTH',
        'F',
        'F',
        0,
        '-',
        1,
        28,
        0,
        0,
        '-',
        number,
      ].join('\t');
    const rows = [
      row('10.0.0.1', '10.0.0.2', 8, 0, 1),
      row('10.0.0.1', '10.0.0.2', 3, 1, 1),
      row('fe80::1', 'ff02::1', 128, 129, 58),
    ];
    writeFileSync(file, [...header, ...rows, ''].join('\n'));
    const { records } = await read(file);
    expect(records.map((record) => [record.protocol, record.sourcePort, record.destinationPort])).toEqual([
      [1, 0, 8 * 256],
      [1, 0, 3 * 256 + 1],
      [58, 0, 128 * 256],
    ]);
  });

  test('another log of Zeek is refused', async () => {
    const file = join(folder, 'dns.log');
    writeFileSync(file, zeek.replace('#path\tconn', '#path\tdns'));
    await expect(read(file)).rejects.toThrow(/line 6: found Zeek's log "dns"; allowed: its conn.log/);
  });
});

describe('what is no flow file', () => {
  test.each([
    ['', 'an empty file'],
    ['hello, world', 'the text "hello, world"'],
    ['\u0001\u0002\u0003\u0004\u0005', 'the bytes 0x01020304'],
  ])('%j is refused with what it looks like', async (content, found) => {
    const file = join(folder, 'other');
    writeFileSync(file, content);
    await expect(read(file)).rejects.toThrow(found);
  });

  test('a missing file', async () => {
    await expect(read(join(folder, 'none'))).rejects.toThrow(/found no such file/);
  });
});
