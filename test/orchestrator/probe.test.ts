import { describe, expect, test } from 'vitest';
import { probeChecks, roundTripPairs } from '../../orchestrator/probe.js';
import { topologyOf } from '../wan/topologies.js';

describe('roundTripPairs', () => {
  test('all pairs once, up to twelve nodes', () => {
    for (let size = 2; size <= 12; size++) {
      const pairs = roundTripPairs(size).flatMap((peers, rank) =>
        peers.map((peer) => [Math.min(rank, peer), Math.max(rank, peer)].join()),
      );
      expect(pairs.length).toBe((size * (size - 1)) / 2);
      expect(new Set(pairs).size).toBe(pairs.length);
    }
  });

  test('with many nodes: every node, no pair twice, about N log N of them', () => {
    for (const size of [13, 32, 64, 100]) {
      const byRank = roundTripPairs(size);
      const pairs = byRank.flatMap((peers, rank) =>
        peers.map((peer) => [rank, peer].sort((a, b) => a - b).join()),
      );
      expect(new Set(pairs).size).toBe(pairs.length);
      expect(new Set(pairs.flatMap((pair) => pair.split(','))).size).toBe(size);
      expect(pairs.length).toBeLessThanOrEqual(size * Math.ceil(Math.log2(size)));
    }
  });
});

describe('probeChecks', () => {
  const rates = { uplink: 40e6, downlink: 100e6 };
  const topology = topologyOf([rates, rates], () => ({ delay: 0.02, jitter: 0, loss: 0.01 }));
  const path = { from: 0, to: 1 };

  test('passes what is as configured', () => {
    const checks = probeChecks(
      [
        { ...path, roundTripSeconds: 0.0415 },
        { ...path, rate: 39.5e6, packetsSent: 600, packetsReceived: 594 },
      ],
      topology,
    );
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
      ['round trip node-0 → node-1', true],
      ['rate node-0 → node-1', true],
      ['loss node-0 → node-1', true],
    ]);
  });

  test.each([
    ['round trip', { ...path, roundTripSeconds: 0.0425 }],
    ['round trip', { ...path, roundTripSeconds: 0.0375 }],
    ['rate', { ...path, rate: 43e6 }],
    ['rate', { ...path, rate: NaN }],
    ['loss', { ...path, packetsSent: 1000, packetsReceived: 950 }],
  ])('fails a %s that is off', (name, measurement) => {
    const [check] = probeChecks([measurement], topology);
    expect(check?.name.startsWith(name)).toBe(true);
    expect(check?.ok).toBe(false);
  });

  test('of many paths names the one that is furthest off', () => {
    const checks = probeChecks(
      [
        { from: 0, to: 1, rate: 39e6 },
        { from: 1, to: 0, rate: 20e6 },
      ],
      topology,
    );
    expect(checks.map(({ name }) => name)).toEqual(['rate node-1 → node-0']);
  });
});
