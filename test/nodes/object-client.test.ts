/** A node's way to the store: what was put is there, what was not is waited for, and nobody waits for ever. */
import { beforeAll, describe, expect, it } from 'vitest';
import { content, openStore, type StoreWithAccess } from '../object-store/stores.js';

describe('the object client', () => {
  let store: StoreWithAccess;
  beforeAll(async () => {
    store = await openStore({ tls: true });
    await store.client(0).open();
  });

  it('gets what another has put, in one piece or in parts of any size', async () => {
    const bytes = content(11 * 2 ** 20);
    await store.client(0, { part: 5 * 2 ** 20 }).put(1, bytes);
    for (const part of [5 * 2 ** 20, 64 * 2 ** 20]) {
      const target = new Uint8Array(bytes.length);
      await store.client(1, { part }).get(0, 1, target);
      expect(Buffer.from(target).equals(bytes)).toBe(true);
    }
  });

  it('takes memory that threads share', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(1000));
    shared.set(content(1000));
    await store.client(0).put(2, shared);
    const target = new Uint8Array(new SharedArrayBuffer(1000));
    await store.client(1).get(0, 2, target);
    expect([...target]).toEqual([...shared]);
  });

  it('waits for an object until it is put', async () => {
    const target = new Uint8Array(7);
    let here = false;
    const got = store
      .client(1)
      .get(0, 3, target)
      .then(() => (here = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(here).toBe(false);
    await store.client(0).put(3, content(7));
    await got;
    expect(target).toEqual(content(7));
  });

  it('gives up, and says so, when it is closed', async () => {
    const client = store.client(1);
    const got = client.get(0, 999, new Uint8Array(7));
    await client.roundTrip();
    client.close();
    await expect(got).rejects.toThrow(
      /^object store: can't get rank-0\/round-000999: the node left before it was done$/,
    );
  });

  it('refuses an object of another size', async () => {
    await store.client(0).put(4, content(7));
    const got = store.client(1).get(0, 4, new Uint8Array(8));
    await expect(got).rejects.toThrow("can't get rank-0/round-000004: found 7 bytes; expected 8");
  });

  it('does not talk to a store that another authority vouches for', async () => {
    const stranger = await openStore({ tls: true });
    const put = stranger.client(0, { port: store.server.port }).put(5, content(7));
    await expect(put).rejects.toThrow(/can't put rank-0\/round-000005: .*(certificate|signature)/);
  });
});
