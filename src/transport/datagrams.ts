/**
 * Measuring a path's rate and loss with a train of UDP datagrams.
 *
 * The receiver asks, the sender answers with a train faster than the path should carry. The path spaces the
 * datagrams out, so the spacing at the receiver is the path's rate, and gaps in the numbering are its loss.
 * A busy machine makes either end pause: the sender is ahead of the path, so its pauses pass unnoticed, and
 * the rate is a median, so those of the receiver, which then reads many datagrams at one instant, do not count. Unlike a TCP transfer this needs no warming up and says of loss what the path does, not
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
  /** Seconds of the train that a queue on the path may hold. */
  readonly queue: number;
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
/** The most by which the sender is faster than the path. */
const MOST_OVERDRIVE = 2;
/** What a train may take of a queue. */
const QUEUE_SHARE = 0.5;
/** The kernel gives as much of this as it allows; what it can't hold while the reader is busy looks like loss. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Requests can be lost too. */
const ATTEMPTS = 4;
/** Silence after which a train is over, seconds. */
const SILENCE = 0.15;
const LARGEST_TRAIN = 10_000;

/** A datagram's number in its train, and when it was read, seconds since 1970. */
export interface Arrival {
  readonly index: number;
  readonly time: number;
}

interface Arrivals {
  readonly train: number;
  readonly seen: Arrival[];
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
      const arrivals: Arrivals = { train: ++this.#trains, seen: [], started: new Deferred() };
      this.#arrivals = arrivals;
      this.#socket.send(request(arrivals.train, train), port, host);
      const answered = await Promise.race([
        arrivals.started.promise.then(() => true),
        sleep(train.patience * 1000, false),
      ]);
      if (!answered) continue;
      while (epochSeconds() - arrivals.seen.at(-1)!.time < SILENCE) await sleep(SILENCE * 500);
      const { seen } = arrivals;
      return { rate: rateOf(seen, train.mtu), sent: train.packets, received: seen.length };
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
      this.#arrivals.seen.push({ index: message.readUInt32BE(8), time });
      this.#arrivals.started.resolve();
    }
  }

  async #send(asked: Buffer, to: RemoteInfo): Promise<void> {
    const packets = Math.min(LARGEST_TRAIN, asked.readUInt32BE(8));
    const payload = Math.min(65_000, asked.readUInt32BE(12));
    const rate = asked.readUInt32BE(16) * 1000;
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

function request(train: number, { packets, rate, queue, mtu }: Train): Buffer {
  const seconds = (packets * (mtu + ETHERNET_BYTES) * 8) / rate;
  // A train that is sent in seconds / overdrive leaves seconds * (1 - 1 / overdrive) of itself in the queue.
  const overdrive = 1 / Math.max(1 / MOST_OVERDRIVE, 1 - (QUEUE_SHARE * queue) / seconds);

  const message = Buffer.alloc(HEADER_BYTES);
  message.writeUInt32BE(REQUEST, 0);
  message.writeUInt32BE(train, 4);
  message.writeUInt32BE(packets, 8);
  message.writeUInt32BE(mtu - IP_UDP_BYTES, 12);
  message.writeUInt32BE(Math.round((overdrive * rate) / 1000), 16);
  return message;
}

/**
 * Rate of a train from its arrivals, bit/s in Ethernet frame bytes: the median of the slopes between each
 * arrival and the one half a train later (H. Theil, 1950, the incomplete method). Slopes go by numbers and
 * not by counts, since lost datagrams had their time on the link too. 0 for fewer than two arrivals.
 *
 * @param mtu bytes of each IP packet
 */
export function rateOf(arrivals: readonly Arrival[], mtu: number): number {
  const half = Math.floor(arrivals.length / 2);
  const slopes: number[] = [];
  for (let from = 0; from + half < arrivals.length && half > 0; from++) {
    const [one, other] = [arrivals[from]!, arrivals[from + half]!];
    slopes.push((other.index - one.index) / Math.max(Number.EPSILON, other.time - one.time));
  }
  if (slopes.length === 0) return 0;
  slopes.sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)]! * (mtu + ETHERNET_BYTES) * 8;
}
