/**
 * A measuring instrument: a thread in a node's place, with the sockets that any program there could have.
 *
 * It serves echoes and takes in streams and trains on the mesh's port, and sends them when its owner says so. It keeps
 * what it saw (indices, instants, totals) and judges nothing. Since it only has sockets it measures what a program
 * would get from any fabric, whatever it is made of, and believes no shaper's own account.
 */
import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { epochSeconds } from '../clock.js';
import { messageOf } from '../errors.js';
import { setNiceness } from '../thread-priority.js';
import {
  DATAGRAM_CARRIAGE,
  DATAGRAM_ECHO,
  DATAGRAM_ECHOED,
  DATAGRAM_HEADER_BYTES,
  ECHO_BYTES,
  IP_UDP_BYTES,
  STREAM_ECHO,
  STREAM_ECHO_BYTES,
  STREAM_HEADER_BYTES,
  STREAM_SINK,
  type Departures,
  type EchoOrder,
  type EchoTimes,
  type InstrumentCommand,
  type InstrumentData,
  type InstrumentReply,
  type InstrumentRequest,
  type KernelCounters,
  type StreamArrivals,
  type TrainArrivals,
  type TrainOrder,
} from './instrument-protocol.js';

/** An instrument that waits for a busy machine shows delays and bursts that never were. */
const NICENESS = -15;
/** The kernel gives as much of this as it allows (net.core.rmem_max); what overflows it counts. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
const CHUNK = Buffer.alloc(64 * 1024);
/** A sender that was held up makes good at most this much, seconds: else it would fill queues with one burst. */
const CATCH_UP = 0.02;

const { placement } = workerData as InstrumentData;
if (placement.namespaceFd !== undefined) {
  const { enterNamespace } = await import('../wan/netns/namespace.js');
  enterNamespace(placement.namespaceFd);
}
setNiceness(NICENESS);

/** A list of numbers that grows without making garbage of itself at every step. */
class Series {
  #values = new Float64Array(4096);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  get values(): Float64Array {
    return this.#values.slice(0, this.#length);
  }
}

const flows = new Map<number, { bytes: number; readonly times: Series; readonly totals: Series }>();
const trains = new Map<string, { readonly indices: Series; readonly times: Series }>();
const trainName = (from: number, train: number): string => `${from} ${train}`;

function serve(socket: Socket): void {
  let start = Buffer.alloc(0);
  const begin = (chunk: Buffer): void => {
    start = Buffer.concat([start, chunk]);
    if (start.length < STREAM_HEADER_BYTES) return;
    socket.off('data', begin);
    const rest = start.subarray(STREAM_HEADER_BYTES);
    if (start[0] === STREAM_ECHO) {
      socket.write(rest);
      socket.on('data', (data) => socket.write(data));
    } else sink(socket, start.readUInt32BE(1), rest.length);
  };
  socket.on('data', begin);
  socket.on('error', () => socket.destroy());
}

function sink(socket: Socket, flow: number, already: number): void {
  const seen = { bytes: already, times: new Series(), totals: new Series() };
  flows.set(flow, seen);
  socket.on('data', ({ length }: Buffer) => {
    seen.bytes += length;
    seen.times.push(epochSeconds());
    seen.totals.push(seen.bytes);
  });
}

async function dial(peer: number, kind: number, flow: number): Promise<Socket> {
  const socket = connect({ ...placement.peers[peer]!, noDelay: true });
  await once(socket, 'connect');
  const header = Buffer.alloc(STREAM_HEADER_BYTES);
  header[0] = kind;
  header.writeUInt32BE(flow, 1);
  socket.write(header);
  return socket;
}

/** The first echo waits for the connection to be made, and is not counted. */
async function streamEcho({ peer, count, spacing }: Omit<EchoOrder, 'patience'>): Promise<EchoTimes> {
  const socket = await dial(peer, STREAM_ECHO, 0);
  const gone = once(socket, 'close').then(() => Promise.reject(new Error('the connection ended')));
  gone.catch(() => undefined); // It ends in order at the end.
  const message = Buffer.alloc(STREAM_ECHO_BYTES);
  const times = new Series();
  for (let turn = 0; turn <= count; turn++) {
    const sentAt = epochSeconds();
    socket.write(message);
    for (let missing = message.length; missing > 0;) {
      const [chunk] = (await Promise.race([once(socket, 'data'), gone])) as [Buffer];
      missing -= chunk.length;
    }
    const taken = epochSeconds() - sentAt;
    if (turn > 0) times.push(taken);
    if (taken < spacing) await sleep(1000 * (spacing - taken));
  }
  socket.destroy();
  return { sent: count, seconds: times.values };
}

async function stream(peer: number, flow: number, seconds: number): Promise<void> {
  const socket = await dial(peer, STREAM_SINK, flow);
  const failed = once(socket, 'error').then(([error]: unknown[]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  const until = epochSeconds() + seconds;
  for (let left = seconds; left > 0; left = until - epochSeconds()) {
    if (socket.write(CHUNK)) await Promise.race([immediate(), failed]);
    else await Promise.race([once(socket, 'drain'), sleep(1000 * left), failed]);
  }
  socket.resetAndDestroy();
}

/** A socket whose datagrams go to a peer, so that no address is looked up for each. */
async function socketTo(peer: number): Promise<DatagramSocket> {
  const socket = createSocket('udp4');
  const { host, port } = placement.peers[peer]!;
  socket.on('error', () => undefined); // Refused by a peer that is gone: then nothing comes back.
  socket.connect(port, host);
  await once(socket, 'connect');
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  return socket;
}

/** A datagram of an IP packet of so many bytes. */
function datagram(kind: number, train: number, index: number, bytes: number): Buffer {
  const message = Buffer.alloc(bytes - IP_UDP_BYTES);
  message.writeUInt32BE(kind, 0);
  message.writeUInt32BE(placement.rank, 4);
  message.writeUInt32BE(train, 8);
  message.writeUInt32BE(index, 12);
  return message;
}

/** Calls `send` for 0 … count−1, `pace` times a second; late ones at once, if they are not later than CATCH_UP. */
async function paced(count: number, pace: number, send: (index: number) => void): Promise<void> {
  let begun = epochSeconds();
  for (let index = 0; index < count;) {
    const now = epochSeconds();
    begun = Math.max(begun, now - index / pace - CATCH_UP);
    for (; index < count && begun + index / pace <= now; index++) send(index);
    await sleep(1);
  }
}

async function echo({ peer, count, spacing, patience }: EchoOrder): Promise<EchoTimes> {
  const socket = await socketTo(peer);
  try {
    const sentAt = new Float64Array(count);
    const times = new Map<number, number>();
    const all = new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        const now = epochSeconds();
        if (message.length < DATAGRAM_HEADER_BYTES || message.readUInt32BE(0) !== DATAGRAM_ECHOED) return;
        const index = message.readUInt32BE(12);
        if (!times.has(index)) times.set(index, now - sentAt[index]!);
        if (times.size === count) resolve();
      });
    });
    await paced(count, 1 / spacing, (index) => {
      sentAt[index] = epochSeconds();
      socket.send(datagram(DATAGRAM_ECHO, 0, index, ECHO_BYTES));
    });
    await Promise.race([all, sleep(1000 * patience)]);
    return { sent: count, seconds: Float64Array.from(times.values()) };
  } finally {
    socket.close();
  }
}

async function sendTrain({ peer, train, packets, bytes, pace }: TrainOrder): Promise<Departures> {
  const socket = await socketTo(peer);
  const times = new Float64Array(packets);
  try {
    await paced(packets, pace, (index) => {
      times[index] = epochSeconds();
      socket.send(datagram(DATAGRAM_CARRIAGE, train, index, bytes));
    });
    return { times };
  } finally {
    socket.close();
  }
}

function takeDatagram(message: Buffer, from: RemoteInfo): void {
  const time = epochSeconds();
  if (message.length < DATAGRAM_HEADER_BYTES) return;
  const kind = message.readUInt32BE(0);
  if (kind === DATAGRAM_ECHO) {
    message.writeUInt32BE(DATAGRAM_ECHOED, 0);
    server.send(message, from.port, from.address);
  } else if (kind === DATAGRAM_CARRIAGE) {
    const name = trainName(message.readUInt32BE(4), message.readUInt32BE(8));
    let seen = trains.get(name);
    if (seen === undefined) trains.set(name, (seen = { indices: new Series(), times: new Series() }));
    seen.indices.push(message.readUInt32BE(12));
    seen.times.push(time);
  }
}

function streamArrivals(flow: number): StreamArrivals {
  const seen = flows.get(flow);
  flows.delete(flow);
  return {
    times: seen?.times.values ?? new Float64Array(),
    totals: seen?.totals.values ?? new Float64Array(),
  };
}

function trainArrivals(from: number, train: number): TrainArrivals {
  const name = trainName(from, train);
  const seen = trains.get(name);
  trains.delete(name);
  return {
    indices: Uint32Array.from(seen?.indices.values ?? []),
    times: seen?.times.values ?? new Float64Array(),
  };
}

/** The thread's own network's, not the process's. */
function kernelCounters(): KernelCounters {
  const [names = [], values = []] = readFileSync('/proc/thread-self/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  const valueOf = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
  return { overflowed: valueOf('RcvbufErrors'), damaged: valueOf('InCsumErrors') };
}

function perform(command: InstrumentCommand): unknown {
  switch (command.do) {
    case 'echo':
      return echo(command);
    case 'stream-echo':
      return streamEcho(command);
    case 'stream':
      return stream(command.peer, command.flow, command.seconds);
    case 'stream-arrivals':
      return streamArrivals(command.flow);
    case 'train':
      return sendTrain(command);
    case 'train-arrivals':
      return trainArrivals(command.from, command.train);
    case 'counters':
      return kernelCounters();
  }
}

const owner = parentPort;
if (owner === null) throw new Error('this module is the entry of a worker thread');
owner.on('message', ({ id, command }: InstrumentRequest) => {
  const reply = (message: InstrumentReply): void => owner.postMessage(message);
  Promise.resolve()
    .then(() => perform(command))
    .then(
      (answer) => reply({ id, answer }),
      (error: unknown) => reply({ id, error: messageOf(error) }),
    );
});

const { host, port } = placement.listen;
const streams = createServer({ noDelay: true }, serve);
streams.listen(port, host);
await once(streams, 'listening');
const server = createSocket('udp4', takeDatagram);
if (placement.packetLevel) {
  server.bind(port, host);
  await once(server, 'listening');
  server.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
}
owner.postMessage('ready');
