/** A pair of nodes with several connections between them, seen through a relay that counts and cuts. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Mesh } from '../../src/transport/mesh.js';
import type { Slice } from '../../src/transport/slice.js';

const LINES = 4;
const ends: (() => void)[] = [];

interface Pair {
  /** Receives. */
  readonly zero: Mesh;
  /** Sends. */
  readonly one: Mesh;
  /** Connections that zero has to one, in the order in which they were dialed. */
  readonly connections: readonly Socket[];
}

async function pair(connectionsOfOne = LINES): Promise<Pair> {
  const connections: Socket[] = [];
  const relay = createServer((near) => {
    connections.push(near);
    const far = connect(18_471, '127.77.2.2');
    near.pipe(far).pipe(near);
    for (const [here, there] of [
      [near, far],
      [far, near],
    ] as const)
      here.on('error', () => undefined).on('close', () => there.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  ends.push(() => closeRelay(relay, connections));
  const address = (host: string, port: number, name: string) => ({ host, port, name });
  const peers = [
    address('127.77.2.1', 18_471, 'zero'),
    address('127.0.0.1', (relay.address() as AddressInfo).port, 'one'),
  ];
  const start = async (rank: number, host: string, count: number): Promise<Mesh> => {
    const mesh = await Mesh.start({ rank, listen: { host, port: 18_471 }, peers, connections: count });
    ends.push(() => mesh.close());
    return mesh;
  };
  const zero = await start(0, '127.77.2.1', LINES);
  const one = await start(1, '127.77.2.2', connectionsOfOne);
  return { zero, one, connections };
}

function closeRelay(relay: Server, connections: readonly Socket[]): void {
  relay.close();
  for (const connection of connections) connection.destroy();
}

const slice = (sequence: number, elements = 16): Slice => {
  const data = Buffer.alloc(4 * elements, sequence);
  return { round: 0, sequence, encoding: 'float32', length: elements, offset: 0, data };
};

afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

describe('lines of a mesh', () => {
  test('are as many connections, and slices keep their order over them', async () => {
    const { zero, one, connections } = await pair();
    await zero.connect(1);
    expect(connections).toHaveLength(LINES);
    const before = connections.map(({ bytesWritten }) => bytesWritten);
    const elements = 4096;
    const sent = [...Array(10 * LINES + 1).keys()];
    // All at once: what is sent first is received first, though later lines may be quicker.
    const sending = Promise.all(sent.map((sequence) => one.send(0, slice(sequence, elements))));
    for (const sequence of sent) expect((await zero.receive(1)).sequence).toBe(sequence);
    await sending;
    // Each line had ten of them, the first eleven.
    connections.forEach(({ bytesWritten }, line) => {
      const slices = (bytesWritten - before[line]!) / (4 * elements);
      expect(slices).toBeGreaterThan(line === 0 ? 11 : 10);
      expect(slices).toBeLessThan(line === 0 ? 11.2 : 10.2);
    });
  });

  test('a sender does not run ahead of a receiver that does not ask', async () => {
    const { zero, one } = await pair();
    await zero.connect(1);
    const elements = 256 * 1024; // 1 MiB
    let sent = 0;
    const sending = (async () => {
      for (; sent < 400; sent++) await one.send(0, slice(sent % 256, elements));
    })();
    sending.catch(() => undefined);
    let seen = -1;
    while (seen !== sent || sent === 0) {
      seen = sent;
      await sleep(300);
    }
    // 32 MiB of HTTP/2 windows over all lines, and what the kernel, the relay and the streams hold.
    expect(sent).toBeLessThan(200);
    for (let sequence = 0; sequence < 400; sequence++)
      expect((await zero.receive(1)).sequence).toBe(sequence % 256);
    await sending;
  });

  test('who waits for a slice on a line that breaks is told so', async () => {
    const { zero, one, connections } = await pair();
    await zero.connect(1);
    connections[1]!.destroy();
    for (let sequence = 0; sequence < LINES; sequence++) one.send(0, slice(sequence)).catch(() => undefined);
    expect((await zero.receive(1)).sequence).toBe(0);
    await expect(zero.receive(1)).rejects.toThrow(/line to rank 1 broke/);
  });

  test('a line that the other end does not have is refused', async () => {
    const { zero } = await pair(2);
    await expect(zero.connect(1)).rejects.toThrow(/found line [23]; allowed: 0 to 1/);
  });
});
