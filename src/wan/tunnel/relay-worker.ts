/**
 * The thread of one relay: a UDP port for each tunnel that it passes on. It enters the relay's namespace before it opens
 * a socket there.
 *
 * What comes from one side of a tunnel goes on to the other, whole and unread. A side is known by its address; its
 * port is learnt from what it sends, as any NAT would, for who calls may do so from whatever port.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.js';
import { setNiceness } from '../../thread-priority.js';
import { enterNamespace } from '../netns/namespace.js';
import type { RelaySession } from './plan.js';

export interface RelayThreadData {
  readonly namespaceFd: number;
  readonly sessions: readonly RelaySession[];
}

export type RelayReport = { readonly type: 'ready' } | { readonly type: 'failed'; readonly message: string };

/** As of the threads of nodes. */
const NETWORK_NICENESS = -10;
/** The kernel gives as much of this as it allows. */
const BUFFER_BYTES = 4 << 20;

const { namespaceFd, sessions } = workerData as RelayThreadData;
const report = (message: RelayReport): void => parentPort!.postMessage(message);

async function serve({ port, sides }: RelaySession): Promise<Socket> {
  const ports = sides.map((side) => side.port);
  const socket = createSocket('udp4');
  socket.on('message', (packet, from) => {
    const side = sides.findIndex(({ host }) => host === from.address);
    if (side < 0) return;
    ports[side] = from.port;
    // What can't be sent on is lost, as a packet may be.
    socket.send(packet, ports[1 - side], sides[1 - side]!.host, () => undefined);
  });
  socket.bind(port);
  await once(socket, 'listening');
  socket.setRecvBufferSize(BUFFER_BYTES);
  socket.setSendBufferSize(BUFFER_BYTES);
  return socket;
}

try {
  setNiceness(NETWORK_NICENESS);
  enterNamespace(namespaceFd);
  const sockets = await Promise.all(sessions.map(serve));
  parentPort!.once('message', () => {
    for (const socket of sockets) socket.close();
    parentPort!.close();
  });
  report({ type: 'ready' });
} catch (error) {
  report({ type: 'failed', message: messageOf(error) });
}
