import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CaptureParser, decode, Decoded, Packet } from '../../../src/capture/index.js';
import { FlowMeter } from '../../../src/traffic/flows/meter.js';
import type { FlowMeterOptions } from '../../../src/traffic/flows/meter.js';
import { FlowEndReason } from '../../../src/traffic/flows/record.js';
import type { FlowRecord } from '../../../src/traffic/flows/record.js';
import { conversations, icmpBody, ipFrame, pcapOf, tcpBody, udpBody } from '../../support/conversations.js';
import type { Frame } from '../../support/conversations.js';
import { scratchFolder } from '../../support/files.js';
import { nfpcapdRecords, recordsAsNfpcapd } from '../../support/nfpcapd.js';
import { describeWith } from '../../support/requires.js';

const folder = scratchFolder();
const [A, B] = ['10.0.0.1', '10.0.0.2'];
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

function metered(capture: Uint8Array, options: Partial<FlowMeterOptions> = {}) {
  const records: FlowRecord[] = [];
  const meter = new FlowMeter({ onRecord: (record) => records.push(record), ...options });
  const decoded = new Decoded();
  const parser = new CaptureParser((packet) => {
    if (decode(packet, decoded) === 'ip') meter.packet(packet, decoded);
  });
  parser.push(capture);
  parser.finish();
  meter.finish();
  return { records, counts: meter.counts, meter };
}

interface Segment {
  readonly at: number;
  /** From A to B. */
  readonly there: boolean;
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly payload?: number;
}

function tcp(segments: readonly Segment[], options: Partial<FlowMeterOptions> = {}): FlowRecord[] {
  const frames = segments.map(({ at, there, flags = ACK, ...fields }): Frame => {
    const ports = there
      ? { sourcePort: 5000, destinationPort: 443 }
      : { sourcePort: 443, destinationPort: 5000 };
    const ends = there ? { source: A, destination: B } : { source: B, destination: A };
    const body = tcpBody({ ...ports, flags, ...fields });
    return { micros: at * 1e6, data: ipFrame({ ...ends, protocol: 6, body }) };
  });
  return metered(pcapOf(frames), options).records;
}

/** Of each record: first and last second, packets there and back, reason. */
const outline = (records: readonly FlowRecord[]) =>
  records.map(({ startMicros, endMicros, forward, backward, endReason }) => [
    startMicros / 1e6,
    endMicros / 1e6,
    forward.packets,
    backward.packets,
    endReason,
  ]);

describe('when a record ends', () => {
  const { idle, active, end, forced } = FlowEndReason;

  test('idle: after more than the timeout, and not after just the timeout', () => {
    const times = [100, 130, 160, 191];
    const records = tcp(
      times.map((at) => ({ at, there: true })),
      { idleTimeoutSeconds: 30 },
    );
    expect(outline(records)).toEqual([
      [100, 160, 3, 0, idle],
      [191, 191, 1, 0, forced],
    ]);
  });

  test('active: a conversation that goes on is cut, and its caller stays the source', () => {
    const segments = Array.from({ length: 30 }, (_, at) => ({ at: 100 + at, there: at % 3 !== 1 }));
    const records = tcp(segments, { activeTimeoutSeconds: 10, idleTimeoutSeconds: 5 });
    expect(outline(records)).toEqual([
      [100, 110, 7, 4, active],
      [111, 121, 8, 3, active],
      [122, 129, 5, 3, forced],
    ]);
  });

  test('TCP: with the acknowledgement of the second FIN', () => {
    const segments = [
      { at: 1, there: true, flags: SYN, sequence: 9 },
      { at: 1.1, there: false, flags: SYN | ACK, sequence: 99, acknowledgement: 10 },
      { at: 1.2, there: true, flags: FIN | ACK, sequence: 10, acknowledgement: 100, payload: 5 },
      // Acknowledges the data, but not the FIN.
      { at: 1.3, there: false, sequence: 100, acknowledgement: 15 },
      { at: 1.4, there: false, flags: FIN | ACK, sequence: 100, acknowledgement: 16 },
      { at: 1.5, there: true, sequence: 16, acknowledgement: 101 },
      { at: 1.6, there: true, sequence: 16, acknowledgement: 101 },
    ];
    expect(outline(tcp(segments))).toEqual([
      [1, 1.5, 3, 3, end],
      [1.6, 1.6, 1, 0, forced],
    ]);
    expect(outline(tcp(segments, { tcpEnd: 'never' }))).toEqual([[1, 1.6, 4, 3, forced]]);
    expect(outline(tcp(segments, { biflow: false })).map((row) => row.slice(0, 3))).toEqual([
      [1, 1.2, 2],
      [1.1, 1.4, 3],
      [1.5, 1.6, 2],
    ]);
  });

  test('TCP: with a reset, or when the ports are used again', () => {
    const reset = [
      { at: 1, there: true, flags: SYN },
      { at: 2, there: false, flags: RST | ACK },
      { at: 3, there: true, flags: SYN },
      { at: 4, there: true, flags: FIN | ACK },
      { at: 5, there: true, flags: SYN },
    ];
    expect(outline(tcp(reset))).toEqual([
      [1, 2, 1, 1, end],
      [3, 4, 2, 0, end],
      [5, 5, 1, 0, forced],
    ]);
  });

  test('what is idle is handed over while others talk', () => {
    const ends: number[] = [];
    const frames = Array.from({ length: 100 }, (_, second): Frame => {
      const body = udpBody(second === 0 ? 1 : 2, 9, 0);
      return { micros: second * 1e6, data: ipFrame({ source: A, destination: B, protocol: 17, body }) };
    });
    let seen = 0;
    const onRecord = ({ sourcePort }: FlowRecord) => ends.push(sourcePort, seen);
    const meter = new FlowMeter({ onRecord, idleTimeoutSeconds: 20 });
    const decoded = new Decoded();
    const parser = new CaptureParser((packet) => {
      seen += 1;
      if (decode(packet, decoded) === 'ip') meter.packet(packet, decoded);
    });
    parser.push(pcapOf(frames));
    expect(ends).toEqual([1, 22]);
    expect(meter.open).toBe(1);
    meter.expire(500e6);
    expect(meter.open).toBe(0);
  });
});

describe('what a record holds', () => {
  test('who called, flags of both sides, IP bytes without padding, the sampling rate', () => {
    const [record] = tcp(
      [
        { at: 1, there: false, flags: SYN | ACK },
        { at: 2, there: true, flags: ACK | 8, payload: 1 },
      ],
      { samplingRate: 100 },
    );
    expect(record).toMatchObject({
      source: { version: 4, words: [0x0a000001, 0, 0, 0] },
      destination: { words: [0x0a000002, 0, 0, 0] },
      sourcePort: 5000,
      destinationPort: 443,
      protocol: 6,
      forward: { packets: 1, octets: 41, tcpFlags: 24 },
      backward: { packets: 1, octets: 40, tcpFlags: 18 },
      samplingRate: 100,
    });
  });

  test('a ping and its answer are one conversation, of the type asked', () => {
    const ping = (type: number, there: boolean): Frame => {
      const ends = there ? { source: A, destination: B } : { source: B, destination: A };
      return { micros: 1e6, data: ipFrame({ ...ends, protocol: 1, body: icmpBody(type, 0, 10) }) };
    };
    const capture = pcapOf([ping(8, true), ping(0, false), ping(3, false)]);
    const { records } = metered(capture);
    expect(
      records.map((record) => [record.sourcePort, record.destinationPort, record.backward.packets]),
    ).toEqual([
      [0, 0x800, 1],
      [0, 0x300, 0],
    ]);
    expect(metered(capture, { biflow: false }).records.map((record) => record.destinationPort)).toEqual([
      0x800, 0, 0x300,
    ]);
  });
});

describe('for any traffic', () => {
  const seeds = [1, 2, 3];

  test.each(seeds)('nothing is lost, nothing is longer than its timeouts (%i)', (seed) => {
    const frames = conversations(seed, 300);
    for (const biflow of [true, false]) {
      const options = { activeTimeoutSeconds: 60, idleTimeoutSeconds: 15, biflow };
      const { records, counts } = metered(pcapOf(frames), options);
      const sum = (of: (record: FlowRecord) => number): number =>
        records.reduce((all, one) => all + of(one), 0);
      expect(sum(({ forward, backward }) => forward.packets + backward.packets)).toBe(frames.length);
      expect(sum(({ forward, backward }) => forward.octets + backward.octets)).toBe(counts.octets);
      expect(counts).toMatchObject({ packets: frames.length, records: records.length, evicted: 0 });
      expect(Math.max(...records.map((record) => record.endMicros - record.startMicros))).toBeLessThanOrEqual(
        60e6,
      );
      expect(records.some(({ endReason }) => endReason === FlowEndReason.idle)).toBe(true);
    }
  });

  test.each(seeds)('one flow is cut where a list of its times is cut by the rules (%i)', (seed) => {
    const gap = fc.oneof(fc.nat(2e6), fc.nat(30e6));
    fc.assert(
      fc.property(fc.array(gap, { minLength: 1, maxLength: 60 }), (gaps) => {
        const frames: Frame[] = [];
        const expected: { start: number; end: number }[] = [];
        let micros = 5e6;
        for (const after of gaps) {
          micros += after;
          const body = udpBody(7, 8, 4);
          frames.push({ micros, data: ipFrame({ source: A, destination: B, protocol: 17, body }) });
          const last = expected.at(-1);
          if (last !== undefined && micros - last.end <= 10e6 && micros - last.start <= 25e6)
            last.end = micros;
          else expected.push({ start: micros, end: micros });
        }
        const { records } = metered(pcapOf(frames), { activeTimeoutSeconds: 25, idleTimeoutSeconds: 10 });
        expect(records.map(({ startMicros, endMicros }) => ({ start: startMicros, end: endMicros }))).toEqual(
          expected,
        );
      }),
      { seed, numRuns: 60 },
    );
  });

  test('packets at any time and in any order are counted once each', () => {
    const event = fc.record({
      seconds: fc.oneof(
        fc.nat(300),
        fc.nat(),
        fc.double({ min: -1e19, max: 1e19, noNaN: true }).map(Math.floor),
      ),
      port: fc.nat(5),
      flags: fc.nat(255),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), fc.boolean(), (events, biflow) => {
        const records: FlowRecord[] = [];
        const meter = new FlowMeter({ onRecord: (record) => records.push(record), maxFlows: 4, biflow });
        const decoded = new Decoded();
        const packet = new Packet();
        packet.linkType = 1;
        for (const { seconds, port, flags } of events) {
          const body = tcpBody({ sourcePort: port, destinationPort: 9, flags });
          packet.bytes = ipFrame({ source: A, destination: B, protocol: 6, body });
          packet.length = packet.originalLength = packet.bytes.length;
          packet.seconds = seconds;
          decode(packet, decoded);
          meter.packet(packet, decoded);
          expect(meter.open).toBeLessThanOrEqual(4);
        }
        meter.finish();
        const packets = records.map(({ forward, backward }) => forward.packets + backward.packets);
        expect(packets.reduce((sum, one) => sum + one, 0)).toBe(events.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a full table', () => {
  test('a flood of a million flows: bounded, nothing lost, the talkers stay whole', () => {
    let packets = 0;
    let talk = 0;
    const onRecord = ({ forward, destinationPort }: FlowRecord): void => {
      packets += forward.packets;
      if (destinationPort === 443) talk += 1;
    };
    const meter = new FlowMeter({ onRecord, maxFlows: 5000 });
    const decoded = Object.assign(new Decoded(), { protocol: 17, ipBytes: 28, destination0: 1, version: 4 });
    const packet = new Packet();
    let most = 0;
    for (let index = 0; index < 1_000_000; index++) {
      packet.seconds = Math.floor(index / 20_000);
      packet.nanoseconds = (index % 20_000) * 50_000;
      const isTalk = index % 100 === 0;
      decoded.source0 = isTalk ? 5 : index;
      decoded.destinationPort = isTalk ? 443 : 80;
      meter.packet(packet, decoded);
      most = Math.max(most, meter.open);
    }
    meter.finish();
    expect(most).toBeLessThanOrEqual(5000);
    expect(packets).toBe(1_000_000);
    expect(talk).toBe(1);
    expect(meter.counts.evicted).toBeGreaterThan(900_000);
    expect(meter.counts.records).toBe(990_001);
  });
});

describeWith(['nfpcapd', 'nfdump'], 'records are those of nfpcapd', () => {
  test.each([
    { seed: 11, timeouts: [300, 60], count: 400 },
    { seed: 12, timeouts: [60, 15], count: 400 },
    { seed: 13, timeouts: [30, 30], count: 800 },
  ] as const)('timeouts $timeouts', async ({ seed, timeouts: [active, idle], count }) => {
    const file = join(folder, `${seed}.pcap`);
    writeFileSync(file, pcapOf(conversations(seed, count)));
    expect(await recordsAsNfpcapd(file, active, idle)).toEqual(nfpcapdRecords(file, active, idle));
  });
});
