/**
 * A node that trains nothing: it serves echo and sink on its mesh port, and dials peers on command.
 *
 * It lives where a fabric placed it, in a thread as a real node does, so what it measures is what a real
 * node's sockets would see.
 */
import { createHash, randomBytes, type Hash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import {
  DONE_BYTES,
  ECHO,
  HEADER_BYTES,
  SINK,
  type BulkReceived,
  type BulkSent,
  type EchoCommand,
  type EchoReply,
  type EchoRequest,
  type EchoTimes,
  type EchoWorkerSettings,
  type Flooded,
} from './echo-protocol.js';

const { placement } = workerData as EchoWorkerSettings;
if (placement.namespaceFd !== undefined) {
  const { enterNamespace } = await import('../../src/wan/netns/namespace.js');
  enterNamespace(placement.namespaceFd);
}

// A measuring instrument that has to wait for a busy machine shows bursts that never were.
try {
  setPriority(-15); // on Linux of this thread alone, where the user may
} catch {
  // Then measurements are a little coarser.
}

interface Arrival {
  readonly hash: Hash;
  bytes: number;
  readonly times: number[];
  readonly totals: number[];
}

const arrivals = new Map<number, Arrival>();
let datagrams = 0;

const seconds = (): number => performance.now() / 1000;

function header(kind: number, transfer: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = kind;
  bytes.writeUInt32BE(transfer, 1);
  return bytes;
}

function serve(socket: Socket): void {
  let start = Buffer.alloc(0);
  const begin = (chunk: Buffer): void => {
    start = Buffer.concat([start, chunk]);
    if (start.length < HEADER_BYTES) return;
    socket.off('data', begin);
    const rest = start.subarray(HEADER_BYTES);
    if (start[0] === ECHO) echo(socket, rest);
    else sink(socket, start.readUInt32BE(1), rest);
  };
  socket.on('data', begin);
  socket.on('error', () => socket.destroy());
}

function echo(socket: Socket, rest: Buffer): void {
  socket.setNoDelay(true);
  socket.write(rest);
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('end', () => socket.end());
}

function sink(socket: Socket, transfer: number, rest: Buffer): void {
  const arrival: Arrival = { hash: createHash('sha256'), bytes: 0, times: [], totals: [] };
  arrivals.set(transfer, arrival);
  const take = (chunk: Buffer): void => {
    arrival.hash.update(chunk);
    arrival.bytes += chunk.length;
    arrival.times.push(seconds());
    arrival.totals.push(arrival.bytes);
  };
  take(rest);
  socket.on('data', take);
  socket.on('end', () => socket.end(Buffer.alloc(DONE_BYTES)));
}

function received(transfer: number): BulkReceived {
  const arrival = arrivals.get(transfer);
  if (arrival === undefined) return { bytes: 0, sha256: '', times: [], totals: [] };
  const { bytes, times, totals } = arrival;
  return { bytes, sha256: arrival.hash.copy().digest('hex'), times, totals };
}

async function dial(peer: number): Promise<Socket> {
  const socket = connect({ ...placement.peers[peer]!, noDelay: true, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

async function ping(peer: number, count: number, bytes: number): Promise<EchoTimes> {
  const socket = await dial(peer);
  socket.write(header(ECHO, 0));
  const message = Buffer.alloc(bytes, 1);
  const gone = once(socket, 'close').then(() => {
    throw new Error('the connection ended');
  });
  const times: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const sentAt = seconds();
    socket.write(message);
    for (let missing = bytes; missing > 0;) {
      const [chunk] = (await Promise.race([once(socket, 'data'), gone])) as [Buffer];
      missing -= chunk.length;
    }
    times.push(seconds() - sentAt);
  }
  socket.end();
  await gone.catch(() => undefined);
  return times;
}

async function bulk(peer: number, bytes: number, transfer: number): Promise<BulkSent> {
  const socket = await dial(peer);
  const payload = randomBytes(bytes);
  socket.write(header(SINK, transfer));
  socket.end(payload);
  await Promise.all([once(socket, 'data'), once(socket, 'close')]);
  return { sha256: createHash('sha256').update(payload).digest('hex') };
}

async function flood(peer: number, duration: number, transfer: number): Promise<Flooded> {
  const socket = await dial(peer);
  socket.write(header(SINK, transfer));
  const chunk = Buffer.alloc(65536);
  const until = seconds() + duration;
  while (seconds() < until) {
    if (socket.write(chunk)) await sleep(0);
    else await Promise.race([once(socket, 'drain'), sleep(1000 * Math.max(0, until - seconds()))]);
  }
  const accepted = socket.bytesWritten - socket.writableLength;
  socket.resetAndDestroy();
  return { accepted };
}

async function blast(peer: number, duration: number, rate: number, bytes: number): Promise<number> {
  const socket = createSocket('udp4');
  const payload = Buffer.alloc(bytes);
  const { host, port } = placement.peers[peer]!;
  const began = seconds();
  let sent = 0;
  for (let elapsed = 0; elapsed < duration; elapsed = seconds() - began) {
    for (; sent < (elapsed * rate) / 8 / bytes; sent++) socket.send(payload, port, host);
    await sleep(1);
  }
  await new Promise<void>((resolve) => socket.close(resolve));
  return sent;
}

function perform(command: EchoCommand): unknown {
  switch (command.do) {
    case 'ping':
      return ping(command.peer, command.count, command.bytes);
    case 'bulk':
      return bulk(command.peer, command.bytes, command.transfer);
    case 'received':
      return received(command.transfer);
    case 'flood':
      return flood(command.peer, command.seconds, command.transfer);
    case 'blast':
      return blast(command.peer, command.seconds, command.rate, command.bytes);
    case 'datagrams':
      return datagrams;
  }
}

const owner = parentPort;
if (owner === null) throw new Error('this module is the entry of a worker thread');
owner.on('message', ({ id, command }: EchoRequest) => {
  const reply = (message: EchoReply): void => owner.postMessage(message);
  Promise.resolve()
    .then(() => perform(command))
    .then(
      (answer) => reply({ id, answer }),
      (error: unknown) => reply({ id, error: error instanceof Error ? `${error.message}` : String(error) }),
    );
});

const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
server.listen(placement.listen.port, placement.listen.host);
await once(server, 'listening');
const datagramServer = createSocket('udp4', () => void datagrams++);
datagramServer.bind(placement.listen.port, placement.listen.host);
await once(datagramServer, 'listening');
owner.postMessage('ready');
