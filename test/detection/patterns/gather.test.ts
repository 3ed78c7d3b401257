/** From packets and flow records to what patterns are shown. */
import { describe, expect, test } from 'vitest';
import { BoundedTable } from '../../../src/detection/patterns/bounded-table.js';
import { ConnectionJoiner } from '../../../src/detection/patterns/connections.js';
import { Gatherer } from '../../../src/detection/patterns/gather.js';
import { FlowEndReason } from '../../../src/traffic/flows/record.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { address, meshTraffic } from '../../support/mesh-traffic.js';

const NOTHING = { missing: 'there are none' };
const host = (last: number) => ({ version: 4, words: [0x0a000000 + last, 0, 0, 0] }) as const;

function record(
  start: number,
  end: number,
  more: Partial<FlowRecord> & { readonly flipped?: true } = {},
): FlowRecord {
  const { flipped, ...fields } = more;
  const counts = { packets: 10, octets: 1000, tcpFlags: 0 };
  return {
    source: host(flipped ? 2 : 1),
    destination: host(flipped ? 1 : 2),
    sourcePort: flipped ? 443 : 50_000,
    destinationPort: flipped ? 50_000 : 443,
    protocol: 6,
    startMicros: (1_700_000_000 + start) * 1e6,
    endMicros: (1_700_000_000 + end) * 1e6,
    forward: flipped ? { ...counts, octets: 70 } : counts,
    backward: flipped ? counts : { ...counts, octets: 70 },
    endReason: FlowEndReason.active,
    samplingRate: 1,
    ...fields,
  };
}

describe('connections', () => {
  const joinedOf = (records: readonly FlowRecord[], max?: number) => {
    const joiner = new ConnectionJoiner(max);
    for (const one of records) joiner.add(one);
    return [...joiner.connections()].sort((a, b) => a.start - b.start);
  };

  test('what the active timeout cut is one again, whoever a piece begins with', () => {
    const pieces = [record(0, 60), record(60, 119, { flipped: true }), record(120, 150)];
    expect(joinedOf([pieces[2]!, pieces[0]!, pieces[1]!])).toEqual([
      { source: '10.0.0.1', destination: '10.0.0.2', start: 1_700_000_000, end: 1_700_000_150, bytes: 3000 },
    ]);
  });

  test.each([
    ['after FIN or RST', [record(0, 5, { endReason: FlowEndReason.end }), record(6, 9)], 2],
    ['after five minutes of silence', [record(0, 5), record(306, 310)], 2],
    ['after less', [record(0, 5), record(304, 310)], 1],
    ['UDP after a minute', [record(0, 5, { protocol: 17 }), record(66, 70, { protocol: 17 })], 2],
    ['other ports', [record(0, 5), record(6, 9, { sourcePort: 50_001 })], 2],
  ])('%s', (_, records, count) => expect(joinedOf(records)).toHaveLength(count));

  test('sampled ones are multiplied', () => {
    expect(joinedOf([record(0, 5, { samplingRate: 100 })])[0]?.bytes).toBe(100_000);
  });

  test('of more pieces than allowed the rest is counted', () => {
    const joiner = new ConnectionJoiner(2);
    for (let index = 0; index < 5; index++) joiner.add(record(index, index));
    expect(joiner.leftOut).toBe(3);
  });
});

describe('packets', () => {
  const gather = (rate = 1, more: object = {}) => {
    const gatherer = new Gatherer({ samplingRate: rate, ...more });
    let packets = 0;
    meshTraffic({ nodes: 3, bursts: 8, periodSeconds: 5, burstBytes: 2e6, rate: 40e6 }, (packet) => {
      if (packets++ % rate === 0) gatherer.packet(packet);
    });
    return gatherer.finish(NOTHING);
  };

  test('bursts of each pair, at their period', () => {
    const { sight, gathered } = gather();
    const ring = sight.events.bursts.find(
      ({ source, destination }) => source === address(0) && destination === address(1),
    );
    expect(ring?.starts).toHaveLength(8);
    ring!.starts.forEach((start, index) => expect(start - 1_700_000_000).toBeCloseTo(4 + 5 * index, 1));
    for (const bytes of ring!.bytes) expect(bytes).toBeCloseTo(2e6 * (1488 / 1448), -5);
    expect(gathered.samplesPerBurst).toBeGreaterThan(500);
    expect(sight.events.day).toEqual([]);
  });

  test('a day of them, if asked', () => {
    expect(gather(1, { dayStretch: 1 }).sight.events.day[0]?.starts.length).toBeGreaterThan(17_000);
  });

  test('sampled, bytes are estimated and samples counted', () => {
    const [all, some] = [gather(), gather(50)];
    const sum = ({ sight }: typeof all) =>
      sight.hosts.reduce((total, { bytesOut }) => total + bytesOut.reduce((a, b) => a + b, 0), 0);
    expect(sum(some) / sum(all)).toBeGreaterThan(0.9);
    expect(sum(some) / sum(all)).toBeLessThan(1.1);
    const { samplesPerBurst } = some.gathered;
    expect(samplesPerBurst! / all.gathered.samplesPerBurst!).toBeCloseTo(1 / 50, 2);
    expect(some.sight.samplingRate).toBe(50);
  });

  test('records are cut at the active timeout, and connections whole', () => {
    const { gathered, sight } = gather(1, { activeTimeoutSeconds: 10 });
    expect(gathered.connections).toBe(3);
    expect(gathered.records).toBeGreaterThanOrEqual(12);
    expect(sight.edges).toHaveLength(3);
    for (const { starts } of sight.events.connections) expect(starts).toHaveLength(1);
  });
});

describe('records alone', () => {
  test('bytes are spread over their time, so bursts within a record are gone', () => {
    const gatherer = new Gatherer();
    for (let minute = 0; minute < 10; minute++) gatherer.record(record(60 * minute, 60 * minute + 59.9));
    const { sight, gathered } = gatherer.finish(NOTHING);
    expect(sight.events.records[0]?.starts).toHaveLength(10);
    expect(sight.events.connections[0]?.starts).toHaveLength(1);
    expect(sight.events.bursts).toEqual([]);
    expect(gathered).toMatchObject({ records: 10, connections: 1, samplesPerBurst: null, leftOut: 0 });
    const [load] = sight.hosts;
    const out = load!.address === '10.0.0.1' ? load!.bytesOut : load!.bytesIn;
    expect(out.reduce((a, b) => a + b, 0)).toBeCloseTo(10_000, 6);
    expect(Math.max(...out)).toBeLessThan(20);
    expect(sight.to - sight.from).toBeCloseTo(599.9, 3);
  });

  test('a record of a thousand years costs nothing, and makes no burst', () => {
    const gatherer = new Gatherer();
    gatherer.record(record(0, 3e10));
    gatherer.record(record(5, 9));
    const { sight } = gatherer.finish(NOTHING);
    expect(sight.events.connections[0]?.starts).toHaveLength(1);
    expect(sight.hosts).toHaveLength(2);
    expect(sight.events.bursts).toEqual([]);
  });
});

test('nothing given, nothing seen', () => {
  const { sight, gathered } = new Gatherer().finish(NOTHING);
  expect(sight).toMatchObject({ from: 0, to: 0, hosts: [], edges: [] });
  expect(gathered.packets).toBe(0);
});

test('a full table forgets the half with the fewest bytes, and tells', () => {
  const table = new BoundedTable(4, (key) => ({ key, bytes: 0, evicted: false }));
  for (let index = 0; index < 5; index++) table.get(`key ${index}`).bytes = index;
  expect(table.list().map(({ bytes }) => bytes)).toEqual([4, 3, 2]);
  expect(table.evicted).toBe(2);
});
