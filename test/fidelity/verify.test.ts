/**
 * Verification of live networks: it passes one that is what it was set to be, and fails the same one when it is told that
 * something else was set. So a pass means something.
 */
import { describe, expect, test } from 'vitest';
import { verify, type Thoroughness, type Verification } from '../../src/fidelity/verify.js';
import { CALM, type Path, type Topology } from '../../src/scenario/index.js';
import type { Fabric } from '../../src/wan/fabric.js';
import { NetnsFabric } from '../../src/wan/netns/fabric.js';
import { createThreadsFabric } from '../../src/wan/threads/index.js';
import { all, netns, root } from '../support/needs.js';
import { describeIf } from '../support/requires.js';
import { topologyOf } from '../wan/topologies.js';

const BRIEF: Thoroughness = { echoes: 40, packets: 1500, rateSeconds: 0.6, attempts: 3 };
const access = { uplink: 20e6, downlink: 40e6 };
const lossy: Path = { ...CALM, delay: 0.015, loss: { kind: 'bernoulli', probability: 0.1 } };
const topology: Topology = {
  ...topologyOf([access, access, access], (from, to) =>
    from + to === 3 ? lossy : { ...CALM, delay: 0.01, jitter: { kind: 'uniform', halfWidth: 0.003 } },
  ),
  queue: { seconds: 0.1 },
};

const measured = (fabric: Fabric, set: Topology, thoroughness = BRIEF): Promise<Verification> =>
  verify({
    fabric,
    topology: set,
    thoroughness,
    progress: () => undefined,
    signal: new AbortController().signal,
  });

const failedOf = ({ checks }: Verification): string[] => [
  ...new Set(checks.filter(({ ok }) => !ok).map(({ property }) => property)),
];

/** All that is set, a little off. */
const falsified: Topology = {
  ...topology,
  nodes: topology.nodes.map((node) => ({ ...node, uplink: 1.1 * node.uplink })),
  paths: topology.paths.map((paths) =>
    paths.map((path) => ({
      ...path,
      delay: path.delay + 0.003,
      loss: path === lossy ? ({ kind: 'bernoulli', probability: 0.2 } as const) : path.loss,
    })),
  ),
  queue: { seconds: 0.15 },
};

describeIf(all(netns(), root()), 'verification of packets', () => {
  test('passes what is as set, fails what is not, and is ended by a signal', async () => {
    const fabric = await NetnsFabric.create({
      ...{ topology, seed: 3, congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 },
    });
    try {
      const good = await measured(fabric, topology);
      expect(failedOf(good), JSON.stringify(good.checks.filter(({ ok }) => !ok))).toEqual([]);
      const properties = new Set(good.checks.map(({ property }) => property));
      for (const property of ['loss', 'UDP rate', 'queue, longest wait', 'TCP rate of an uplink'])
        expect(properties).toContain(property);

      const bad = failedOf(await measured(fabric, falsified, { ...BRIEF, attempts: 1 }));
      for (const property of ['round trip, mean', 'loss', 'UDP rate', 'queue, longest wait'])
        expect(bad).toContain(property);

      const controller = new AbortController();
      const ending = verify({
        ...{ fabric, topology, thoroughness: BRIEF, progress: () => controller.abort('interrupted') },
        signal: controller.signal,
      });
      await expect(ending).rejects.toThrow('interrupted');
    } finally {
      await fabric.close();
    }
  });
});

describe('verification of byte streams', () => {
  test('measures what they have and says what they have not', async () => {
    const clean: Topology = {
      ...topologyOf([access, access], () => ({ ...CALM, delay: 0.02 })),
      queue: { seconds: 0.1 },
    };
    const fabric = await createThreadsFabric({ topology: clean, seed: 3 });
    try {
      const good = await measured(fabric, clean);
      expect(failedOf(good), JSON.stringify(good.checks.filter(({ ok }) => !ok))).toEqual([]);
      expect(good.unmeasured.map(({ property }) => property)).toContain('loss');
      const slower = { ...clean, nodes: clean.nodes.map((node) => ({ ...node, uplink: 16e6 })) };
      expect(failedOf(await measured(fabric, slower, { ...BRIEF, attempts: 1 }))).toContain(
        'TCP rate of an uplink',
      );
    } finally {
      await fabric.close();
    }
  });
});
