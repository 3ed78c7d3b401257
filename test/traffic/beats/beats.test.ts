/** Whole captures of a synthesized mesh: who beats, who belongs together, and who does not. */
import { describe, expect, test } from 'vitest';
import { TrafficAnalyzer } from '../../../src/traffic/index.js';
import { findBeats } from '../../../src/traffic/beats/index.js';
import type { BeatsReport } from '../../../src/traffic/beats/index.js';
import { address, meshTraffic } from '../../support/mesh-traffic.js';
import type { MeshTraffic } from '../../support/mesh-traffic.js';

function beatsOf(traffic: MeshTraffic, recordSeconds = 0): BeatsReport {
  const analyzer = new TrafficAnalyzer({ maxPairSeries: 64, maxFlowSeries: 64 });
  meshTraffic(traffic, (packet) => analyzer.packet(packet));
  const report = analyzer.finish();
  return findBeats(analyzer.series(), report, { recordSeconds });
}

const ring: MeshTraffic = {
  nodes: 4,
  bursts: 10,
  periodSeconds: 5,
  burstBytes: 5e5,
  rate: 20e6,
  jitterSeconds: 0.1,
  skewSeconds: 0.1,
};

describe('a ring of four', () => {
  const beats = beatsOf(ring);

  test('is one group, in step, with each host between two peers', () => {
    expect(beats.groups).toHaveLength(1);
    const [group] = beats.groups;
    expect(group).toMatchObject({ isBeat: true, pairs: 4, degree: 2, bursts: 10 });
    expect(group!.hosts).toEqual([0, 1, 2, 3].map(address));
    expect(group!.synchrony!.pValue).toBeLessThanOrEqual(0.01);
    expect(group!.periodSeconds).toBeCloseTo(5, 1);
    // Four nodes' payload and 66 bytes of headers per 1448, and an acknowledgement for every second segment.
    const segments = Math.ceil(5e5 / 1448);
    const frames = 4 * (segments * (1448 + 66) + Math.floor(segments / 2) * 66);
    expect(group!.burstBytes / frames).toBeGreaterThan(0.97);
    expect(group!.burstBytes / frames).toBeLessThan(1.03);
  });

  test('every host and pair beats: hosts evenly up and down, pairs one way', () => {
    expect(beats.hosts.map(({ isBeat }) => isBeat)).toEqual([true, true, true, true]);
    for (const host of beats.hosts) {
      expect(host.symmetry).toBeGreaterThan(0.9);
      expect(host.degree).toBe(2);
    }
    expect(beats.pairs.filter(({ isBeat }) => isBeat)).toHaveLength(4);
    for (const pair of beats.pairs) {
      expect(pair.symmetry).toBeLessThan(0.1);
      expect(pair.burstBytesCv).toBeLessThan(0.05);
    }
    expect(beats.flows.filter(({ isBeat }) => isBeat)).toHaveLength(4);
  });

  test('same packets, same figures', () => {
    expect(beatsOf(ring)).toEqual(beats);
  });
});

test('of flow records whose length hides the period, nothing is called a beat', () => {
  const { hosts, pairs, groups, leastPeriodSeconds } = beatsOf(ring, 60);
  expect(leastPeriodSeconds).toBe(120);
  expect([...hosts, ...pairs].some(({ isBeat }) => isBeat)).toBe(false);
  expect(groups).toEqual([]);
});

test('bursts at random form no group', () => {
  const { groups } = beatsOf({ ...ring, jitterSeconds: 4, seed: 7 });
  expect(groups.filter(({ isBeat }) => isBeat)).toEqual([]);
});
