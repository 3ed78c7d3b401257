/** Topologies unrolled from scenarios, and scenarios written so that they load back equal. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  GENRES,
  parseScenario,
  PRESET_REGIONS,
  scenarioToYaml,
  topologyOf,
  withAddresses,
} from '../../src/scenario/index.js';
import { RunError } from '../../src/errors.js';
import { EXAMPLE, FILE } from './example.js';
import { CALM } from '../../src/scenario/weather.js';

const withNodes = (nodes: object[], more: object = {}) =>
  parseScenario(
    stringify({ name: 'x', rounds: 1, pace: '1 s', protocol: { kind: 'ddp' }, nodes, ...more }),
    FILE,
  );

describe('topology', () => {
  it('unrolls counts in rank order, names and links included', () => {
    const { nodes } = topologyOf(
      withNodes([
        { region: 'us-east', count: 2, uplink: '1 Mbit/s' },
        { name: 'big', region: 'eu-west', uplink: '2 Mbit/s', downlink: '3 Mbit/s' },
      ]),
    );
    expect(nodes).toEqual([
      { rank: 0, name: 'us-east-0', region: 'us-east', uplink: 1e6, downlink: 1e6, address: '10.77.0.1' },
      { rank: 1, name: 'us-east-1', region: 'us-east', uplink: 1e6, downlink: 1e6, address: '10.77.0.2' },
      { rank: 2, name: 'big', region: 'eu-west', uplink: 2e6, downlink: 3e6, address: '10.77.0.3' },
    ]);
  });

  it('takes delays from the scenario, then from the presets, and the local delay within a region', () => {
    const { paths, queue, mtu } = topologyOf(
      withNodes(
        [
          { region: 'us-east', count: 2, uplink: '1 Mbit/s' },
          { region: 'eu-west', uplink: '1 Mbit/s' },
          { region: 'mars', uplink: '1 Mbit/s' },
        ],
        {
          regions: { local: '1 ms', delays: { 'mars--us-east': '4 min', 'eu-west--mars': '5 min' } },
          wan: { jitter: '0.1 ms', loss: '1 %', queue: '64 KiB', mtu: 1400 },
        },
      ),
    );
    const rest = {
      ...CALM,
      jitter: { kind: 'uniform', halfWidth: 0.0001 },
      loss: { kind: 'bernoulli', probability: 0.01 },
    };
    expect(paths[0]?.[1]).toEqual({ delay: 0.001, ...rest });
    expect(paths[0]?.[2]).toEqual({ delay: 0.0415, ...rest });
    expect(paths[3]?.[0]).toEqual({ delay: 240, ...rest });
    expect(paths[2]?.[3]).toEqual({ delay: 300, ...rest });
    expect({ queue, mtu }).toEqual({ queue: { bytes: 65536 }, mtu: 1400 });
  });

  it('has the same delay both ways', () => {
    const regions = Object.keys(PRESET_REGIONS);
    const { paths } = topologyOf(withNodes(regions.map((region) => ({ region, uplink: '1 Mbit/s' }))));
    paths.forEach((row, from) => row.forEach((path, to) => expect(path).toEqual(paths[to]?.[from])));
  });

  it('gives 1024 nodes addresses of their own, none ending in 0 or 255', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((name) => ({
      name,
      region: 'us-east',
      count: 256,
      uplink: '1 Mbit/s',
    }));
    const addresses = topologyOf(withNodes(nodes)).nodes.map((node) => node.address);
    expect(new Set(addresses).size).toBe(1024);
    expect(addresses[253]).toBe('10.77.0.254');
    expect(addresses[254]).toBe('10.77.1.1');
    for (const address of addresses) {
      const [, , x, y] = address.split('.').map(Number);
      expect(x).toBeLessThan(256);
      expect(y).toBeGreaterThanOrEqual(1);
      expect(y).toBeLessThanOrEqual(254);
    }
  });

  it('deals genres in turn, where a node names none', () => {
    const nodes = [
      { name: 'a', region: 'us-east', count: 16, uplink: '1 Mbit/s' },
      { name: 'b', region: 'us-east', uplink: '1 Mbit/s', genre: 'humor' },
    ];
    const genres = topologyOf(withNodes(nodes, { data: { shards: 'genres' } })).nodes.map(
      (node) => node.genre,
    );
    expect(genres).toEqual([...GENRES, GENRES[0], 'humor']);
    expect(topologyOf(parseScenario(EXAMPLE, FILE)).nodes.every((node) => node.genre === undefined)).toBe(
      true,
    );
  });
});

describe('topology at given addresses', () => {
  const topology = topologyOf(parseScenario(EXAMPLE, FILE));

  it('has them by rank, and is otherwise the same', () => {
    const moved = withAddresses(topology, ['172.18.0.9', '172.18.0.3']);
    expect(moved.nodes.map((node) => node.address)).toEqual(['172.18.0.9', '172.18.0.3']);
    expect(
      withAddresses(
        moved,
        topology.nodes.map((node) => node.address),
      ),
    ).toEqual(topology);
  });

  it.each([
    [['172.18.0.9', '172.18.0.9'], 'us-east and eu-west have the same address, 172.18.0.9'],
    [['172.18.0.9'], '2 nodes, but 1 addresses'],
    [['172.18.0.9', ''], 'eu-west has the address "", which is not IPv4'],
    [['fd00::1', '172.18.0.9'], 'us-east has the address "fd00::1", which is not IPv4'],
  ])('refuses %j', (addresses, message) => {
    expect(() => withAddresses(topology, addresses)).toThrow(new RunError(message));
  });
});

describe('written as YAML', () => {
  const number = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
  const withUnit = (...units: string[]) =>
    fc.tuple(number, fc.constantFrom(...units)).map(([count, unit]) => `${count} ${unit}`);
  const rate = withUnit('bit/s', 'kbit/s', 'Mbit/s', 'kB/s', 'MB/s');
  const size = fc.oneof(
    fc.integer({ min: 256, max: 1e6 }),
    fc.integer({ min: 1, max: 999 }).map((n) => `${n} KiB`),
  );
  const optional = { requiredKeys: [] };
  const node = fc.record(
    {
      count: fc.integer({ min: 1, max: 5 }),
      region: fc.constantFrom(...Object.keys(PRESET_REGIONS)),
      uplink: rate,
      downlink: rate,
      genre: fc.constantFrom(...GENRES),
    },
    { requiredKeys: ['region', 'uplink'] },
  );
  const file = fc.record({
    name: fc.constant('any'),
    description: fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('null', '1', 'a: b', '# c'),
    ),
    seed: fc.integer({ min: 0, max: 0xffffffff }),
    rounds: fc.integer({ min: 1, max: 1000 }),
    pace: withUnit('us', 'ms', 's', 'min', 'h'),
    outerPace: withUnit('us', 'ms', 's', 'min', 'h'),
    protocol: fc.oneof(
      fc.record({ kind: fc.constant('ddp'), slice: size }, { requiredKeys: ['kind'] }),
      fc.record(
        {
          kind: fc.constant('diloco'),
          innerSteps: fc.integer({ min: 1, max: 100 }),
          outer: fc.record({ learningRate: number }, optional),
        },
        { requiredKeys: ['kind', 'innerSteps'] },
      ),
      fc.record(
        {
          kind: fc.constant('streaming'),
          innerSteps: fc.constant(12),
          fragments: fc.integer({ min: 1, max: 4 }),
          delay: fc.integer({ min: 0, max: 3 }),
        },
        { requiredKeys: ['kind', 'innerSteps', 'fragments'] },
      ),
    ),
    training: fc.record(
      {
        inner: fc.oneof(
          fc.record({ learningRate: number }),
          fc.record({ kind: fc.constantFrom('adamw', 'sgd', 'sign') }),
        ),
      },
      optional,
    ),
    data: fc.constant({ shards: 'genres' }),
    nodes: fc
      .array(node, { minLength: 2, maxLength: 6 })
      .map((nodes) => nodes.map((one, index) => ({ ...one, name: `n${index}` }))),
    regions: fc.record(
      { delays: fc.constant({ 'us-east--us-west': '1 s' }), local: withUnit('ms', 's') },
      optional,
    ),
    wan: fc.record(
      {
        loss: fc.oneof(
          fc.double({ min: 0, max: 0.999, noNaN: true }),
          fc.integer({ max: 99, min: 0 }).map((n) => `${n} %`),
        ),
        queue: fc.oneof(
          withUnit('ms', 's'),
          size.map((bytes) => (typeof bytes === 'number' ? `${bytes} B` : bytes)),
        ),
        slowStartAfterIdle: fc.boolean(),
      },
      optional,
    ),
  });

  it('any scenario loads back equal, and says all there is to say', () => {
    fc.assert(
      fc.property(file, (content) => {
        const scenario = parseScenario(stringify(content), FILE);
        const written = scenarioToYaml(scenario);
        const again = parseScenario(written, FILE);
        expect(again).toEqual(scenario);
        expect(topologyOf(again)).toEqual(topologyOf(scenario));
        expect(scenarioToYaml(again)).toBe(written);
      }),
    );
  });

  it('fills in defaults, with units', () => {
    const written = scenarioToYaml(parseScenario(EXAMPLE, FILE));
    for (const line of [
      'seed: 1',
      '  slice: 64 KiB',
      '  - name: us-east',
      '    downlink: 40 Mbit/s',
      '  queue: 200 ms',
    ])
      expect(written.split('\n')).toContain(line);
  });
});
