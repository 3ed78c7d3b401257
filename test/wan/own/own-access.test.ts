/** The suite for all fabrics on nodes that furnish their own namespaces, and what is only theirs. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runIp } from '../../../src/wan/netns/ip.js';
import type { Namespace } from '../../../src/wan/netns/namespace.js';
import { findMeshAddress } from '../../../src/wan/own/index.js';
import { describeIf } from '../../support/requires.js';
import { fabricCompliance } from '../compliance.js';
import { EchoNode } from '../echo-node.js';
import { clean, uniformTopology } from '../topologies.js';
import { addressIn, CONTROL, DockerLike, FAR, MESH } from './docker-like.js';
import { obstacle, stateOf } from './namespace-state.js';
import { atHome, numberOf, OwnFabric, Resident } from './own-fabric.js';

describeIf(obstacle, 'nodes in namespaces that others made', () => {
  fabricCompliance('own namespaces', (options) => OwnFabric.create(options));

  describe('a namespace that a node furnishes', () => {
    const DELAY = 0.05;
    const topology = atHome(uniformTopology(2, { uplink: 40e6, downlink: 40e6 }, clean(DELAY)));
    const PORT = 8470;
    let place: DockerLike;
    let namespaces: Namespace[];
    let echoes: EchoNode[] = [];

    beforeAll(() => {
      place = new DockerLike();
      namespaces = [MESH, FAR].map((network, rank) =>
        place.container(`container ${rank}`, [network, CONTROL], numberOf(rank)),
      );
    });
    afterEach(async () => {
      await Promise.all(echoes.map((echo) => echo.close()));
      echoes = [];
    });
    afterAll(() => place.close());

    /** A program in a namespace that answers on all its addresses and dials those given. */
    async function program(namespace: Namespace, dials: readonly string[]): Promise<EchoNode> {
      const echo = await EchoNode.start({
        rank: 0,
        namespaceFd: namespace.fd,
        packetLevel: true,
        listen: { host: '0.0.0.0', port: PORT },
        peers: dials.map((host) => ({ host, port: PORT })),
      });
      echoes.push(echo);
      return echo;
    }

    test('all that is not between nodes goes its usual way', async () => {
      const resident = await Resident.open(namespaces[0]!, { topology, rank: 0, seed: 1 });
      const [mesh, control] = [MESH, CONTROL].map((network) => addressIn(network, numberOf(0)));
      const inside = await program(namespaces[0]!, [
        '127.0.0.1',
        mesh!,
        control!,
        addressIn(MESH, 1),
        addressIn(CONTROL, 1),
        addressIn(FAR, 1),
      ]);
      const outside = await program(place.host, [mesh!, control!]);
      for (const peer of [0, 1, 2, 3, 4, 5]) expect((await inside.ping(peer, 2)).length).toBe(2);
      for (const peer of [0, 1]) expect((await outside.ping(peer, 2)).length).toBe(2);
      const { egressPackets, ingressPackets } = resident.meters.countersOf(0);
      expect({ egressPackets, ingressPackets }).toEqual({ egressPackets: 0, ingressPackets: 0 });
      await resident.close();
    });

    test('after close() it is as it was, connections go on unshaped, and a second open() works', async () => {
      const before = namespaces.map(stateOf);
      const programs = await Promise.all(
        namespaces.map((namespace, rank) => program(namespace, [topology.nodes[1 - rank]!.address])),
      );
      for (let turn = 0; turn < 2; turn++) {
        const residents = await Promise.all(
          namespaces.map((namespace, rank) => Resident.open(namespace, { topology, rank, seed: 1 })),
        );
        const shaped = Math.min(...(await programs[0]!.ping(0, 3)));
        expect(shaped).toBeGreaterThanOrEqual(2 * DELAY);
        const counters = residents.map(({ meters }, rank) => meters.countersOf(rank));
        expect(counters[0]!.egressBytesTo[1]).toBe(counters[0]!.egressBytes);
        expect(counters[0]!.egressPackets).toBeGreaterThan(0);
        await Promise.all(residents.map((resident) => resident.close()));
        expect(namespaces.map(stateOf)).toEqual(before);
        expect(Math.min(...(await programs[0]!.ping(0, 3)))).toBeLessThan(DELAY);
      }
    });

    test('an address that is not its own, and an MTU too small, are errors that change nothing', async () => {
      const before = stateOf(namespaces[0]!);
      const wrong = {
        ...topology,
        nodes: topology.nodes.toReversed().map((node, rank) => ({ ...node, rank })),
      };
      await expect(Resident.open(namespaces[0]!, { topology: wrong, rank: 0, seed: 1 })).rejects.toThrow(
        /is to have the address 172\.30\.2\.11, but eth0 has 172\.30\.1\.10/,
      );
      const jumbo = { ...topology, mtu: 9000 };
      await expect(Resident.open(namespaces[0]!, { topology: jumbo, rank: 0, seed: 1 })).rejects.toThrow(
        /eth0 takes packets of 1500 bytes at most, but wan.mtu is 9000.*--set wan.mtu=1500/,
      );
      expect(stateOf(namespaces[0]!)).toEqual(before);
    });

    test('a set-up that fails half way is undone', async () => {
      const before = stateOf(namespaces[0]!);
      const nodes = topology.nodes.map((node) =>
        node.rank === 1 ? { ...node, address: '172.30.2.999' } : node,
      );
      await expect(
        Resident.open(namespaces[0]!, { topology: { ...topology, nodes }, rank: 0, seed: 1 }),
      ).rejects.toThrow(/setting up the network of this node failed: .*172\.30\.2\.999/);
      expect(stateOf(namespaces[0]!)).toEqual(before);
    });

    test("the mesh's interface is the one that does not lead to the orchestrator", () => {
      const found = namespaces[0]!.inside(() =>
        findMeshAddress({ orchestratorLocalAddress: addressIn(CONTROL, numberOf(0)) }),
      );
      const expected = { interface: 'eth0', address: addressIn(MESH, numberOf(0)), prefix: 24, mtu: 1500 };
      expect(found).toEqual(expected);
      namespaces[0]!.inside(() => runIp(['link set eth0 mtu 1400'], 'container 0'));
      expect(namespaces[0]!.inside(() => findMeshAddress({ interface: 'eth0' }))).toEqual({
        ...expected,
        mtu: 1400,
      });
      namespaces[0]!.inside(() => runIp(['link set eth0 mtu 1500'], 'container 0'));
    });
  });
});
