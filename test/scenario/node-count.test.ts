/** Scenarios scaled to a number of nodes: the shares, what stays, and what can't be. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { InputError } from '../../src/errors.js';
import {
  parseScenario,
  PRESET_REGIONS,
  scenarioToYaml,
  topologyOf,
  withNodeCount,
  type Scenario,
} from '../../src/scenario/index.js';
import { EXAMPLE, FILE, refusal } from './example.js';

const fileOf = (nodes: object[], more: object = {}) =>
  stringify({ name: 'x', rounds: 1, pace: '1 s', protocol: { kind: 'ddp' }, nodes, ...more });

const scenarioOf = (counts: Record<string, number>, more: object = {}) =>
  parseScenario(
    fileOf(
      Object.entries(counts).map(([name, count]) => ({
        name,
        count,
        region: 'us-east',
        uplink: '1 Mbit/s',
      })),
      more,
    ),
    FILE,
  );

const countsOf = ({ nodes }: Scenario) =>
  Object.fromEntries(nodes.map(({ name, count }) => [name ?? '', count]));
const total = ({ nodes }: Scenario) => nodes.reduce((sum, { count }) => sum + count, 0);

describe('shares', () => {
  it.each<[Record<string, number>, number, Record<string, number>]>([
    [{ a: 1, b: 1, c: 1, d: 1 }, 16, { a: 4, b: 4, c: 4, d: 4 }],
    // Equal remainders: the earlier entries win.
    [{ a: 1, b: 1, c: 1, d: 1 }, 6, { a: 2, b: 2, c: 1, d: 1 }],
    [{ a: 1, b: 1, c: 1, d: 1 }, 2, { a: 1, b: 1 }],
    // Exact shares 6.857, 2.571 and 2.571.
    [{ a: 8, b: 3, c: 3 }, 12, { a: 7, b: 3, c: 2 }],
    // Exact shares 1.6, 0.2 and 0.2.
    [{ a: 8, b: 1, c: 1 }, 2, { a: 2 }],
    // Exact shares 0.2, 0.2 and 1.6: order stays, whoever is dropped.
    [{ a: 1, b: 1, c: 8 }, 2, { c: 2 }],
    [{ a: 1, b: 3, c: 9 }, 250, { a: 19, b: 58, c: 173 }],
  ])('of %j at %i nodes are %j', (before, count, after) => {
    const scaled = withNodeCount(scenarioOf(before), count);
    expect(Object.entries(countsOf(scaled))).toEqual(Object.entries(after));
  });

  const mixes = fc
    .array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 })
    .filter((counts) => counts.reduce((a, b) => a + b, 0) >= 2)
    .map((counts) => scenarioOf(Object.fromEntries(counts.map((count, index) => [`n${index}`, count]))));

  it('add up, are within 1 of exact, keep the order, and are the same each time', () => {
    fc.assert(
      fc.property(mixes, fc.integer({ min: 2, max: 256 }), (scenario, count) => {
        const scaled = withNodeCount(scenario, count);
        expect(total(scaled)).toBe(count);
        expect(topologyOf(scaled).nodes).toHaveLength(count);
        expect(withNodeCount(scenario, count)).toEqual(scaled);
        const counts = countsOf(scaled);
        for (const { name, count: before } of scenario.nodes) {
          const exact = (before * count) / total(scenario);
          expect(Math.abs((counts[name!] ?? 0) - exact)).toBeLessThan(1);
        }
        const order = scenario.nodes.map(({ name }) => name!);
        expect(Object.keys(counts)).toEqual(order.filter((name) => name in counts));
      }),
    );
  });

  it('of the number there is leave the scenario as it is', () => {
    fc.assert(
      fc.property(mixes, (scenario) => {
        expect(withNodeCount(scenario, total(scenario))).toBe(scenario);
      }),
    );
  });

  it('give a scenario that loads back equal, regions that nobody is in any more left out', () => {
    const names = Object.keys(PRESET_REGIONS);
    const entry = fc.record({
      region: fc.constantFrom(...names, 'mars'),
      count: fc.integer({ min: 1, max: 9 }),
      uplink: fc.constant('1 Mbit/s'),
    });
    const delays = Object.fromEntries([...names, 'venus'].map((region) => [`mars--${region}`, '1 s']));
    const file = fc.array(entry, { minLength: 1, maxLength: 6 }).map((entries) =>
      fileOf(
        [{ region: 'mars', count: 2 }, { region: 'venus' }, ...entries].map((one, index) => ({
          uplink: '1 Mbit/s',
          ...one,
          name: `n${index}`,
        })),
        {
          regions: {
            delays: {
              ...delays,
              ...Object.fromEntries(names.map((region) => [`${region}--venus`, '2 s'])),
            },
          },
        },
      ),
    );
    let [dropped, kept] = [0, 0];
    fc.assert(
      fc.property(file, fc.integer({ min: 2, max: 80 }), (text, count) => {
        const scaled = withNodeCount(parseScenario(text, FILE), count);
        expect(parseScenario(scenarioToYaml(scaled), FILE)).toEqual(scaled);
        if ('mars--venus' in scaled.regions.delays) kept++;
        else dropped++;
      }),
    );
    expect(Math.min(dropped, kept)).toBeGreaterThan(0);
  });
});

it('nodes of an entry that grows are numbered, others keep their names', () => {
  const names = (count: number) =>
    topologyOf(withNodeCount(parseScenario(EXAMPLE, FILE), count)).nodes.map(({ name }) => name);
  expect(names(3)).toEqual(['us-east-0', 'us-east-1', 'eu-west']);
  expect(names(2)).toEqual(['us-east', 'eu-west']);
});

it('--nodes scales what the file and --set say', () => {
  const scenario = parseScenario(EXAMPLE, FILE, { sets: ['nodes.0.count=3'], nodes: 8 });
  expect(countsOf(scenario)).toEqual({ 'us-east': 6, 'eu-west': 2 });
  expect(parseScenario(EXAMPLE, FILE, { nodes: undefined })).toEqual(parseScenario(EXAMPLE, FILE));
});

describe('refused', () => {
  it.each([1, 0, -4, 1025, 2.5, NaN, Infinity])('%d nodes', (count) => {
    const message = `--nodes: found ${count}; allowed: a whole number from 2 to 1024`;
    expect(() => withNodeCount(parseScenario(EXAMPLE, FILE), count)).toThrow(new InputError(message));
  });

  const node = { region: 'us-east', uplink: '1 Mbit/s' };

  it.each<[string, string, number, string]>([
    [
      'more nodes of an entry than one may have',
      EXAMPLE,
      600,
      [0, 1]
        .map((i) => `--nodes 600: nodes.${i}.count: found 300; allowed: an integer from 1 to 256`)
        .join('\n'),
    ],
    [
      'a number that gives two nodes one name',
      fileOf([
        { ...node, name: 'a' },
        { ...node, name: 'b' },
        { ...node, name: 'a-1' },
      ]),
      5,
      '--nodes 5: nodes.2.name: found "a-1", a node of nodes.0 too; allowed: a name of its own for each node',
    ],
    [
      'neighbours with less delay than jitter',
      `${EXAMPLE}wan: { jitter: 2 ms }\n`,
      3,
      '--nodes 3: wan.jitter: found 2 ms; allowed: at most 500 us, the smallest delay between two nodes',
    ],
    [
      'a region whose delays all went with others',
      fileOf(
        [
          { ...node, name: 'a', region: 'venus' },
          { ...node, region: 'mars', count: 9 },
        ],
        {
          regions: { delays: { 'mars--venus': '1 s' } },
        },
      ),
      2,
      `--nodes 2: nodes.1.region: found "mars", a region without delays; allowed: ${Object.keys(PRESET_REGIONS).join(', ')}; or add regions.delays "us-east--mars: 20 ms"`,
    ],
  ])('%s', (_, text, nodes, message) => {
    parseScenario(text, FILE); // Nothing wrong with it as it is.
    expect(refusal(text, { nodes })).toBe(message);
  });
});
