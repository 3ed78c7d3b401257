import { describe, expect, test } from 'vitest';
import { planOf } from '../../src/fidelity/plan.js';
import { CALM, type Path, type Topology } from '../../src/scenario/index.js';
import { topologyOf, uniformTopology } from '../wan/topologies.js';

const access = { uplink: 20e6, downlink: 40e6 };
const calm: Path = { delay: 0.01, ...CALM };
const lossy: Path = { ...calm, loss: { kind: 'bernoulli', probability: 0.01 } };

describe('planOf', () => {
  test('measures every pair, every link and every way between two regions', () => {
    const plan = planOf(uniformTopology(4, access, calm), true);
    expect(plan.roundTrips).toHaveLength(6);
    expect(plan.rates.filter(({ property }) => property.includes('uplink'))).toHaveLength(4);
    expect(plan.overfills).toHaveLength(4);
    // Two uplinks of 20 Mbit/s fill a downlink of 40.
    const downlinks = plan.rates.filter(({ property }) => property.includes('downlink'));
    expect(downlinks.map(({ paths }) => paths.length)).toEqual([2, 2, 2, 2]);
    expect(plan.trains).toHaveLength(12);
    expect(plan.unmeasured).toEqual([]);
  });

  test('a rate is measured where nothing is lost, in neither direction', () => {
    const topology = topologyOf([access, access, access], (from, to) =>
      from === 0 && to === 1 ? lossy : { ...calm, delay: Math.max(from, to) === 2 ? 0.05 : 0.01 },
    );
    const { rates } = planOf(topology, true);
    expect(rates.find(({ name }) => name === 'node-0 ↑')!.paths).toEqual([{ from: 0, to: 2 }]);
    expect(rates.find(({ name }) => name === 'node-1 ↑')!.paths).toEqual([{ from: 1, to: 2 }]);
  });

  test('what can be measured nowhere is said', () => {
    const plan = planOf(uniformTopology(3, access, lossy), true);
    expect(plan.rates).toEqual([]);
    expect(plan.unmeasured.map(({ path }) => path)).toEqual([
      ...['node-0 ↑', 'node-0 ↓', 'node-1 ↑', 'node-1 ↓', 'node-2 ↑', 'node-2 ↓'],
    ]);
    const alone = planOf(
      topologyOf([access, access], () => calm),
      true,
    );
    expect(alone.unmeasured.map(({ path }) => path)).toEqual(['node-0 ↓', 'node-1 ↓']);
  });

  test('without packets there is no weather and no queue to be measured, and that is said', () => {
    const plan = planOf(uniformTopology(3, access, calm), false);
    expect(plan.overfills).toEqual([]);
    expect(plan.trains).toEqual([]);
    expect(plan.rates.length).toBeGreaterThan(0);
    const said = plan.unmeasured.map(({ property }) => property);
    for (const property of ['UDP rate', 'queue', 'loss', 'reorder']) expect(said).toContain(property);
  });

  test('a shared queue is filled by two flows with nothing else in common', () => {
    const shared: Path = { ...calm, bottlenecks: [0] };
    const topology: Topology = {
      ...topologyOf([access, access, access, access], (from, to) => (from < 2 && to > 1 ? shared : calm)),
      bottlenecks: [{ name: 'atlantic', rate: 10e6, queue: { seconds: 0.1 } }],
    };
    const [plan] = planOf(topology, true).shared;
    expect(plan).toMatchObject({ name: 'atlantic', rate: 10e6 });
    const [one, other] = plan!.paths;
    expect(new Set([one!.from, other!.from])).toEqual(new Set([0, 1]));
    expect(new Set([one!.to, other!.to])).toEqual(new Set([2, 3]));
    // Nobody's uplink is measured through it: it is narrower.
    for (const { rate, paths } of planOf(topology, true).overfills) {
      for (const { from, to } of paths) {
        expect(rate).toBe(20e6);
        expect(topology.paths[from]![to]!.bottlenecks ?? []).toEqual([]);
      }
    }
  });

  test('a shared queue that nobody can fill is said', () => {
    const shared: Path = { ...calm, bottlenecks: [0] };
    const topology: Topology = {
      ...uniformTopology(4, access, shared),
      bottlenecks: [{ name: 'wide', rate: 100e6, queue: { seconds: 0.1 } }],
    };
    expect(planOf(topology, true).shared).toEqual([]);
    expect(planOf(topology, true).unmeasured).toContainEqual(expect.objectContaining({ path: 'wide' }));
  });
});
