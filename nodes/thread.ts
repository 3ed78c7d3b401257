/**
 * Entry point of a node that is a worker thread: enters its network namespace, if it has one, before it
 * loads anything that could open a socket, then runs as any node does.
 */
import os from 'node:os';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Placement } from '../src/wan/fabric.js';

export interface NodeThreadData {
  readonly orchestrator: string;
  readonly token: string;
  readonly placement: Placement;
  readonly device: MessagePort;
}

/** Of a node's thread, for users who may raise priorities. */
const NETWORK_NICENESS = -10;

const { orchestrator, token, placement, device } = workerData as NodeThreadData;

// A node's network stack must answer at once, as a real node's would, whatever else this machine computes. On
// Linux the priority is the calling thread's; where the user may not raise it, it stays as it is.
if (process.platform === 'linux') raisePriority();

function raisePriority(): void {
  try {
    os.setPriority(NETWORK_NICENESS);
  } catch (error) {
    // The error's code is ERR_SYSTEM_ERROR, whatever the system said; its errno is what the system said.
    if ((error as NodeJS.ErrnoException).errno !== -os.constants.errno.EACCES) throw error;
  }
}

if (placement.namespaceFd !== undefined) {
  const { enterNamespace } = await import('../src/wan/netns/namespace.js');
  enterNamespace(placement.namespaceFd);
}
const { credentials } = await import('@grpc/grpc-js');
const { runNode } = await import('./node.js');
const { RemoteDevice } = await import('./device-port.js');
const remote = new RemoteDevice(device);
const close = (): Promise<void> => Promise.resolve();
try {
  await runNode({
    channel: { address: orchestrator, credentials: credentials.createInsecure() },
    hello: { token },
    settle: () => Promise.resolve({ placement, device: remote, close }),
  });
} finally {
  remote.close();
  parentPort?.close();
}
