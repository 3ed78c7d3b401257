/**
 * Entry point of the thread that serves the object store: enters its network namespace, if it has one, before it
 * opens a socket, then listens there until it is told to end. It answers probes of its paths too, as nodes do.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../src/errors.js';
import type { StoreOptions } from '../src/object-store/server.js';
import { setNiceness } from '../src/thread-priority.js';
import type { Placement } from '../src/wan/fabric.js';

export interface StoreThreadData extends Omit<StoreOptions, 'host' | 'port'> {
  readonly placement: Placement;
}

export type StoreCommand = { readonly type: 'close' };

export type StoreReport = { readonly type: 'ready' } | { readonly type: 'failed'; readonly message: string };

/** As of the threads of nodes. */
const NETWORK_NICENESS = -10;

const { placement, ...options } = workerData as StoreThreadData;
const report = (message: StoreReport): void => parentPort!.postMessage(message);

try {
  setNiceness(NETWORK_NICENESS);
  if (placement.namespaceFd !== undefined) {
    const { enterNamespace } = await import('../src/wan/netns/namespace.js');
    enterNamespace(placement.namespaceFd);
  }
  const { ObjectStoreServer } = await import('../src/object-store/server.js');
  const { DatagramProbe } = await import('../src/transport/datagrams.js');
  const { host, port } = placement.listen;
  const server = await ObjectStoreServer.listen({ ...options, host, port });
  const datagrams = placement.packetLevel ? await DatagramProbe.listen(host, port) : undefined;
  parentPort!.on('message', (_: StoreCommand) => {
    datagrams?.close();
    void server.close().finally(() => parentPort!.close());
  });
  report({ type: 'ready' });
} catch (error) {
  report({ type: 'failed', message: messageOf(error) });
}
