/**
 * Measuring a path's rate and loss with a train of UDP datagrams.
 *
 * The receiver asks, the sender answers with a train slightly faster than the path should carry. The path
 * spaces the datagrams out, so the spacing at the receiver is the path's rate, and gaps in the numbering
 * are its loss. Unlike a TCP transfer this needs no warming up and says of loss what the path does, not
 * what a retransmission hides. Works only where whole packets pass (Fabric.packetLevel).
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochSeconds } from '../clock.js';
import { Deferred } from '../deferred.js';
import { RunError } from '../errors.js';

export interface Train {
  /** bit/s that the path should carry, in Ethernet frame bytes. */
  readonly rate: number;
  readonly packets: number;
  /** Bytes of the IP packet. */
  readonly mtu: number;
  /** Longest time until the first datagram of the train, seconds. */
  readonly patience: number;
}

export interface TrainResult {
  /** bit/s, in Ethernet frame bytes; 0 if fewer than two datagrams came. */
  readonly rate: number;
  readonly sent: number;
  readonly received: number;
}

const REQUEST = 0x4d425251; // "MBRQ"
const CARRIAGE = 0x4d424352; // "MBCR"
const HEADER_BYTES = 20;
const IP_UDP_BYTES = 28;
const ETHERNET_BYTES = 14;
/** The sender's rate over the path's: enough to keep the path busy, too little to overflow its queue. */
const OVERDRIVE = 1.1;
/** The kernel gives as much of this as it allows; what it can't hold while the reader is busy looks like loss. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Requests can be lost too. */
const ATTEMPTS = 4;
/** Silence after which a train is over, seconds. */
const SILENCE = 0.15;
const LARGEST_TRAIN = 10_000;

interface Arrivals {
  readonly train: number;
  received: number;
  first?: { index: number; time: number };
  last?: { index: number; time: number };
  readonly started: Deferred<void>;
}

/** A node's UDP port: answers requests for trains and can ask for one. */
export class DatagramProbe {
  readonly #socket: Socket;
  #arrivals: Arrivals | undefined;
  #trains = 0;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message, from) => this.#receive(message, from));
    socket.on('error', () => undefined);
  }

  static async listen(host: string, port: number): Promise<DatagramProbe> {
    const socket = createSocket('udp4');
    socket.bind(port, host);
    await once(socket, 'listening');
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return new DatagramProbe(socket);
  }

  /** Asks a peer for a train and measures it. One at a time. Throws a RunError if nothing comes. */
  async measure(host: string, port: number, train: Train): Promise<TrainResult> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const arrivals: Arrivals = { train: ++this.#trains, received: 0, started: new Deferred() };
      this.#arrivals = arrivals;
      this.#socket.send(request(arrivals.train, train), port, host);
      const answered = await Promise.race([
        arrivals.started.promise.then(() => true),
        sleep(train.patience * 1000, false),
      ]);
      if (!answered) continue;
      while (epochSeconds() - arrivals.last!.time < SILENCE) await sleep(SILENCE * 500);
      return result(arrivals, train);
    }
    throw new RunError(`no datagram came from ${host}:${port}`);
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  #receive(message: Buffer, from: RemoteInfo): void {
    const time = epochSeconds();
    if (message.length < HEADER_BYTES) return;
    if (message.readUInt32BE(0) === REQUEST) {
      void this.#send(message, from);
    } else if (message.readUInt32BE(0) === CARRIAGE && message.readUInt32BE(4) === this.#arrivals?.train) {
      const arrived = { index: message.readUInt32BE(8), time };
      this.#arrivals.received++;
      this.#arrivals.first ??= arrived;
      this.#arrivals.last = arrived;
      this.#arrivals.started.resolve();
    }
  }

  async #send(asked: Buffer, to: RemoteInfo): Promise<void> {
    const packets = Math.min(LARGEST_TRAIN, asked.readUInt32BE(8));
    const payload = Math.min(65_000, asked.readUInt32BE(12));
    const rate = asked.readUInt32BE(16) * 1000 * OVERDRIVE;
    const bits = 8 * (payload + IP_UDP_BYTES + ETHERNET_BYTES);
    const start = performance.now();
    for (let index = 0; index < packets && !this.#closed; index++) {
      const carriage = Buffer.alloc(payload);
      carriage.writeUInt32BE(CARRIAGE, 0);
      asked.copy(carriage, 4, 4, 8);
      carriage.writeUInt32BE(index, 8);
      this.#socket.send(carriage, to.port, to.address);
      const ahead = start + (1000 * (index + 1) * bits) / rate - performance.now();
      if (ahead > 1) await sleep(ahead);
    }
  }
}

function request(train: number, { packets, rate, mtu }: Train): Buffer {
  const message = Buffer.alloc(HEADER_BYTES);
  message.writeUInt32BE(REQUEST, 0);
  message.writeUInt32BE(train, 4);
  message.writeUInt32BE(packets, 8);
  message.writeUInt32BE(mtu - IP_UDP_BYTES, 12);
  message.writeUInt32BE(Math.round(rate / 1000), 16);
  return message;
}

function result({ first, last, received }: Arrivals, { packets, mtu }: Train): TrainResult {
  const span = last!.time - first!.time;
  // By numbers and not by count: lost datagrams had their time on the link too.
  const bits = (last!.index - first!.index) * (mtu + ETHERNET_BYTES) * 8;
  return { rate: span > 0 ? bits / span : 0, sent: packets, received };
}
