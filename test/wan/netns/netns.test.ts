/** The netns fabric: the suite for all fabrics, and what only packets can show. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { netnsFeasibility } from '../../../src/wan/netns/feasible.js';
import { NetnsFabric, type NetnsOptions } from '../../../src/wan/netns/fabric.js';
import { describeIf } from '../../support/requires.js';
import { fabricCompliance } from '../compliance.js';
import { clean, topologyOf, uniformTopology } from '../topologies.js';

const tcp = { congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 } as const;
const create = (options: Pick<NetnsOptions, 'topology' | 'seed'>): Promise<NetnsFabric> =>
  NetnsFabric.create({ ...tcp, ...options });

const feasibility = netnsFeasibility();
const obstacle =
  feasibility.way === 'none'
    ? feasibility.missing
    : feasibility.way === 'rootless'
      ? 'root (rootless runs are tested from root)'
      : undefined;

describeIf(obstacle, 'netns fabric', () => {
  fabricCompliance('netns', create);

  describe('namespaces', () => {
    const topology = uniformTopology(3, { uplink: 40e6, downlink: 40e6 }, clean(0.005));

    test('nodes see their own address and nothing of the host', async () => {
      const fabric = await create({ topology, seed: 1 });
      try {
        const { namespaceFd } = fabric.placements[1]!;
        const shown = spawnSync(
          'nsenter',
          [`--net=/proc/${process.pid}/fd/${namespaceFd}`, 'ip', '-br', 'addr'],
          {
            encoding: 'utf8',
          },
        ).stdout;
        const devices = shown
          .trim()
          .split('\n')
          .map((line) => line.split(/[\s@]+/)[0]);
        expect(devices.sort()).toEqual(['eth0', 'lo', 'wan0']);
        expect(shown).toContain('10.77.0.2/16');
      } finally {
        await fabric.close();
      }
    });

    test('the calling thread stays where it was, and close() leaves no descriptor and no namespace', async () => {
      const home = readlinkSync('/proc/thread-self/ns/net');
      const descriptors = (): number => readdirSync('/proc/self/fd').length;
      await (await create({ topology, seed: 1 })).close(); // what a first run loads for good
      const before = descriptors();
      const fabric = await create({ topology, seed: 1 });
      expect(readlinkSync('/proc/thread-self/ns/net')).toBe(home);
      await fabric.close();
      await fabric.close();
      expect(descriptors()).toBe(before);
      expect(spawnSync('ip', ['-br', 'link'], { encoding: 'utf8' }).stdout).not.toMatch(/mesh0|veth\d|wan0/);
    });

    test('a set-up that fails half way leaves nothing and says what failed', async () => {
      const before = readdirSync('/proc/self/fd').length;
      const broken = topologyOf(
        [
          { uplink: 1e6, downlink: 1e6 },
          { uplink: 1e6, downlink: 1e6 },
        ],
        () => clean(0),
      );
      const nodes = broken.nodes.map((node) =>
        node.rank === 1 ? { ...node, address: '10.77.0.999' } : node,
      );
      await expect(create({ topology: { ...broken, nodes }, seed: 1 })).rejects.toThrow(/node node-[01]/);
      expect(readdirSync('/proc/self/fd').length).toBe(before);
    });
  });
});
