/**
 * Entry point of a node that is a worker thread: enters its network namespace, if it has one, before it
 * loads anything that could open a socket, then runs as any node does.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { setNiceness } from '../src/thread-priority.js';
import type { Placement } from '../src/wan/fabric.js';

export interface NodeThreadData {
  readonly orchestrator: string;
  readonly token: string;
  readonly placement: Placement;
  readonly device: MessagePort;
  /** See Checkpoints; in a run in which nodes crash. */
  readonly checkpoints?: SharedArrayBuffer;
}

/** Of this thread, which carries the node's traffic, for users who may raise it. */
const NETWORK_NICENESS = -10;

const { orchestrator, token, placement, device, checkpoints: kept } = workerData as NodeThreadData;

setNiceness(NETWORK_NICENESS);

if (placement.namespaceFd !== undefined) {
  const { enterNamespace } = await import('../src/wan/netns/namespace.js');
  enterNamespace(placement.namespaceFd);
}
const { credentials } = await import('@grpc/grpc-js');
const { runNode } = await import('./node.js');
const { RemoteDevice } = await import('./device-port.js');
const { Checkpoints } = await import('../src/training/checkpoints.js');
const checkpoints = kept === undefined ? {} : { checkpoints: new Checkpoints(kept) };
const remote = new RemoteDevice(device);
const close = (): Promise<void> => Promise.resolve();
try {
  await runNode({
    channel: { address: orchestrator, credentials: credentials.createInsecure() },
    hello: { token },
    settle: () => Promise.resolve({ placement, device: remote, close, ...checkpoints }),
  });
} finally {
  remote.close();
  parentPort?.close();
}
