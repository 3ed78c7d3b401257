/** Control traffic summed up: the nodes' counts beside the capture's. */
import { expect, test } from 'vitest';
import { carriedHabits, personas } from '../../../src/persona/index.js';
import { controlSummarySchema } from '../../../src/run/files/control.js';
import { isControl, summarizeControl } from '../../../src/cli/run/control.js';
import type { FlowReport, TrafficReport } from '../../../src/traffic/index.js';

const direction = (packets: number, payloadBytes: number) => ({
  packets,
  bytes: payloadBytes + 66 * packets,
  maxPacketBytes: 1514,
  payloadBytes,
  retransmittedBytes: 0,
  missingBytes: 0,
  tcpFlags: 0,
});

const flow = (
  protocol: string,
  ports: readonly [number, number],
  payloads: readonly [number, number],
): FlowReport => ({
  protocol,
  source: { address: '10.77.0.2', name: null, port: ports[0] },
  destination: { address: '10.77.0.1', name: null, port: ports[1] },
  ...{ firstSeconds: 0, lastSeconds: 1, synAckSeconds: null, handshakeSeconds: null, tcpState: null },
  forward: direction(10, payloads[0]),
  backward: direction(5, payloads[1]),
});

const flows = [
  flow('tcp', [40_000, 8470], [1_000_000, 10]),
  flow('tcp', [40_001, 8473], [810, 660]),
  flow('udp', [8473, 8473], [290, 330]),
];

const tally = (habit: number, peer: number, exchanges: number) => ({
  ...{ habit, peer, exchanges },
  ...{ sentBytes: 81 * exchanges, receivedBytes: 66 * exchanges, start: 1, end: 2 },
});

test('is known by its port, at whichever end', () => {
  expect(flows.map(isControl)).toEqual([false, true, true]);
});

test('sums over nodes by habit, and over flows by protocol; tensors are none of it', () => {
  const habits = carriedHabits(personas.torchft, { control: { probe: 1, join: false }, datagrams: true });
  const summary = summarizeControl(
    { persona: 'torchft', habits, tallies: [[], [tally(1, 0, 10), tally(3, 0, 2)], [tally(1, 0, 12)]] },
    { flows } as unknown as TrafficReport,
  );
  expect(controlSummarySchema.parse(summary)).toEqual(summary);
  expect(summary.habits).toMatchObject([
    { name: 'lighthouse heartbeat', nodes: 2, exchanges: 22, sentBytes: 22 * 81, receivedBytes: 22 * 66 },
    { name: 'HTTP/2 PING', nodes: 0, exchanges: 0 },
    { name: 'quorum', nodes: 1, exchanges: 2 },
  ]);
  expect(summary.leftOut).toEqual([{ name: 'healing', reason: 'control.join is false' }]);
  expect(summary.captured).toMatchObject({ packets: 30, tcpPayloadBytes: 1470, udpPayloadBytes: 620 });
});

test('is known from the nodes alone without a capture', () => {
  const habits = carriedHabits(personas.pccl, { control: { probe: 1, join: true }, datagrams: true });
  expect(summarizeControl({ persona: 'pccl', habits, tallies: [[], []] }, undefined).captured).toBeNull();
});
