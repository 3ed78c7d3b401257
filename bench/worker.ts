/**
 * One node of a benchmark: a thread, in a namespace or on loopback, that can copy bytes around the ring in
 * two ways: by plain TCP sockets, and by an all-reduce over the project's own data plane.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { Operation } from '../src/schedule/operation.js';
import type { Identity } from '../src/transport/certificates.js';

export interface BenchWorkerData {
  readonly rank: number;
  readonly namespaceFd?: number;
  /** By rank; the raw copy uses the port above. */
  readonly peers: readonly { readonly host: string; readonly port: number; readonly name: string }[];
  /** Absent: no TLS. */
  readonly identity?: Identity;
  readonly elements: number;
}

export type BenchCommand =
  | { readonly type: 'connect' }
  | { readonly type: 'all-reduce'; readonly round: number; readonly operations: readonly Operation[] }
  | { readonly type: 'raw'; readonly bytes: number; readonly chunk: number }
  | { readonly type: 'close' };

const data = workerData as BenchWorkerData;
if (data.namespaceFd !== undefined) {
  const { enterNamespace } = await import('../src/wan/netns/namespace.js');
  enterNamespace(data.namespaceFd);
}
const { Mesh } = await import('../src/transport/mesh.js');
const { play } = await import('../nodes/player.js');
const { readSlice, writeSlice } = await import('../src/schedule/transfer.js');
const { allocateReplica } = await import('../src/training/memory.js');

const { rank, peers } = data;
const size = peers.length;
const next = (rank + 1) % size;
const previous = (rank + size - 1) % size;
const own = peers[rank]!;
const mesh = await Mesh.start({
  rank,
  listen: own,
  peers,
  ...(data.identity === undefined ? {} : { identity: data.identity }),
});
const memory = allocateReplica(data.elements);
let server: Server | undefined;
let outgoing: Socket | undefined;
let incoming: Socket | undefined;

async function connectRing(): Promise<void> {
  server = createServer();
  server.listen(own.port + 1, own.host);
  await once(server, 'listening');
  parentPort!.postMessage('listening');
  await once(parentPort!, 'message');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  outgoing = connect(peers[next]!.port + 1, peers[next]!.host).setNoDelay();
  [[incoming]] = await Promise.all([accepted, once(outgoing, 'connect'), mesh.connect(previous)]);
  incoming.on('data', (piece: Buffer) => {
    arrived += piece.length;
    if (arrived >= awaited) enough();
  });
}

async function allReduce(round: number, operations: readonly Operation[]): Promise<void> {
  await play(operations, {
    perform: async (operation) => {
      if (operation.kind === 'send') {
        const { offset, length, sequence, peer, encoding } = operation;
        const bytes = readSlice(operation, memory, { seed: 1, rank, round });
        await mesh.send(peer, { round, sequence, encoding: encoding.kind, length, offset, data: bytes });
      } else if (operation.kind === 'recv') {
        const slice = await mesh.receive(operation.peer);
        writeSlice(operation, slice.data, memory);
      }
    },
  });
}

/** Bytes that raw copies have brought, and that they should have brought once the one asked for is over. */
let arrived = 0;
let awaited = 0;
let enough: () => void = () => undefined;

/** Sends so many bytes to the next node while as many come from the one before. */
async function rawCopy(bytes: number, chunk: number): Promise<void> {
  awaited += bytes;
  const received = new Promise<void>((resolve) => (enough = resolve));
  if (arrived >= awaited) enough();
  const piece = Buffer.alloc(chunk);
  for (let sent = 0; sent < bytes; sent += chunk) {
    if (!outgoing!.write(piece.subarray(0, Math.min(chunk, bytes - sent)))) await once(outgoing!, 'drain');
  }
  await received;
}

async function obey(command: BenchCommand): Promise<void> {
  if (command.type === 'all-reduce') await allReduce(command.round, command.operations);
  else if (command.type === 'raw') await rawCopy(command.bytes, command.chunk);
  else if (command.type === 'close') {
    mesh.close();
    for (const socket of [outgoing, incoming]) socket?.destroy();
    server?.close();
    parentPort!.close();
  }
}

await connectRing();
parentPort!.on('message', (command: BenchCommand) => {
  void obey(command).then(() => {
    if (command.type !== 'close') parentPort!.postMessage('done');
  });
});
parentPort!.postMessage('connected');
