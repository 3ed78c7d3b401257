/** Bytes by formula against bytes that a client and a server really sent. */
import { beforeAll, describe, expect, it } from 'vitest';
import { besidesTraffic, objectTraffic } from '../../src/object-store/framing.js';
import { LOOK_SECONDS } from '../../src/object-store/objects.js';
import { CountingRelay } from './counting-relay.js';
import { content, openStore, type StoreWithAccess } from './stores.js';

const PART = 5 * 2 ** 20;

describe.each([{ tls: false }, { tls: true }])('with tls: $tls', ({ tls }) => {
  let store: StoreWithAccess;
  let relay: CountingRelay;
  beforeAll(async () => {
    store = await openStore({ tls });
    relay = await CountingRelay.to(store.server.port);
    return () => relay.close();
  });

  /** What was said meanwhile. TLS session tickets and the like may come a little after the answer. */
  async function counted(act: () => Promise<unknown>) {
    relay.reset();
    await act();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { toStore: relay.toServer, fromStore: relay.fromServer, connections: relay.connections };
  }

  function expectNear(measured: { toStore: number; fromStore: number }, expected: typeof measured): void {
    for (const way of ['toStore', 'fromStore'] as const) {
      expect(Math.abs(measured[way] - expected[way]), way).toBeLessThan(30 + 0.005 * expected[way]);
    }
  }

  it('an object takes what the formula says, of whatever size', async () => {
    const [writer, reader] = [0, 1].map((rank) => store.client(rank, { port: relay.port, part: PART }));
    const opening = besidesTraffic({ buckets: 1, connections: 1, vainLooks: 0 }, { tls });
    expectNear(await counted(() => writer!.open()), opening);
    expectNear(await counted(() => reader!.open()), opening);
    expect(writer!.takeTally()).toEqual({ vainLooks: 0, storeConnections: 1 });
    for (const [round, size] of [1000, 25_000, 300_000, 3_000_000].entries()) {
      const framing = { tls, part: PART };
      const put = await counted(() => writer!.put(round, content(size)));
      expectNear(put, objectTraffic('put', size, framing));
      const got = await counted(() => reader!.get(0, round, new Uint8Array(size)));
      expectNear(got, objectTraffic('get', size, framing));
      expect(put.connections + got.connections).toBe(0);
    }
  });

  it('and so does each look for one that is not there yet', async () => {
    const reader = store.client(1, { port: relay.port });
    await reader.open();
    const measured = await counted(async () => {
      const got = reader.get(1, 123, new Uint8Array(1)).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 1250 * LOOK_SECONDS));
      reader.close();
      await got;
    });
    const { vainLooks } = reader.takeTally();
    expect(vainLooks).toBeGreaterThan(0);
    const looking = besidesTraffic({ buckets: 0, connections: 0, vainLooks }, { tls });
    // Closing says a word of its own with TLS.
    expectNear(measured, { ...looking, toStore: looking.toStore + (tls ? 24 : 0) });
    expect(reader.takeTally()).toEqual({ vainLooks: 0, storeConnections: 0 });
  });

  it('likewise one in parts, but for the connections that they open', async () => {
    const size = 2 * PART + 1000;
    const [writer, reader] = [0, 1].map((rank) => store.client(rank, { port: relay.port, part: PART }));
    await writer!.open();
    await reader!.open();
    for (const kind of ['put', 'get'] as const) {
      const act = () =>
        kind === 'put' ? writer!.put(9, content(size)) : reader!.get(0, 9, new Uint8Array(size));
      const { connections, ...measured } = await counted(act);
      const opening = besidesTraffic({ buckets: 0, connections, vainLooks: 0 }, { tls });
      const { toStore, fromStore } = objectTraffic(kind, size, { tls, part: PART });
      expectNear(measured, {
        toStore: toStore + opening.toStore,
        fromStore: fromStore + opening.fromStore,
      });
    }
  });
});
