/** Two ends of the data plane on loopback: what TLS lets in, order, back-pressure, and ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { CertificateAuthority, type Identity } from '../../src/transport/certificates.js';
import { Mesh } from '../../src/transport/mesh.js';
import type { Slice } from '../../src/transport/slice.js';

const PEERS = [
  { host: '127.77.1.1', port: 18470, name: 'zero' },
  { host: '127.77.1.2', port: 18470, name: 'one' },
];
const open: Mesh[] = [];

async function start(rank: number, identity?: Identity): Promise<Mesh> {
  const mesh = await Mesh.start({
    rank,
    listen: PEERS[rank]!,
    peers: PEERS,
    ...(identity === undefined ? {} : { identity }),
  });
  open.push(mesh);
  return mesh;
}

const slice = (sequence: number, elements = 16): Slice => ({
  round: 0,
  sequence,
  encoding: 'float32',
  length: elements,
  offset: 0,
  data: Buffer.alloc(4 * elements, sequence),
});

afterEach(() => {
  for (const mesh of open.splice(0)) mesh.close();
});

describe('Mesh', () => {
  test('carries slices in order, under mutual TLS', async () => {
    const authority = await CertificateAuthority.create();
    const zero = await start(0, await authority.issue('zero'));
    const one = await start(1, await authority.issue('one'));
    await zero.connect(1);
    for (let sequence = 0; sequence < 50; sequence++) await one.send(0, slice(sequence));
    for (let sequence = 0; sequence < 50; sequence++) {
      const got = await zero.receive(1);
      expect(got.sequence).toBe(sequence);
      expect(got.data.every((byte) => byte === sequence)).toBe(true);
    }
  });

  test('lets nobody in who has no certificate, one of another run, or one of another name', async () => {
    const authority = await CertificateAuthority.create();
    const stranger = await CertificateAuthority.create();
    await start(1, await authority.issue('one'));
    const impostors = [
      undefined,
      await stranger.issue('zero'),
      // Signed by the right authority, but for somebody who is not rank 0.
      await authority.issue('somebody'),
    ];
    for (const identity of impostors) {
      const mesh = await start(0, identity);
      await expect(mesh.connect(1)).rejects.toThrow(/can't reach rank 1/);
      mesh.close();
      await sleep(20);
    }
  });

  test('after a reset what was on the lines is gone, and new lines start from the beginning', async () => {
    const authority = await CertificateAuthority.create();
    const zero = await start(0, await authority.issue('zero'));
    const one = await start(1, await authority.issue('one'));
    await zero.connect(1);
    for (const sequence of [0, 1, 2]) await one.send(0, slice(sequence));
    expect((await zero.receive(1)).sequence).toBe(0);
    one.reset();
    zero.reset();
    await expect(zero.receive(1)).rejects.toThrow('no line to rank 1');
    await zero.connect(1);
    const waiting = zero.receive(1);
    await one.send(0, slice(7));
    expect((await waiting).sequence).toBe(7);
  });

  test('a call that was on its way at the reset gives way to the one that comes after it', async () => {
    const zero = await start(0);
    const one = await start(1);
    await zero.connect(1); // after the other was reset, and before this one is
    zero.reset();
    await zero.connect(1);
    const waiting = zero.receive(1);
    await one.send(0, slice(3));
    expect((await waiting).sequence).toBe(3);
  });

  test('who waits for a slice when the mesh is reset gets an error', async () => {
    const zero = await start(0);
    await start(1);
    await zero.connect(1);
    const waiting = zero.receive(1);
    zero.reset();
    await expect(waiting).rejects.toThrow(/rank 1/);
  });

  test('a sender does not run ahead of a receiver that does not ask', async () => {
    const zero = await start(0);
    const one = await start(1);
    await zero.connect(1);
    const elements = 256 * 1024; // 1 MiB
    let sent = 0;
    const sending = (async () => {
      for (; sent < 400; sent++) await one.send(0, slice(sent, elements));
    })();
    sending.catch(() => undefined);
    // Once two looks in a row see the same number, back-pressure holds.
    let seen = -1;
    while (seen !== sent || sent === 0) {
      seen = sent;
      await sleep(300);
    }
    // 32 MiB of HTTP/2 window and what the kernel and the streams hold; far below the 400 MiB wanted.
    expect(sent).toBeLessThan(150);
    for (let sequence = 0; sequence < 400; sequence++)
      expect((await zero.receive(1)).sequence).toBe(sequence);
    await sending;
  });

  test('who waits for a peer that ends is told so', async () => {
    const zero = await start(0);
    const one = await start(1);
    await zero.connect(1);
    const waiting = zero.receive(1);
    one.close();
    await expect(waiting).rejects.toThrow(/rank 1/);
  });

  test('an address that is taken is named', async () => {
    await start(0);
    await expect(start(0)).rejects.toThrow(/127\.77\.1\.1:18470/);
  });
});
