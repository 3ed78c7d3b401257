import { describe, expect, test } from 'vitest';
import { probeChecks, ratePaths, storePaths } from '../../orchestrator/probe.js';
import { disjointPaths, roundTripPairs } from '../../src/fidelity/paths.js';
import { clean, losing, topologyOf } from '../wan/topologies.js';

describe('storePaths', () => {
  const access = { uplink: 1e6, downlink: 1e6 };
  const withStore = (size: number) => {
    const topology = topologyOf(Array(size).fill(access) as (typeof access)[], () => clean(0.01));
    return { ...topology, hosts: [{ ...access, name: 'store', region: 'here', address: '10.77.9.9' }] };
  };

  test('from the store to every node, or to some of many', () => {
    expect(storePaths(withStore(3))).toEqual([0, 1, 2].map((to) => ({ from: 3, to })));
    expect(storePaths(withStore(100)).length).toBeLessThanOrEqual(12);
    expect(storePaths(topologyOf([access, access], () => clean(0.01)))).toEqual([]);
  });

  test('are one after the other, as they share its uplink', () => {
    expect(disjointPaths(storePaths(withStore(3)), 4, withStore(3))).toHaveLength(3);
  });
});

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

/** By rank: from whom it receives. */
const ring = (size: number) => Array.from({ length: size }, (_, rank) => [(rank + size - 1) % size]);
const clique = (size: number) =>
  Array.from({ length: size }, (_, rank) => [...Array(size).keys()].filter((other) => other !== rank));
const star = (size: number) =>
  Array.from({ length: size }, (_, rank) => (rank === 0 ? [...Array(size).keys()].slice(1) : [0]));

describe('ratePaths', () => {
  test('all of them with few nodes', () => {
    expect(ratePaths(clique(4))).toHaveLength(12);
    expect(ratePaths(star(5))).toHaveLength(8);
    expect(ratePaths([[], []])).toEqual([]);
  });

  test.each([
    ['ring', ring, 50],
    ['star', star, 98],
    ['clique', clique, 50 * 2 * 6],
  ])('of a large %s every uplink and downlink, and no more than N log N', (_, sendersFor, most) => {
    const senders = sendersFor(50);
    const paths = ratePaths(senders);
    for (const { from, to } of paths) expect(senders[to]).toContain(from);
    expect(new Set(paths.map(({ from }) => from)).size).toBe(50);
    expect(new Set(paths.map(({ to }) => to)).size).toBe(50);
    expect(new Set(paths.map(({ from, to }) => `${from} ${to}`)).size).toBe(paths.length);
    expect(paths.length).toBeLessThanOrEqual(most);
  });
});

describe('disjointPaths', () => {
  test.each([
    ['ring', ring(8), 2],
    ['clique', clique(8), 14],
    // All of its paths have the hub's uplink or its downlink.
    ['star', star(8), 7],
  ])('measures a %s in few groups, none with a shared uplink or downlink', (_, senders, least) => {
    const paths = ratePaths(senders);
    const groups = disjointPaths(paths, 4, { paths: [] });
    for (const group of groups) {
      expect(group.length).toBeLessThanOrEqual(4);
      expect(new Set(group.map(({ from }) => from)).size).toBe(group.length);
      expect(new Set(group.map(({ to }) => to)).size).toBe(group.length);
    }
    expect(groups.flat().length).toBe(paths.length);
    expect(new Set(groups.flat())).toEqual(new Set(paths));
    expect(groups.length).toBeGreaterThanOrEqual(least);
    expect(groups.length).toBeLessThanOrEqual(2 * least);
  });
});

test('paths that share a queue in the core are not measured at the same time', () => {
  const through = (bottlenecks: number[]) => ({ ...clean(0.02), bottlenecks });
  const rates = { uplink: 40e6, downlink: 40e6 };
  const { paths } = topologyOf(Array(4).fill(rates), (from, to) =>
    through(from + to === 3 ? [from % 2] : []),
  );
  const across = [
    { from: 0, to: 3 },
    { from: 2, to: 1 },
    { from: 1, to: 2 },
  ];
  expect(disjointPaths(across, 4, { paths })).toEqual([[across[0], across[2]], [across[1]]]);
});

describe('probeChecks', () => {
  const rates = { uplink: 40e6, downlink: 100e6 };
  const topology = topologyOf([rates, rates], () => ({
    ...clean(0.02),
    loss: losing(0.01),
  }));
  const path = { from: 0, to: 1 };

  test('knows a queue in the core as the rate of the path, and weather as what it may do to a measurement', () => {
    const stormy = {
      ...topologyOf([rates, rates], () => ({
        ...clean(0.02),
        jitter: { kind: 'normal', deviation: 0.002 } as const,
        loss: { kind: 'gilbert-elliott', p: 0.01, r: 0.25, lossGood: 0, lossBad: 1 } as const,
        corrupt: 0.01,
        bottlenecks: [0],
      })),
      bottlenecks: [{ name: 'core', rate: 10e6, queue: { seconds: 0.2 } }],
    };
    const [roundTrip, rate, loss] = probeChecks(
      [
        { ...path, roundTripSeconds: 0.0415 },
        { ...path, rate: 9.8e6, packetsSent: 600, packetsReceived: 560 },
      ],
      stormy,
    );
    expect(roundTrip).toMatchObject({ expected: 0.04, tolerance: 0.002 + 2 * 0.008, ok: true });
    expect(rate).toMatchObject({ expected: 10e6, ok: true });
    expect(loss?.expected).toBeCloseTo(1 - (1 - 1 / 26) * 0.99, 9);
    // Bursts of 4: wider than the interval of as many independent losses would be.
    expect(loss?.tolerance).toBeGreaterThan(4 * Math.sqrt((0.038 * 0.962) / 600));
    expect(loss?.ok).toBe(true);
  });

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
