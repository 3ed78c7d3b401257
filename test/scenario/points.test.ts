/** Observation points: which hosts each comes to, and what is refused. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { observationPoints, parseScenario, scenarioToYaml, topologyOf } from '../../src/scenario/index.js';
import { FILE, refusal } from './example.js';

const NODES = 8;
const text = (points: string, kind = 'auto') => `
name: seen
rounds: 2
pace: 1 s
protocol: { kind: ddp }
nodes:
  - { region: us-east, count: 4, uplink: 10 Mbit/s }
  - { region: eu-west, count: 4, uplink: 10 Mbit/s }
capture:
  kind: ${kind}
  points: ${points}
`;

const pointsOf = (points: string, seed = 1) => {
  const scenario = parseScenario(text(points), FILE);
  return observationPoints(scenario.capture.points, topologyOf(scenario), seed);
};

it('an exchange sees its region, a link its node, a provider its customers', () => {
  expect(
    pointsOf(
      '[{ exchange: eu-west }, { link: us-east-2 }, { isp: cable, customers: [us-east-0, eu-west-3] }]',
    ),
  ).toEqual([
    { name: 'exchange-eu-west', kind: 'exchange', hosts: [4, 5, 6, 7] },
    { name: 'link-us-east-2', kind: 'link', hosts: [2] },
    { name: 'isp-cable', kind: 'isp', hosts: [0, 7] },
  ]);
});

test('a share draws that many nodes, the same for the same seed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.nat(1000), (percent, seed) => {
      const points = `[{ isp: cable, share: ${percent} % }]`;
      const [point] = pointsOf(points, seed);
      const { hosts } = point!;
      expect(hosts).toHaveLength(Math.max(1, Math.round((percent / 100) * NODES)));
      expect(new Set(hosts).size).toBe(hosts.length);
      expect(hosts.every((host) => host >= 0 && host < NODES)).toBe(true);
      expect(pointsOf(`[{ exchange: us-east }, ${points.slice(1)}`, seed)[1]).toEqual(point);
    }),
    { numRuns: 60 },
  );
  const drawn = Array.from({ length: 20 }, (_, seed) => pointsOf('[{ isp: cable, share: 50 % }]', seed)[0]!);
  expect(new Set(drawn.map(({ hosts }) => hosts.join())).size).toBeGreaterThan(5);
});

it('is written as it was read', () => {
  const scenario = parseScenario(text('[{ isp: cable, share: 25 % }, { link: eu-west-1 }]'), FILE);
  expect(scenarioToYaml(scenario)).toContain('share: 25 %');
  expect(parseScenario(scenarioToYaml(scenario), FILE)).toEqual(scenario);
});

describe('refuses', () => {
  it.each([
    ['a region without nodes', '[{ exchange: eu-wst }]', /points\.0\.exchange.*"eu-wst".*eu-west/],
    ['a node that is not there', '[{ link: us-east-9 }]', /points\.0\.link.*"us-east-9".*us-east-0/],
    [
      'a customer that is not there',
      '[{ isp: a, customers: [us-east-0, b] }]',
      /points\.0\.customers\.1.*"b"/,
    ],
    ['a provider without customers', '[{ isp: a }]', /points\.0/],
    ['a share of nothing', '[{ isp: a, share: 0 % }]', /points\.0/],
    ['a name that is a path', '[{ isp: ../a, share: 50 % }]', /points\.0/],
    ['the same point twice', '[{ link: us-east-0 }, { link: us-east-0 }]', /points\.1.*points\.0 once more/],
  ])('%s', (_, points, message) => expect(refusal(text(points))).toMatch(message));

  it('points without a capture', () => {
    expect(refusal(text('[{ link: us-east-0 }]', 'none'))).toMatch(
      /capture\.points.*no points without a capture/,
    );
  });
});
