/** What programs see through the relay, beyond rates: how connections begin, end and fail. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CaptureRequest, Fabric } from '../../../src/wan/fabric.js';
import { createThreadsFabric } from '../../../src/wan/threads/index.js';
import { uniformTopology } from '../topologies.js';
import { CALM } from '../../../src/scenario/weather.js';

const DELAY = 0.01;
const topology = uniformTopology(2, { uplink: 200e6, downlink: 200e6 }, { delay: DELAY, ...CALM });

/** All a socket hears until the other side ends; unlike stream consumers it leaves the socket open. */
async function text(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks).toString();
}

describe('through the relay', () => {
  let fabric: Fabric;
  let server: Server;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    fabric = await createThreadsFabric({ topology, seed: 1 });
    server = createServer({ allowHalfOpen: true });
    const { host, port } = fabric.placements[1]!.listen;
    server.listen(port, host);
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await fabric.close();
  });

  /** Node 0 dials node 1; both ends of what comes of it. */
  async function dial(): Promise<{ dialer: Socket; target: Socket; tookSeconds: number }> {
    const began = performance.now();
    const dialer = connect({ ...fabric.placements[0]!.peers[1]!, allowHalfOpen: true });
    const [target] = (await once(server, 'connection')) as [Socket];
    sockets.push(dialer, target);
    return { dialer, target, tookSeconds: (performance.now() - began) / 1000 };
  }

  test('the target hears of a dial when the SYN has come', async () => {
    const dials = [await dial(), await dial(), await dial()];
    expect(Math.min(...dials.map(({ tookSeconds }) => tookSeconds))).toBeGreaterThan(DELAY - 0.001);
  });

  test('the target may speak first', async () => {
    const { dialer, target } = await dial();
    target.end('welcome');
    expect(await text(dialer)).toBe('welcome');
  });

  test('a side that has ended still hears the other', async () => {
    const { dialer, target } = await dial();
    dialer.end('question');
    expect(await text(target)).toBe('question');
    target.end('answer');
    expect(await text(dialer)).toBe('answer');
  });

  test.each(['dialer', 'target'] as const)(
    'a reset by the %s arrives, behind the bytes before it',
    async (who) => {
      const ends = await dial();
      const [breaker, other] = who === 'dialer' ? [ends.dialer, ends.target] : [ends.target, ends.dialer];
      breaker.write('last words');
      const heard: Buffer[] = [];
      other.on('data', (chunk: Buffer) => {
        heard.push(chunk);
        breaker.resetAndDestroy();
      });
      await expect(once(other, 'end')).rejects.toThrow('ECONNRESET');
      expect(Buffer.concat(heard).toString()).toBe('last words');
    },
  );

  test('a program that does not read stops the one that writes to it, and loses nothing', async () => {
    const { dialer, target } = await dial();
    const chunk = Buffer.alloc(65536, 7);
    let written = 0;
    // A real program stops when write() says so; so much fits into all the buffers on the way.
    const stalled = (): Promise<boolean> =>
      Promise.race([
        once(dialer, 'drain').then(() => false),
        new Promise<boolean>((resolve) => setTimeout(resolve, 700, true)),
      ]);
    do while (dialer.write(chunk)) written += chunk.length;
    while ((written += chunk.length) < 64e6 && !(await stalled()));
    expect(written).toBeLessThan(64e6);
    expect(fabric.counters()[1]!.queuedBytes).toBe(0);
    dialer.end();
    let read = 0;
    for await (const piece of target as AsyncIterable<Buffer>) read += piece.length;
    expect(read).toBe(written);
  });

  test('packets can not be captured where there are none', async () => {
    const request: CaptureRequest = {
      file: '',
      kind: 'tcpdump',
      snaplen: 128,
      comment: '',
      onFailure: () => undefined,
    };
    await expect(fabric.capture(request)).rejects.toThrow(/tcpdump.*no packets.*allowed here: auto/s);
    await expect(fabric.capture({ ...request, kind: 'shaper' })).rejects.toThrow(
      /shaper.*allowed here: auto/s,
    );
  });

  test('a capture runs once at a time, and into a file that can be made', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meshbeat-'));
    try {
      const request: CaptureRequest = {
        file: join(folder, 'a.pcapng'),
        kind: 'auto',
        snaplen: 128,
        comment: '',
        onFailure: (error) => expect.unreachable(error.message),
      };
      await expect(fabric.capture({ ...request, file: join(folder, 'none', 'a') })).rejects.toThrow('none/a');
      const capture = await fabric.capture(request);
      await expect(fabric.capture(request)).rejects.toThrow('one at a time');
      const { dialer, target } = await dial();
      dialer.end('x');
      await text(target);
      const { packets } = await capture.stop();
      expect(packets).toBeGreaterThan(3);
      expect(capture.packets()).toBe(packets);
      expect(await capture.stop()).toEqual({ packets, missed: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('close() ends connections that are open', async () => {
    const other = await createThreadsFabric({ topology, seed: 1 });
    const { host, port } = other.placements[1]!.listen;
    const listener = createServer().listen(port, host);
    await once(listener, 'listening');
    const dialer = connect(other.placements[0]!.peers[1]!);
    const ended = new Promise((resolve) => dialer.on('error', () => undefined).on('close', resolve));
    await once(listener, 'connection').then(([socket]) =>
      (socket as Socket).on('error', () => undefined).resume(),
    );
    await other.close();
    await ended;
    await new Promise((resolve) => listener.close(resolve));
  });
});

describe('createThreadsFabric', () => {
  test('several fabrics live side by side, each with addresses of its own', async () => {
    const fabrics = [
      await createThreadsFabric({ topology, seed: 1 }),
      await createThreadsFabric({ topology, seed: 1 }),
    ];
    const hosts = fabrics.flatMap((fabric) => fabric.placements.map(({ listen }) => listen.host));
    await Promise.all(fabrics.map((fabric) => fabric.close()));
    expect(new Set(hosts).size).toBe(4);
  });

  test('says when its port is taken', async () => {
    const taken = createServer().listen(0, '0.0.0.0');
    await once(taken, 'listening');
    const address = taken.address();
    const meshPort = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(createThreadsFabric({ topology, meshPort, seed: 1 })).rejects.toThrow(`port ${meshPort}`);
    await new Promise((resolve) => taken.close(resolve));
  });

  test('holds 32 nodes', async () => {
    const many = uniformTopology(32, { uplink: 20e6, downlink: 20e6 }, { delay: DELAY, ...CALM });
    const fabric = await createThreadsFabric({ topology: many, seed: 1 });
    const ports = fabric.placements.flatMap(({ peers, rank }) => peers.filter((_, peer) => peer !== rank));
    await fabric.close();
    expect(new Set(ports.map(({ port }) => port)).size).toBe(32 * 31);
  });
});
