/** Scenarios with an object store: what is allowed, and where it lies. */
import { describe, expect, it } from 'vitest';
import { hostsOf, parseScenario, topologyOf, withNodeCount } from '../../src/scenario/index.js';
import { FILE, refusal } from './example.js';

const scenario = (protocol: string, rest = ''): string => `
name: stored
rounds: 3
pace: 1 s
protocol: { kind: object-store, innerSteps: 4, windowSteps: 5, gather: 2, ${protocol} }
nodes:
  - { region: us-east, uplink: 40 Mbit/s, count: 2 }
  - { region: eu-west, uplink: 40 Mbit/s }
${rest}`;

describe('an object store', () => {
  it('is one more host, with an address, a link and a region of its own', () => {
    const stored = parseScenario(scenario('store: { region: us-west, uplink: 2 Gbit/s }'), FILE);
    const topology = topologyOf(stored);
    expect(topology.nodes).toHaveLength(3);
    expect(hostsOf(topology).at(-1)).toEqual({
      ...{ name: 'store', region: 'us-west', uplink: 2e9, downlink: 1e9, address: '10.77.0.4' },
    });
    expect(topology.paths.map((row) => row.length)).toEqual([4, 4, 4, 4]);
    const ofPresets = topologyOf(
      parseScenario(scenario('').replace('us-east, uplink', 'us-west, name: a, uplink'), FILE),
    );
    // us-west to the store in us-east is us-east to us-west.
    expect(ofPresets.paths[0]![3]).toEqual(topology.paths[0]![3]);
  });

  it('keeps its delays when the mesh is scaled, though no node is in its region', () => {
    const delays = 'regions: { delays: { us-east--mine: 5 ms, eu-west--mine: 50 ms } }';
    const text = scenario('store: { region: mine }', delays)
      .replace('count: 2', 'count: 5')
      .replace('gather: 2', 'gather: 1');
    const { nodes, paths } = topologyOf(withNodeCount(parseScenario(text, FILE), 2));
    expect(nodes.map(({ region }) => region)).toEqual(['us-east', 'us-east']);
    expect(paths[0]![2]).toMatchObject({ delay: 0.005 });
  });

  it.each([
    [
      scenario('').replace('gather: 2', 'gather: 3'),
      'protocol.gather: found 3; allowed: at most 2, the other nodes',
    ],
    [
      scenario('').replace('windowSteps: 5', 'windowSteps: 3'),
      'protocol.windowSteps: found 3; allowed: at least 4, the inner steps that a window has to hold',
    ],
    [
      scenario('store: { region: atlantis }'),
      'protocol.store.region: found "atlantis", without a delay to "us-east"; allowed: a region with a delay to every ' +
        'node\'s; add regions.delays "us-east--atlantis: 20 ms"',
    ],
    [
      scenario('').replace('eu-west, uplink', 'eu-west, name: store, uplink'),
      'nodes.1.name: found "store"; allowed: another name, as the object store has this one',
    ],
    [
      scenario('', 'wan: { jitter: 1 ms }'),
      'wan.jitter: found 1 ms; allowed: at most 500 us, the smallest delay between two nodes',
    ],
    [scenario('store: { part: 1 MiB }'), 'protocol.store.part: found "1 MiB"; allowed: from 5 MiB to 5 GiB'],
  ])('is refused where it can not be: %#', (text, problem) => {
    expect(refusal(text)).toContain(problem);
  });
});
