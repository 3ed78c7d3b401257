/**
 * The netem driver on a kernel that has netem: the suite for all fabrics, and what the kernel was told.
 *
 * No part of `npm test`, since few build machines have such a kernel: test/vm/run.mjs boots one and runs this there.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Path } from '../../src/scenario/topology.js';
import type { Fabric } from '../../src/wan/fabric.js';
import { NetemFabric, type NetemOptions } from '../../src/wan/netem/fabric.js';
import { netemObstacle } from '../../src/wan/netem/feasible.js';
import { describeIf } from '../support/requires.js';
import { fabricCompliance } from '../wan/compliance.js';
import { attempt } from '../wan/measuring.js';
import { Mesh } from '../wan/mesh.js';
import { SLOWNESS } from '../wan/slowness.js';
import { clean, losing, topologyOf, uniformTopology } from '../wan/topologies.js';

const tcp = { congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 } as const;
const create = (options: Pick<NetemOptions, 'topology'>): Promise<NetemFabric> =>
  NetemFabric.create({ ...tcp, topology: options.topology });
const access = { uplink: 40e6 / SLOWNESS, downlink: 40e6 / SLOWNESS };

describeIf(netemObstacle('direct'), 'netem fabric', () => {
  fabricCompliance('netem', create, { changes: false });

  describe('weather in the words of tc', () => {
    test('the kernel takes every kind that has words', async () => {
      const weather: Partial<Path>[] = [
        { jitter: { kind: 'uniform', halfWidth: 0.002 }, loss: losing(0.001) },
        { jitter: { kind: 'normal', deviation: 0.002 }, corrupt: 0.001 },
        { jitter: { kind: 'pareto', deviation: 0.002 }, reorder: 0.01 },
        { loss: { kind: 'gilbert-elliott', p: 0.01, r: 0.3, lossGood: 0.001, lossBad: 0.8 } },
      ];
      const topology = topologyOf([access, access, access, access], (from, to) => ({
        ...clean(0.02),
        ...weather[(from + to) % 4],
      }));
      const fabric = await create({ topology });
      try {
        const shown = insideOf(fabric, 0, 'tc', 'qdisc', 'show', 'dev', 'eth0');
        expect(shown).toMatch(/netem .*delay 20ms {2}2ms/);
        expect(shown).toMatch(/netem .*corrupt 0.1%/);
        expect(shown).toMatch(/netem .*reorder 1%/);
        expect(shown).toMatch(/netem .*loss gemodel p 1% r 30% 1-h 80% 1-k 0.1%/);
      } finally {
        await fabric.close();
      }
    });

    test('datagrams are lost as often as is set, within the 99.9 % interval', async () => {
      const probability = 0.05;
      const topology = uniformTopology(2, access, { ...clean(0.005), loss: losing(probability) });
      const mesh = await Mesh.start(create, topology);
      try {
        const sent = await mesh.node(0).blast(1, 4 * SLOWNESS, access.uplink / 4, 500);
        await expect.poll(() => mesh.fabric.counters()[0]!.queuedBytes).toBe(0);
        const { lost } = mesh.fabric.counters()[0]!;
        const expected = probability * sent;
        const bound = 3.29 * Math.sqrt(expected * (1 - probability));
        expect(sent).toBeGreaterThan(1000);
        expect(Math.abs(lost - expected), `${lost} lost of ${sent}`).toBeLessThan(bound);
      } finally {
        await mesh.close();
      }
    });

    test('jitter delays packets of a connection and never swaps them', async () => {
      const jitter = { kind: 'uniform', halfWidth: 0.01 * SLOWNESS } as const;
      const topology = uniformTopology(2, access, { ...clean(0.02 * SLOWNESS), jitter });
      const mesh = await Mesh.start(create, topology);
      try {
        // What arrives out of order, TCP notes; a busy machine only delays.
        const { swapped } = await attempt(
          async () => {
            const before = outOfOrder(mesh.fabric, 1);
            await mesh.transfer(0, 1, 400_000);
            return { swapped: outOfOrder(mesh.fabric, 1) - before };
          },
          ({ swapped }) => swapped === 0,
        );
        expect(swapped).toBe(0);
      } finally {
        await mesh.close();
      }
    });
  });

  describe('the ground', () => {
    test('a node sees its own devices and nothing of the host', async () => {
      const fabric = await create({ topology: uniformTopology(3, access, clean(0.005)) });
      try {
        const devices = insideOf(fabric, 1, 'ip', '-br', 'link')
          .trim()
          .split('\n')
          .map((line) => line.split(/[\s@]+/)[0]);
        expect(devices.sort()).toEqual(['down0', 'eth0', 'lo']);
      } finally {
        await fabric.close();
      }
    });

    test('a set-up that fails half way leaves nothing and says what failed', async () => {
      const before = readdirSync('/proc/self/fd').length;
      const broken = uniformTopology(2, access, clean(0));
      const nodes = broken.nodes.map((node) =>
        node.rank === 1 ? { ...node, address: '10.77.0.999' } : node,
      );
      await expect(create({ topology: { ...broken, nodes } })).rejects.toThrow(/node node-[01]/);
      expect(readdirSync('/proc/self/fd').length).toBe(before);
    });

    test('a capture by the shaper is refused, since there is none', async () => {
      const fabric = await create({ topology: uniformTopology(2, access, clean(0)) });
      const request = { file: '/nowhere', snaplen: 64, comment: '', onFailure: () => undefined };
      await expect(fabric.capture({ ...request, kind: 'shaper' })).rejects.toThrow(/allowed: auto, tcpdump/);
      await fabric.close();
    });
  });
});

/** What a program says in a node's namespace. */
function insideOf(fabric: Fabric, rank: number, ...command: string[]): string {
  const { namespaceFd } = fabric.placements[rank]!;
  const { stdout, status, stderr } = spawnSync(
    'nsenter',
    [`--net=/proc/${process.pid}/fd/${namespaceFd}`, ...command],
    { encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  return stdout;
}

/** Segments that TCP has queued because one before them was missing. */
function outOfOrder(fabric: Fabric, rank: number): number {
  const [names = '', values = ''] = insideOf(fabric, rank, 'grep', '^TcpExt', '/proc/self/net/netstat').split(
    '\n',
  );
  return Number(values.split(' ')[names.split(' ').indexOf('TCPOFOQueue')]);
}
