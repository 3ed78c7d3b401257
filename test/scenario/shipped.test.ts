/** The scenarios that ship: each loads, and is what its name and its comment say. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isTraining, loadAnyScenario, loadScenario, topologyOf } from '../../src/scenario/index.js';

const files = readdirSync('scenarios').filter((file) => file.endsWith('.yaml'));

it('there are the three of the first release', () => {
  expect(files).toEqual(expect.arrayContaining(['ddp.yaml', 'diloco-32.yaml', 'diloco.yaml']));
});

it.each(files)('%s loads under its own name', (file) => {
  const scenario = loadScenario(`scenarios/${file}`);
  expect(`${scenario.name}.yaml`).toBe(file);
  expect(scenario.description).not.toBe('');
});

const background = readdirSync('scenarios/background').filter((file) => file.endsWith('.yaml'));

it.each(background)('background/%s loads under its own name, and runs for half a minute', (file) => {
  const scenario = loadAnyScenario(`scenarios/background/${file}`, { fabric: 'netns' });
  expect(`${scenario.name}.yaml`).toBe(file);
  expect(scenario.description).not.toBe('');
  expect(isTraining(scenario)).toBe(false);
  expect(scenario).toMatchObject({ duration: 30 });
  const { hosts = [] } = topologyOf(scenario);
  expect(hosts.length).toBeGreaterThanOrEqual(3);
});

it('wan/fidelity has eight nodes in four regions and all weather there is', () => {
  const { nodes, paths, bottlenecks } = topologyOf(
    loadScenario('scenarios/wan/fidelity.yaml', { fabric: 'netns' }),
  );
  expect(nodes).toHaveLength(8);
  expect(new Set(nodes.map(({ region }) => region)).size).toBe(4);
  const all = paths.flat();
  expect(new Set(all.map(({ loss }) => loss.kind))).toEqual(new Set(['bernoulli', 'gilbert-elliott']));
  for (const name of ['duplicate', 'reorder', 'corrupt'] as const)
    expect(
      all.some((path) => path[name] > 0),
      name,
    ).toBe(true);
  expect(bottlenecks).toHaveLength(2);
});

it('there are at least eight kinds of background', () => {
  expect(background.length).toBeGreaterThanOrEqual(8);
});

it('the default is DiLoCo on 4 nodes in 4 regions with at least 8 heartbeats', () => {
  const scenario = loadScenario('scenarios/diloco.yaml');
  const { nodes } = topologyOf(scenario);
  expect(scenario.protocol.kind).toBe('diloco');
  expect(new Set(nodes.map((node) => node.region)).size).toBe(4);
  expect(nodes.map((node) => node.uplink)).toEqual(Array(4).fill(40e6));
  expect(scenario.rounds).toBeGreaterThanOrEqual(8);
});

it('diloco-32 has 32 nodes', () => {
  expect(topologyOf(loadScenario('scenarios/diloco-32.yaml')).nodes).toHaveLength(32);
});

it.each(['diloco.yaml', 'ddp.yaml'])('the ring of %s is the shortest there is', (file) => {
  const { paths } = topologyOf(loadScenario(`scenarios/${file}`));
  const length = (ring: number[]) =>
    ring.reduce(
      (sum, rank, index) => sum + (paths[rank]?.[ring[(index + 1) % ring.length] ?? 0]?.delay ?? NaN),
      0,
    );
  for (const other of [
    [0, 2, 1, 3],
    [0, 1, 3, 2],
  ])
    expect(length([0, 1, 2, 3])).toBeLessThan(length(other));
});
