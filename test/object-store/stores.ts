/** Object stores on this machine, for tests: two ranks with accounts, with TLS or without. */
import { afterAll } from 'vitest';
import { ObjectClient } from '../../nodes/object-client.js';
import { bucketOf, ObjectStoreServer, type Account, type StoreAccess } from '../../src/object-store/index.js';
import { CertificateAuthority } from '../../src/transport/certificates.js';

export const ACCOUNTS: readonly Account[] = [0, 1].map((rank) => ({
  accessKeyId: `RANK${rank}AAAAAAAAAAAAAAA`,
  secretAccessKey: `secret of rank ${rank}`,
  bucket: bucketOf(rank),
}));

export interface StoreWithAccess {
  readonly server: ObjectStoreServer;
  /** Present with TLS. */
  readonly authority?: string;
  /** A client of one rank, through another port if there is a relay; closed after all tests. */
  client(rank: number, options?: { readonly port?: number; readonly part?: number }): ObjectClient;
  access(rank: number): StoreAccess;
}

/** A store that ends after all tests of the file. */
export async function openStore({
  tls = false,
  objectBytes = 16 * 2 ** 20,
  objectsPerBucket = 3,
} = {}): Promise<StoreWithAccess> {
  const identity = tls ? await (await CertificateAuthority.create()).issue('store') : undefined;
  const server = await ObjectStoreServer.listen({
    ...{ host: '127.0.0.1', port: 0, accounts: ACCOUNTS, limits: { objectBytes, objectsPerBucket } },
    ...(identity ? { identity } : {}),
  });
  const clients: ObjectClient[] = [];
  afterAll(async () => {
    for (const client of clients) client.close();
    await server.close();
  });
  const trust = identity ? { authority: identity.authority } : {};
  const access = (rank: number): StoreAccess => ({ account: ACCOUNTS[rank]!, port: 8470, ...trust });
  return {
    server,
    ...trust,
    access,
    client(rank, { port = server.port, part = 64 * 2 ** 20 } = {}) {
      const client = new ObjectClient({ access: access(rank), dial: { host: '127.0.0.1', port }, part });
      clients.push(client);
      return client;
    },
  };
}

/** Bytes that are not all alike. */
export const content = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);
