import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, Decoded, LinkType } from '../../src/capture/index.js';
import { FlowMeter, TrafficAnalyzer } from '../../src/traffic/index.js';
import type { FlowRecord } from '../../src/traffic/index.js';
import { gridOver, onGrid } from '../../src/traffic/grid.js';
import type { ByteSeries, SeriesPool } from '../../src/traffic/series.js';
import { conversations } from '../support/conversations.js';
import { packetOf, tcpFrame } from '../support/frames.js';

const [a, b] = [0x0a000001, 0x0a000002];
const recordOf = (fields: Partial<FlowRecord> = {}): FlowRecord => ({
  source: { version: 4, words: [a, 0, 0, 0] },
  destination: { version: 4, words: [b, 0, 0, 0] },
  sourcePort: 5000,
  destinationPort: 443,
  protocol: 6,
  startMicros: 1_000_000_000,
  endMicros: 1_000_000_000,
  forward: { packets: 10, octets: 1000, tcpFlags: 2 },
  backward: { packets: 4, octets: 200, tcpFlags: 18 },
  endReason: 1,
  samplingRate: 1,
  ...fields,
});

/** All of a series, in bins of the pool's width. */
function dense(series: ByteSeries, pool: SeriesPool): number[] {
  const grid = gridOver([series], pool, 2 ** 20);
  return grid === undefined ? [] : [...onGrid([series], pool, grid)];
}

describe('flow records are an input', () => {
  test('bytes are spread evenly over the time of a record, both ways', () => {
    const analyzer = new TrafficAnalyzer({ binSeconds: 1 });
    analyzer.record(recordOf());
    analyzer.record(recordOf({ startMicros: 1_002_500_000, endMicros: 1_006_500_000 }));
    const report = analyzer.finish();
    expect(report).toMatchObject({
      records: 2,
      packets: 28,
      bytes: 2400,
      observedPackets: 28,
      samplingRate: 1,
    });
    expect(report.durationSeconds).toBeCloseTo(6.5);
    expect(report.flows).toMatchObject([
      {
        forward: { packets: 20, bytes: 2000 },
        backward: { packets: 8, bytes: 400 },
        tcpState: 'established',
      },
    ]);
    const { hosts, pool } = analyzer.series();
    expect(hosts.map(({ address, sentBytes, receivedBytes }) => [address, sentBytes, receivedBytes])).toEqual(
      [
        ['10.0.0.1', 2000, 400],
        ['10.0.0.2', 400, 2000],
      ],
    );
    expect(dense(hosts[0]!.egress, pool)).toEqual([1000, 0, 125, 250, 250, 250, 125]);
    expect(dense(hosts[1]!.egress, pool)).toEqual([200, 0, 25, 50, 50, 50, 25]);
  });

  test('what was sampled is an estimate, and the report tells the rate', () => {
    const analyzer = new TrafficAnalyzer({ binSeconds: 1 });
    analyzer.record(recordOf({ samplingRate: 100 }));
    expect(analyzer.finish()).toMatchObject({
      packets: 1400,
      bytes: 120_000,
      observedPackets: 14,
      samplingRate: 100,
    });
    const sampled = new TrafficAnalyzer({ samplingRate: 10 });
    const frame = { source: '10.0.0.1', destination: '10.0.0.2', payload: 100 };
    sampled.packet(packetOf(tcpFrame({ ...frame, sequence: 1 }), 5, 154));
    sampled.packet(packetOf(tcpFrame({ ...frame, sequence: 90_000 }), 5, 154));
    const report = sampled.finish();
    expect(report).toMatchObject({ packets: 20, bytes: 3080, observedPackets: 2, samplingRate: 10 });
    expect(report.flows[0]).toMatchObject({ forward: { packets: 20, payloadBytes: 2000, missingBytes: 0 } });
  });

  test('a long record makes bins as wide as it can tell', () => {
    const analyzer = new TrafficAnalyzer({ binSeconds: 0.01 });
    analyzer.record(recordOf({ endMicros: 1_300_000_000 }));
    const { binSeconds, hosts } = analyzer.finish();
    expect(binSeconds).toBe(0.64);
    expect(hosts[0]!.sentBytes).toBe(1000);
  });

  test('any records: all bytes are in the series, whatever the bins', () => {
    const span = fc.tuple(fc.nat(1e9), fc.oneof(fc.nat(1000), fc.nat(400e6)), fc.nat(1e6));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), fc.constantFrom(0.001, 0.01, 1), (spans, binSeconds) => {
        const analyzer = new TrafficAnalyzer({ binSeconds, maxBins: 2048 });
        for (const [startMicros, length, octets] of spans) {
          const forward = { packets: 1, octets, tcpFlags: 0 };
          analyzer.record(recordOf({ startMicros, endMicros: startMicros + length, forward }));
        }
        const total = spans.reduce((sum, [, , octets]) => sum + octets, 0);
        const { hosts, pool } = analyzer.series();
        const [sender] = hosts.filter(({ address }) => address === '10.0.0.1');
        if (sender === undefined) return spans.length === 0;
        const sum = dense(sender.egress, pool).reduce((all, bytes) => all + bytes, 0);
        expect(sum).toBeCloseTo(total, 3);
        expect(sender.sentBytes).toBe(total);
        return true;
      }),
      { numRuns: 100 },
    );
  });

  test('records that a meter made of packets tell the same totals as the packets', () => {
    const records: FlowRecord[] = [];
    const meter = new FlowMeter({ onRecord: (record) => records.push(record), activeTimeoutSeconds: 20 });
    const fromPackets = new TrafficAnalyzer();
    const decoded = new Decoded();
    for (const { micros, data } of conversations(5, 200)) {
      const packet = packetOf(data, 0, data.length, LinkType.ethernet);
      packet.seconds = Math.floor(micros / 1e6);
      packet.nanoseconds = (micros % 1e6) * 1000;
      const outcome = decode(packet, decoded);
      fromPackets.decoded(packet, outcome, decoded);
      if (outcome === 'ip') meter.packet(packet, decoded);
    }
    meter.finish();
    const fromRecords = new TrafficAnalyzer();
    for (const record of records) fromRecords.record(record);
    const hosts = (analyzer: TrafficAnalyzer) =>
      analyzer
        .finish()
        .hosts.map(({ address, sentPackets, receivedPackets }) =>
          [address, sentPackets, receivedPackets].join(' '),
        )
        .sort();
    expect(hosts(fromRecords)).toEqual(hosts(fromPackets));
    expect(fromRecords.finish().bytes).toBe(meter.counts.octets);
    const flows = (analyzer: TrafficAnalyzer) => analyzer.finish().flows.length;
    expect(flows(fromRecords)).toBe(flows(fromPackets));
  });
});

describe('series of pairs and flows', () => {
  test('only where asked for; each way by itself; the sum is the hosts', () => {
    const analyzer = new TrafficAnalyzer({ binSeconds: 1, maxPairSeries: 100, maxFlowSeries: 100 });
    const there = { source: '10.0.0.1', destination: '10.0.0.2' };
    const back = { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 443, destinationPort: 50_000 };
    analyzer.packet(packetOf(tcpFrame(there), 10, 1000));
    analyzer.packet(packetOf(tcpFrame(back), 11, 300));
    analyzer.packet(packetOf(tcpFrame({ ...there, sourcePort: 7 }), 12, 500));
    const { pool, pairs, flows, hosts } = analyzer.series();
    expect(pairs).toHaveLength(1);
    expect(pairs[0]).toMatchObject({ source: '10.0.0.1', destination: '10.0.0.2', bytes: 1800 });
    expect(dense(pairs[0]!.forward, pool)).toEqual([1000, 0, 500]);
    expect(dense(pairs[0]!.backward, pool)).toEqual([300]);
    expect(flows.map(({ report, bytes }) => [report.source.port, bytes])).toEqual([
      [50_000, 1300],
      [7, 500],
    ]);
    expect(dense(hosts[0]!.egress, pool)).toEqual([1000, 0, 500]);
    const plain = new TrafficAnalyzer();
    plain.packet(packetOf(tcpFrame(there), 10, 1000));
    expect(plain.series()).toMatchObject({ pairs: [], flows: [] });
  });

  test('their number is bounded', () => {
    const analyzer = new TrafficAnalyzer({
      maxPairSeries: 10,
      maxFlowSeries: 10,
      maxFlows: 50,
      maxHosts: 20,
    });
    for (let index = 0; index < 2000; index++) {
      const source = `10.1.${index >> 8}.${index & 255}`;
      analyzer.packet(packetOf(tcpFrame({ source, destination: '10.0.0.1' }), index / 10, 60));
      analyzer.packet(packetOf(tcpFrame({ source: '10.0.0.2', destination: '10.0.0.1' }), index / 10, 1500));
    }
    const { pairs, flows } = analyzer.series();
    expect(pairs.length).toBeLessThanOrEqual(10);
    expect(flows.length).toBeLessThanOrEqual(10);
    expect(pairs[0]).toMatchObject({ source: '10.0.0.2', bytes: 3_000_000 });
    expect(flows[0]).toMatchObject({ bytes: 3_000_000, report: { forward: { packets: 2000 } } });
  });
});
