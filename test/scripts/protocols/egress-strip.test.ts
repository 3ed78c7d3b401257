import { DOMParser } from '@xmldom/xmldom';
import { expect, it } from 'vitest';
import { egressStrip } from '../../../scripts/protocols/egress-strip.js';
import type { HostReport, TrafficReport } from '../../../src/traffic/index.js';

const host = (address: string, name: string | null, egressRates: number[]): HostReport => ({
  address,
  name,
  egressRates,
  sentPackets: 1,
  sentBytes: 1,
  receivedPackets: 1,
  receivedBytes: 1,
});

const heartbeat: TrafficReport['heartbeat'] = {
  heartbeat: null,
  reason: 'two bursts',
  bursts: [
    { startSeconds: 1, endSeconds: 2, bytes: 5 },
    { startSeconds: 3, endSeconds: 4, bytes: 5 },
  ],
  nodes: [],
  holdSeconds: 0.3,
  binSeconds: 0.01,
};

function drawn(hosts: HostReport[]) {
  const svg = egressStrip('a < b', { hosts, durationSeconds: 4, heartbeat });
  const onError = (level: string, message: string): never => {
    throw new Error(`${level}: ${message}`);
  };
  const document = new DOMParser({ onError }).parseFromString(svg, 'image/svg+xml');
  const all = (name: string) => [...document.getElementsByTagName(name)];
  return {
    svg,
    words: all('text').map(({ textContent }) => textContent),
    bursts: all('rect'),
    paths: all('path').filter((path) => path.getAttribute('class') === 'egress'),
  };
}

it('draws a strip for each named host in order of address, to one scale, and shades the bursts', () => {
  const { svg, words, bursts, paths } = drawn([
    host('10.77.0.10', 'last', [0, 0, 1e6, 0]),
    host('10.77.0.2', 'first', [0, 2e6, 2e6, 0]),
    host('10.77.0.3', null, [9e9, 9e9, 9e9, 9e9]),
  ]);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(words.indexOf('first')).toBeLessThan(words.indexOf('last'));
  expect(words).toContain('full height: 2 Mbit/s; shaded: bursts');
  expect(bursts).toHaveLength(2);
  const heights = paths.map((path) => {
    const levels = [...(path.getAttribute('d') ?? '').matchAll(/[MV](?:[\d.]+ )?([\d.]+)/g)].map(([, y]) =>
      Number(y),
    );
    return Math.max(...levels) - Math.min(...levels);
  });
  expect(heights).toHaveLength(2);
  expect(heights[0]).toBeCloseTo(2 * heights[1]!, 1);
});

it('draws an empty capture', () => {
  expect(drawn([]).svg).not.toMatch(/NaN|undefined|Infinity/);
});
