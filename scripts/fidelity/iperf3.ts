/** iperf3, which is not ours, between the first two nodes of a network: a second opinion on its rates. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { segmentOf } from '../../src/fidelity/stream.js';
import { verify } from '../../src/fidelity/verify.js';
import { CALM, type Topology } from '../../src/scenario/index.js';
import { NetnsFabric } from '../../src/wan/netns/fabric.js';

const PORT = '5201';
const LIMIT_MS = 20_000;

interface Report {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

/** Of iperf3's figure over verify's, of the same link; both in Ethernet frames. */
export interface Agreement {
  readonly tcp: number;
  readonly udp: number;
}

/** Measures a link of a network made for it in both ways, one after the other. Needs root and iperf3. */
export async function agreement(): Promise<Agreement> {
  const access = { uplink: 30e6, downlink: 30e6 };
  const calm = { ...CALM, delay: 0.01 };
  const topology: Topology = {
    nodes: [0, 1].map((rank) => ({
      ...{ rank, name: `node-${rank}`, region: 'here', address: `10.77.0.${rank + 1}` },
      ...access,
    })),
    paths: [0, 1].map(() => [calm, calm]),
    queue: { seconds: 0.1 },
    mtu: 1500,
  };
  const fabric = await NetnsFabric.create({
    ...{ topology, seed: 3, congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 },
  });
  try {
    const { checks } = await verify({
      ...{ fabric, topology, progress: () => undefined, signal: new AbortController().signal },
      thoroughness: { echoes: 10, packets: 100, rateSeconds: 1, attempts: 1 },
    });
    const ours = (property: string): number =>
      checks.find((check) => check.property === property && check.path === 'node-0 → node-1')!.measured;
    const { payload, frame } = segmentOf(topology.mtu);
    const datagram = topology.mtu - 28;
    const tcp = await iperf3(fabric, '--time', '2', '--omit', '1');
    const flood = ['--udp', '--time', '3', '--bitrate', '60M', '--length', `${datagram}`];
    const udp = await iperf3(fabric, ...flood);
    return {
      tcp: (tcp * frame) / payload / ours('TCP rate of an uplink'),
      udp: (udp * frame) / datagram / ours('UDP rate'),
    };
  } finally {
    await fabric.close();
  }
}

/** Rate of payload at the receiver, node 1, bit/s. */
async function iperf3(fabric: NetnsFabric, ...words: readonly string[]): Promise<number> {
  const inside = (rank: number, ...command: readonly string[]) =>
    spawn(
      'nsenter',
      [`--net=/proc/${process.pid}/fd/${fabric.placements[rank]!.namespaceFd}`, 'iperf3', ...command],
      { stdio: ['ignore', 'pipe', 'ignore'], timeout: LIMIT_MS },
    );
  const { host } = fabric.placements[1]!.listen;
  const server = inside(1, '--server', '--one-off', '--bind', host, '--port', PORT, '--forceflush');
  const ended = once(server, 'close');
  await once(server.stdout, 'data'); // It says that it listens.
  server.stdout.resume();
  const client = inside(0, '--client', host, '--port', PORT, '--json', ...words);
  const report = JSON.parse(await text(client.stdout)) as Report;
  await ended;
  return report.end.sum_received.bits_per_second;
}
