import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkType, Packet } from '../../src/capture/index.js';
import { InputError } from '../../src/errors.js';
import { analyzeCapture, TrafficAnalyzer } from '../../src/traffic/index.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { packetOf, tcpFrame } from '../support/frames.js';
import type { FrameFields } from '../support/frames.js';

const folder = scratchFolder();
const [a, b] = ['10.0.0.1', '10.0.0.2'];
const there = { source: a, destination: b, sourcePort: 50_000, destinationPort: 443 };
const back = { source: b, destination: a, sourcePort: 443, destinationPort: 50_000 };
const SYN = 2;
const ACK = 16;

function analyzed(packets: readonly (FrameFields & { at: number })[], options = {}) {
  const analyzer = new TrafficAnalyzer(options);
  for (const { at, ...fields } of packets)
    analyzer.packet(packetOf(tcpFrame(fields), at, 54 + (fields.payload ?? 0)));
  return analyzer.finish();
}

describe('flows', () => {
  test('a handshake, data both ways, a segment sent again', () => {
    const { flows, hosts, durationSeconds, packets } = analyzed([
      { ...there, at: 100, flags: SYN, sequence: 9 },
      { ...back, at: 100.02, flags: SYN | ACK, sequence: 0xffff_ffff },
      { ...there, at: 100.05, flags: ACK, sequence: 10 },
      { ...there, at: 100.05, payload: 1000, sequence: 10 },
      { ...there, at: 100.3, payload: 1000, sequence: 10 },
      { ...back, at: 100.4, payload: 500, sequence: 0 },
    ]);
    expect(packets).toBe(6);
    expect(durationSeconds).toBeCloseTo(0.4, 9);
    expect(flows).toHaveLength(1);
    expect(flows[0]).toMatchObject({
      protocol: 'tcp',
      source: { address: a, name: null, port: 50_000 },
      destination: { address: b, name: null, port: 443 },
      synAckSeconds: 0.02,
      handshakeSeconds: 0.05,
      forward: {
        packets: 4,
        bytes: 2216,
        payloadBytes: 1000,
        retransmittedBytes: 1000,
        missingBytes: 0,
        maxPacketBytes: 1054,
      },
      backward: { packets: 2, bytes: 608, payloadBytes: 500, retransmittedBytes: 0, missingBytes: 0 },
    });
    expect(hosts).toMatchObject([
      { address: a, sentBytes: 2216, receivedBytes: 608, sentPackets: 4, receivedPackets: 2 },
      { address: b, sentBytes: 608, receivedBytes: 2216 },
    ]);
  });

  test('a lost SYN that is sent again does not count into the round trip', () => {
    const { flows } = analyzed([
      { ...there, at: 100, flags: SYN, sequence: 9 },
      { ...there, at: 101, flags: SYN, sequence: 9 },
      { ...back, at: 101.02, flags: SYN | ACK, sequence: 1 },
      { ...there, at: 101.03, flags: ACK, sequence: 10 },
    ]);
    expect(flows[0]).toMatchObject({ synAckSeconds: 0.02, handshakeSeconds: 0.03 });
  });

  test('a capture that begins with the answer still knows who called', () => {
    const { flows } = analyzed([
      { ...back, at: 1, flags: SYN | ACK },
      { ...there, at: 2 },
    ]);
    expect(flows).toHaveLength(1);
    expect(flows[0]).toMatchObject({ source: { address: a }, forward: { packets: 1 }, synAckSeconds: null });
  });

  test('names of the capture are used', () => {
    const analyzer = new TrafficAnalyzer();
    analyzer.packet(packetOf(tcpFrame(there), 0));
    const { hosts, flows } = analyzer.finish(new Map([[b, 'eu-west']]));
    expect(hosts.map(({ name }) => name)).toEqual([null, 'eu-west']);
    expect(flows[0]).toMatchObject({ source: { name: null }, destination: { name: 'eu-west' } });
  });

  test('many flows are told apart, both ways', () => {
    const packets = Array.from({ length: 5000 }, (_, index) => ({
      ...there,
      at: index,
      sourcePort: index + 1,
    }));
    const answers = packets.map(({ at, sourcePort }) => ({ ...back, at, destinationPort: sourcePort }));
    const { flows } = analyzed([...packets, ...answers]);
    expect(flows).toHaveLength(5000);
    expect(flows.every(({ forward, backward }) => forward.packets === 1 && backward.packets === 1)).toBe(
      true,
    );
  });
});

describe('bounds', () => {
  test('a scan fills neither table, is counted, and leaves the large flow in place', () => {
    const large = { ...there, payload: 60_000 };
    const scan = Array.from({ length: 3000 }, (_, index) => ({
      source: '10.9.9.9',
      destination: `10.1.${index >> 8}.${index & 255}`,
      at: index / 100,
    }));
    const mixed = scan.flatMap((packet, index) => [
      packet,
      { ...large, at: packet.at, sequence: index * 60_000 },
    ]);
    const report = analyzed(mixed, { maxFlows: 100, maxHosts: 50 });
    expect(report.flows.length).toBeLessThanOrEqual(100);
    expect(report.hosts.length).toBeLessThanOrEqual(50);
    expect(report.flows[0]).toMatchObject({
      source: { address: a },
      forward: { packets: 3000, payloadBytes: 180_000_000 },
    });
    expect(report.hosts.slice(0, 2).map(({ address }) => address)).toEqual([a, b]);
    expect(report.evictedFlows.flows + report.flows.length).toBe(3001);
    expect(report.evictedHosts).toBeGreaterThan(0);
    const listed = report.flows.reduce(
      (sum, { forward, backward }) => sum + forward.bytes + backward.bytes,
      0,
    );
    expect(listed + report.evictedFlows.bytes).toBe(report.bytes);
  });

  test('a host that had to make way is found again by its flow', () => {
    const quiet = { source: '10.5.0.1', destination: '10.5.0.2', payload: 1 };
    const rest = Array.from({ length: 40 }, (_, index) => ({
      source: `10.1.0.${index}`,
      destination: b,
      at: index + 1,
      payload: 900,
    }));
    const again = { ...quiet, at: 50, sequence: 1, payload: 60_000 };
    const report = analyzed([{ ...quiet, at: 0 }, ...rest, again], { maxHosts: 20 });
    expect(report.evictedHosts).toBeGreaterThan(0);
    expect(report.hosts.find(({ address }) => address === '10.5.0.1')).toMatchObject({
      sentPackets: 1,
      sentBytes: 60_054,
    });
  });

  test('a crowd larger than the table hides nobody who sends much, and little of it', () => {
    const crowd = Array.from({ length: 20_000 }, (_, index) => ({
      source: `10.${1 + (index % 7)}.${index % 251}.${index % 241}`,
      destination: `10.9.${index % 239}.${index % 233}`,
      at: index / 100,
      payload: 100,
    }));
    const mixed = crowd.flatMap((packet, index) =>
      index < 5000 || index % 10 > 0
        ? [packet]
        : [packet, { ...there, at: packet.at, sequence: index * 1000, payload: 1000 }],
    );
    const report = analyzed(mixed, { maxHosts: 100 });
    expect(report.hosts[0]).toMatchObject({ address: a });
    // 1500 packets of 1054 bytes.
    expect(report.hosts[0]!.sentBytes).toBeGreaterThan(0.9 * 1500 * 1054);
    expect(report.hosts[0]!.sentBytes).toBeLessThanOrEqual(1500 * 1054);
    expect(report.hosts.length).toBeLessThanOrEqual(100);
  });

  test('anything at all in a packet, at any time, is counted and never thrown', () => {
    const frame = tcpFrame(there);
    const packet = fc.record({
      keep: fc.nat(54),
      noise: fc.uint8Array({ maxLength: 60 }),
      seconds: fc.oneof(fc.nat(), fc.double({ min: -1e19, max: 1e19, noNaN: true }).map(Math.floor)),
      nanoseconds: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      linkType: fc.constantFrom(...Object.values(LinkType), 147),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 60 }), (packets) => {
        const analyzer = new TrafficAnalyzer({ maxHosts: 8, maxFlows: 8, maxBins: 64 });
        for (const { keep, noise, seconds, nanoseconds, linkType } of packets) {
          const bytes = Buffer.concat([frame.subarray(0, keep), noise]);
          const given = Object.assign(new Packet(), {
            bytes,
            length: bytes.length,
            originalLength: bytes.length,
          });
          analyzer.packet(Object.assign(given, { seconds, nanoseconds, linkType }));
        }
        const report = analyzer.finish();
        const inFlows = report.flows.reduce(
          (sum, { forward, backward }) => sum + forward.packets + backward.packets,
          0,
        );
        const counted = report.otherPackets + report.undecodedPackets + report.evictedFlows.packets + inFlows;
        expect(counted).toBe(packets.length);
        expect(report.hosts.length).toBeLessThanOrEqual(9);
        JSON.stringify(report);
      }),
      { numRuns: 300 },
    );
  });

  test('no packets at all make a report too', () => {
    expect(new TrafficAnalyzer().finish()).toMatchObject({
      packets: 0,
      originNs: null,
      hosts: [],
      flows: [],
      heartbeat: { heartbeat: null, reason: 'there is no IP traffic' },
    });
  });
});

describe('analyzeCapture', () => {
  // Of each connection: packets and payload bytes both ways, as Zeek's own conn.log for the capture has them.
  test.each([
    { name: 'http-get', rows: [['141.142.228.5', 59_856, 7, 136, 7, 5007]] },
    {
      name: 'mixed-vlan-mpls',
      rows: [
        ['141.42.64.125', 56_730, 12, 98, 10, 9417],
        ['10.20.80.1', 50_343, 7, 9, 7, 3429],
      ],
    },
    {
      name: 'ftp-ipv6',
      rows: [
        ['2001:470:1f11:81f:c999:d94:aa7c:2e3e', 49_185, 57, 310, 34, 3448],
        ['2001:470:1f11:81f:c999:d94:aa7c:2e3e', 49_186, 5, 0, 4, 342],
        ['2001:470:4867:99::21', 55_785, 5, 77, 4, 0],
        ['2001:470:4867:99::21', 55_647, 5, 342, 4, 0],
      ],
    },
    {
      name: 'q-in-q',
      rows: [
        ['172.19.51.37', 47_808, 2, 36, 0, 0],
        ['193.1.186.60', 9875, 2, 552, 0, 0],
      ],
    },
  ] as const)('$name: what Zeek says of it', async ({ name, rows }) => {
    const { flows } = await analyzeCapture(fixture(`zeek/${name}.pcap`));
    for (const [address, port, packets, payload, answers, answered] of rows) {
      const flow = flows.find(({ source }) => source.address === address && source.port === port);
      expect(flow).toMatchObject({
        forward: { packets, payloadBytes: payload },
        backward: { packets: answers, payloadBytes: answered },
      });
    }
  });

  test('noise in a file is an InputError', async () => {
    const file = join(folder, 'noise');
    writeFileSync(file, Buffer.alloc(1000, 0x5a));
    await expect(analyzeCapture(file)).rejects.toThrow(InputError);
  });
});
