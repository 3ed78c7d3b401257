/** What only real TCP in namespaces can show of weather: shared queues, damage, other sizes of packets, each node's TCP. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Topology } from '../../../src/scenario/topology.js';
import { NetnsFabric, type NetnsOptions } from '../../../src/wan/netns/fabric.js';
import { netns, root } from '../../support/needs.js';
import { describeIf } from '../../support/requires.js';
import { attempt, expectWithin, isWithin } from '../measuring.js';
import { Mesh } from '../mesh.js';
import { clean, losing, topologyOf, uniformTopology } from '../topologies.js';
import { goodput, rateAfter, together } from '../transfers.js';

const tcp = { congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 } as const;
const create = (options: Pick<NetnsOptions, 'topology' | 'seed'>): Promise<NetnsFabric> =>
  NetnsFabric.create({ ...tcp, ...options });

async function withMesh(topology: Topology, use: (mesh: Mesh) => Promise<void>): Promise<void> {
  const mesh = await Mesh.start(create, topology);
  try {
    await use(mesh);
  } finally {
    await mesh.close();
  }
}

describeIf(netns() ?? root(), 'weather between namespaces', () => {
  describe('a shared queue', () => {
    const rate = 20e6;
    const access = { uplink: 60e6, downlink: 60e6 };
    const topology: Topology = {
      ...topologyOf(Array(4).fill(access), (from, to) => ({
        ...clean(from === 0 || to === 0 ? 0.01 : 0.02),
        ...(from < 2 && to >= 2 ? { bottlenecks: [0] } : {}),
      })),
      bottlenecks: [{ name: 'thin', rate, queue: { seconds: 0.1 } }],
    };

    test('two flows across it, of different round trips, get half of its rate each', () =>
      withMesh(topology, async (mesh) => {
        const { sum, share } = await attempt(
          async () => {
            const transfers = await Promise.all([
              mesh.transfer(0, 2, 5_000_000),
              mesh.transfer(1, 3, 5_000_000),
            ]);
            const [one = 0, other = 0] = together(
              transfers.map(({ received }) => received),
              0.3,
            );
            return { sum: one + other, share: one / (one + other) };
          },
          ({ sum, share }) => isWithin(sum, goodput(rate, 1500), 0.05) && Math.abs(share - 0.5) < 0.05,
        );
        expectWithin(sum, goodput(rate, 1500), 0.05, 'rate of both');
        expect(share).toBeGreaterThan(0.45);
        expect(share).toBeLessThan(0.55);
      }));

    test('what does not cross it is not held up', () =>
      withMesh(topology, async (mesh) => {
        const measured = await attempt(
          async () => {
            const [, beside] = await Promise.all([
              mesh.transfer(0, 2, 3_000_000),
              mesh.transfer(3, 1, 3_000_000),
            ]);
            return rateAfter(beside.received, 0.5);
          },
          (found) => isWithin(found, goodput(access.uplink, 1500), 0.1),
        );
        expectWithin(measured, goodput(access.uplink, 1500), 0.1, 'rate beside it');
      }));
  });

  test('all bytes arrive intact, though packets come twice, before their turn, damaged or not at all', () => {
    const path = { ...clean(0.01), loss: losing(0.005), duplicate: 0.02, reorder: 0.01, corrupt: 0.02 };
    return withMesh(uniformTopology(2, { uplink: 20e6, downlink: 20e6 }, path), async (mesh) => {
      const { sent, received } = await mesh.transfer(0, 1, 1_500_000);
      expect(received.sha256).toBe(sent.sha256);
      const { namespaceFd } = mesh.fabric.placements[1]!;
      const counters = inNamespace(namespaceFd!, 'cat', '/proc/net/snmp');
      // The receiver's kernel has refused what was damaged.
      expect(tcpCounter(counters, 'InCsumErrors')).toBeGreaterThan(5);
    });
  });

  test.each([576, 9000])('with an MTU of %d a long transfer has the rate of the link', (mtu) => {
    const topology = { ...uniformTopology(2, { uplink: 20e6, downlink: 20e6 }, clean(0.005)), mtu };
    return withMesh(topology, async (mesh) => {
      const expected = goodput(20e6, mtu);
      const measured = await attempt(
        async () => rateAfter((await mesh.transfer(0, 1, 2_500_000)).received, 0.4),
        (found) => isWithin(found, expected, 0.04),
      );
      expectWithin(measured, expected, 0.04, `goodput with an MTU of ${mtu}`);
    });
  });

  test('an uplink with a trace has its mean rate', () => {
    // 2 packets each millisecond for 50 ms, then 1 for 50 ms: 18.2 Mbit/s.
    const instants = Array.from({ length: 100 }, (_, index) => index + 1);
    const opportunities = instants.flatMap((ms) => (ms <= 50 ? [ms, ms] : [ms]));
    const topology = uniformTopology(2, { uplink: 18.168e6, downlink: 100e6 }, clean(0.005));
    const nodes = topology.nodes.map((node) => ({ ...node, uplinkTrace: { file: 'x', opportunities } }));
    return withMesh({ ...topology, nodes }, async (mesh) => {
      const expected = goodput(18.168e6, 1500);
      const measured = await attempt(
        async () => rateAfter((await mesh.transfer(0, 1, 4_000_000)).received, 0.4),
        (found) => isWithin(found, expected, 0.05),
      );
      expectWithin(measured, expected, 0.05, 'goodput by a trace');
    });
  });

  test("each node has the congestion control of its own, or else the network's", async () => {
    const topology = uniformTopology(2, { uplink: 20e6, downlink: 20e6 }, clean(0.005));
    const nodes = topology.nodes.map((node) =>
      node.rank === 1 ? { ...node, congestion: 'reno' as const } : node,
    );
    const fabric = await create({ topology: { ...topology, nodes }, seed: 1 });
    try {
      const routes = fabric.placements.map(({ namespaceFd }) =>
        inNamespace(namespaceFd!, 'ip', 'route', 'show', 'table', '100'),
      );
      expect(routes.map((text) => /congctl (\w+)/.exec(text)?.[1])).toEqual(['cubic', 'reno']);
    } finally {
      await fabric.close();
    }
  });
});

const inNamespace = (descriptor: number, ...words: string[]): string =>
  spawnSync('nsenter', [`--net=/proc/${process.pid}/fd/${descriptor}`, ...words], { encoding: 'utf8' })
    .stdout;

/** A counter of /proc/net/snmp. */
function tcpCounter(text: string, name: string): number {
  const [names = '', values = ''] = text.split('\n').filter((line) => line.startsWith('Tcp:'));
  return Number(values.split(' ')[names.split(' ').indexOf(name)]);
}
