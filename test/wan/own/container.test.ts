/** An access of one's own as a container has it: user 1000, NET_ADMIN only, /proc/sys read-only. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Namespace } from '../../../src/wan/netns/namespace.js';
import type { OwnAccessOptions } from '../../../src/wan/own/index.js';
import { describeIf } from '../../support/requires.js';
import { EchoNode } from '../echo-node.js';
import { clean, uniformTopology } from '../topologies.js';
import { ContainerProcess, type Rights } from './container-process.js';
import { DockerLike, FAR, MESH } from './docker-like.js';
import { obstacle, stateOf } from './namespace-state.js';
import { atHome, numberOf } from './own-fabric.js';

const DELAY = 0.04;
const topology = atHome(uniformTopology(2, { uplink: 40e6, downlink: 40e6 }, clean(DELAY)));
const optionsOf = (rank: number, initialWindow = 10): OwnAccessOptions => ({
  topology,
  rank,
  seed: 1,
  interface: 'eth0',
  tcp: { congestion: 'cubic', slowStartAfterIdle: false, initialWindow },
});

describeIf(obstacle, 'a node in a container', () => {
  let place: DockerLike;
  let containers: Namespace[];

  beforeAll(() => {
    place = new DockerLike();
    containers = [MESH, FAR].map((network, rank) => {
      const container = place.container(`container ${rank}`, [network], numberOf(rank));
      // What a careful host gives its containers.
      const strict = { 'net/ipv4/conf/default/rp_filter': '1', 'net/ipv4/conf/eth0/rp_filter': '1' };
      container.sysctl({ 'net/ipv4/ip_forward': '0', ...strict });
      return container;
    });
  });
  afterAll(() => place.close());

  const failureOf = async (rank: number, rights: Rights = {}): Promise<string> => {
    const process = new ContainerProcess(containers[rank]!, optionsOf(rank), rights);
    try {
      await process.open();
    } catch (error) {
      return String(error);
    }
    await process.close();
    return '';
  };

  test.each([
    [{ device: 'missing' }, /--device \/dev\/net\/tun.*ENOENT/],
    [{ device: 'closed' }, /chmod 666 \/dev\/net\/tun.*EACCES/],
    [{ netAdmin: false }, /--cap-add NET_ADMIN.*EPERM/],
  ] as const)('without all it needs (%o) it says what is missing', async (rights, message) => {
    expect(await failureOf(0, rights)).toMatch(message);
  });

  test('wrong settings are one error, and the options in it mend them', async () => {
    const before = stateOf(containers[0]!);
    for (const [rank, container] of containers.entries()) {
      const message = await failureOf(rank);
      expect(message).toContain('net.ipv4.conf.eth0.forwarding is 0, must be 1');
      const options = [...message.matchAll(/--sysctl (?:'([^']+)'|(\S+))/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? '',
      );
      expect(options).toContain('net.ipv4.ip_forward=1');
      if (rank === 0) expect(stateOf(container)).toEqual(before);
      for (const option of options) {
        const [key = '', value = ''] = option.split('=');
        container.sysctl({ [key.replaceAll('.', '/')]: value });
      }
      expect(await failureOf(rank)).toBe('');
    }
  });

  test('it shapes, and leaves the namespace as it was', async () => {
    const before = containers.map(stateOf);
    const processes = containers.map(
      (container, rank) => new ContainerProcess(container, optionsOf(rank), {}),
    );
    await Promise.all(processes.map((process) => process.open()));
    const peers = topology.nodes.map(({ address }) => ({ host: address, port: 8470 }));
    const nodes = await Promise.all(
      containers.map(({ fd }, rank) =>
        EchoNode.start({ rank, namespaceFd: fd, packetLevel: true, listen: peers[rank]!, peers }),
      ),
    );
    expect(Math.min(...(await nodes[0]!.ping(1, 3)))).toBeGreaterThanOrEqual(2 * DELAY);
    await Promise.all(nodes.map((node) => node.close()));
    await Promise.all(processes.map((process) => process.close()));
    expect(containers.map(stateOf)).toEqual(before);
  });

  test('what a process that was killed has left, the next one removes', async () => {
    const before = stateOf(containers[0]!);
    const killed = new ContainerProcess(containers[0]!, optionsOf(0), {});
    await killed.open();
    await killed.kill();
    expect(stateOf(containers[0]!).rules).not.toEqual(before.rules);
    const next = new ContainerProcess(containers[0]!, optionsOf(0), {});
    await next.open();
    await next.close();
    expect(stateOf(containers[0]!)).toEqual(before);
  });

  test('there is no second access beside the first', async () => {
    const first = new ContainerProcess(containers[0]!, optionsOf(0), {});
    await first.open();
    const during = stateOf(containers[0]!);
    expect(await failureOf(0)).toMatch(/another node already shapes/);
    expect(stateOf(containers[0]!)).toEqual(during);
    await first.close();
  });
});
