/**
 * What every kind of tunnel must keep, in whatever shape: what goes through it arrives as over the bare network, what
 * crosses the bridge is nothing but its packets, and its end is clean.
 */
import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crossings, wayBetween } from '../../../src/scenario/way.js';
import { hostsOf, type Topology, type TunnelKind } from '../../../src/scenario/topology.js';
import { analyzeCapture, type TrafficReport } from '../../../src/traffic/index.js';
import { NetnsFabric } from '../../../src/wan/netns/fabric.js';
import { innerMtu, tcpPayloadInside, tunnelFrameBytes } from '../../../src/wan/tunnel/framing.js';
import { networkNames, processTree } from '../../support/processes.js';
import { tsharkFields } from '../../support/tshark.js';
import { attempt, expectWithin, isWithin } from '../measuring.js';
import { Mesh } from '../mesh.js';
import { rateAfter } from '../transfers.js';
import { clean } from '../topologies.js';

const MBIT = 1e6;
const PORT = 4500;
const NODES = 3;
/** One transfer: long enough for its rate to be seen. */
const BYTES = 1_500_000;

export interface Shape {
  readonly name: string;
  readonly hub?: true;
  readonly relays?: number;
}

/** Three nodes, 20 Mbit/s out and 40 in; hosts of the tunnel have 200. Between any two lie 8 ms. */
function topologyOf(kind: TunnelKind, { hub, relays = 0 }: Shape): Topology {
  const names = [
    ...Array.from({ length: NODES }, (_, rank) => `node-${rank}`),
    ...(hub === undefined ? [] : ['vpn-server']),
    ...Array.from({ length: relays }, (_, index) => `vpn-relay-${index + 1}`),
  ];
  const all = names.map((name, position) => ({
    name,
    region: `region-${position}`,
    address: `10.77.0.${position + 1}`,
    uplink: (position < NODES ? 20 : 200) * MBIT,
    downlink: (position < NODES ? 40 : 200) * MBIT,
  }));
  const firstRelay = names.length - relays;
  return {
    nodes: all.slice(0, NODES).map((host, rank) => ({ ...host, rank })),
    hosts: all.slice(NODES),
    paths: all.map(() => all.map(() => clean(0.008))),
    queue: { seconds: 0.4 },
    mtu: 1500,
    tunnel: {
      kind,
      ...(hub === undefined ? {} : { hub: NODES }),
      relays: Array.from({ length: relays }, (_, index) => firstRelay + index),
      port: PORT,
      keepalive: 25,
    },
  };
}

const create = (options: { topology: Topology; seed: number }): Promise<NetnsFabric> =>
  NetnsFabric.create({ congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10, ...options });

/** Runs the suite on one kind of tunnel; `program` is what carries it where the kernel does not. */
export function tunnelCompliance(kind: TunnelKind, program: string, shapes: readonly Shape[]): void {
  describe.each(shapes)(`${kind}: $name`, (shape) => {
    const topology = topologyOf(kind, shape);
    const addresses = hostsOf(topology).map(({ address }) => address);
    const before = networkNames();
    let folder: string;
    let file: string;
    let mesh: Mesh;
    let report: TrafficReport;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'tunnel-'));
      file = join(folder, 'capture.pcapng');
      const others = hostsOf(topology).map((_, position) => position);
      mesh = await Mesh.start(create, topology, others.slice(NODES));
    });
    afterAll(async () => {
      await mesh.close();
      rmSync(folder, { recursive: true });
    });

    test('round trips are those of the way, and no packet inside is too large for it', async () => {
      for (const [from, to] of [
        [0, 1],
        [2, 0],
      ] as const) {
        const expected = wayBetween(topology, from, to).delay + wayBetween(topology, to, from).delay;
        // A tunnel's programs take their time at every host on the way.
        const most = expected + 0.004 * crossings(topology);
        const fastest = await attempt(
          async () => Math.min(...(await mesh.node(from).ping(to, 5))),
          (seconds) => seconds <= most,
        );
        expect(fastest).toBeGreaterThanOrEqual(expected);
        expect(fastest).toBeLessThanOrEqual(most);
      }
    });

    test('a transfer has the rate of the uplink less what the tunnel adds', async () => {
      const mtu = innerMtu(topology.mtu);
      const expected = (20 * MBIT * (mtu - 52)) / tunnelFrameBytes(kind, mtu, topology.mtu);
      const capture = await mesh.fabric.capture({
        file,
        kind: 'auto',
        snaplen: 262_144,
        comment: 'compliance',
        onFailure: (error) => expect.unreachable(error.message),
      });
      let transfers = 0;
      const rate = await attempt(
        async () => {
          transfers++;
          return rateAfter((await mesh.transfer(1, 2, BYTES)).received, 0.4);
        },
        (found) => isWithin(found, expected, 0.06),
      );
      await capture.stop();
      expectWithin(rate, expected, 0.06, 'payload rate');
      report = await analyzeCapture(file);
      const packets = report.flows.reduce(
        (sum, flow) => sum + flow.forward.packets + flow.backward.packets,
        0,
      );
      const payload = report.flows.reduce(
        (sum, flow) => sum + flow.forward.payloadBytes + flow.backward.payloadBytes,
        0,
      );
      const read = tcpPayloadInside(kind, packets, payload) / crossings(topology);
      expectWithin(read, transfers * BYTES, 0.03, 'payload read off the capture');
    });

    test('nothing but its packets crosses the bridge, whole, between public addresses', () => {
      const other = `not udp.port in {${PORT}..${PORT + 99}} or tcp or ip.flags.mf == 1 or ip.frag_offset > 0`;
      expect(tsharkFields(file, other, ['frame.number'])).toEqual([]);
      for (const { source, destination } of report.flows)
        for (const { address } of [source, destination]) expect(addresses).toContain(address);
      const largest = Math.max(
        ...report.flows.flatMap(({ forward, backward }) => [forward.maxPacketBytes, backward.maxPacketBytes]),
      );
      expect(largest).toBe(tunnelFrameBytes(kind, innerMtu(topology.mtu), topology.mtu));
    });

    test('who talks to whom outside is the shape', () => {
      const { hub, relays = [] } = topology.tunnel ?? {};
      const between = new Set([...(hub === undefined ? [] : [hub]), ...relays].map((at) => addresses[at]!));
      const pairs = report.flows.map(({ source, destination }) => [source.address, destination.address]);
      expect(pairs.length).toBeGreaterThan(0);
      for (const ends of pairs) {
        const ofTunnel = ends.filter((address) => between.has(address)).length;
        if (between.size === 0) expect(ofTunnel).toBe(0);
        else expect(ofTunnel, ends.join(' and ')).toBeGreaterThan(0);
      }
    });

    test('a program that dies is noticed, and at the end nothing is left', async () => {
      const children = processTree(process.pid).filter(({ program: name }) => name === program);
      if (children.length > 0) {
        process.kill(children[0]!.pid, 'SIGKILL');
        await expect(mesh.fabric.failure).rejects.toThrow(/ended by itself \(SIGKILL\)/);
      }
      await mesh.close();
      expect(processTree(process.pid).filter(({ program: name }) => name === program)).toEqual([]);
      expect(networkNames()).toEqual(before);
    });
  });
}
