/**
 * Measuring a path's rate and loss with a train of UDP datagrams.
 *
 * The receiver asks, the sender answers with a train faster than the path should carry. The path spaces the
 * datagrams out, so the spacing at the receiver is the path's rate, and gaps in the numbering are its loss.
 * A busy machine makes either end pause: the sender is ahead of the path, so its pauses pass unnoticed, and
 * the rate is a median, so those of the receiver, which then reads many datagrams at one instant, do not count.
 * Unlike a TCP transfer this needs no warming up and says of loss what the path does, not what a retransmission
 * hides. Works only where whole packets pass (Fabric.packetLevel).
 *
 * Where the receiver is nobody who could be told to ask, the sender sends a train unasked, and is answered with
 * what arrived of it.
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
  /** Bytes of the Ethernet frame that it is on the path; default: the packet and its header. In a tunnel it is more. */
  readonly frame?: number;
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
const UNASKED = 0x4d42554e; // "MBUN"
const REPORT = 0x4d425250; // "MBRP"
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

/** How a train is sent. */
interface Departure {
  readonly packets: number;
  /** Bytes of each datagram. */
  readonly payload: number;
  /** bit/s, in Ethernet frame bytes. */
  readonly rate: number;
}

/** A host's UDP port: answers requests for trains, can ask for one, and can send one unasked. */
export class DatagramProbe {
  readonly #socket: Socket;
  #arrivals: Arrivals | undefined;
  /** Of trains that came unasked, by sender and number. */
  readonly #unasked = new Map<string, Arrival[]>();
  /** What is waited for: the report on a train sent unasked. */
  #report: { readonly train: number; readonly came: Deferred<Omit<TrainResult, 'sent'>> } | undefined;
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
      return { rate: rateOf(seen, train.mtu) * growth(train), sent: train.packets, received: distinct(seen) };
    }
    throw new RunError(`no datagram came from ${host}:${port}`);
  }

  /** Sends a train to a peer and has it measured there. One at a time. Throws a RunError if no report comes. */
  async measureTowards(host: string, port: number, train: Train): Promise<TrainResult> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const report = { train: ++this.#trains, came: new Deferred<Omit<TrainResult, 'sent'>>() };
      this.#report = report;
      await this.#depart(UNASKED, report.train, departureOf(train), { address: host, port });
      const patience = 1000 * (train.patience + 2 * SILENCE + train.queue);
      const result = await Promise.race([report.came.promise, sleep(patience, undefined)]);
      if (result !== undefined) return { ...result, rate: result.rate * growth(train), sent: train.packets };
    }
    throw new RunError(`no report on datagrams came from ${host}:${port}`);
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  #receive(message: Buffer, from: RemoteInfo): void {
    const time = epochSeconds();
    if (message.length < HEADER_BYTES) return;
    const [kind, train] = [message.readUInt32BE(0), message.readUInt32BE(4)];
    const arrival: Arrival = { index: message.readUInt32BE(8), time };
    if (kind === REQUEST) {
      void this.#depart(CARRIAGE, train, departureAsked(message), from);
    } else if (kind === CARRIAGE && train === this.#arrivals?.train) {
      this.#arrivals.seen.push(arrival);
      this.#arrivals.started.resolve();
    } else if (kind === UNASKED) {
      const name = `${from.address}:${from.port} ${train}`;
      const seen = this.#unasked.get(name);
      if (seen !== undefined) seen.push(arrival);
      else {
        this.#unasked.set(name, [arrival]);
        void this.#reportOn(name, train, message.length + IP_UDP_BYTES, from);
      }
    } else if (kind === REPORT && train === this.#report?.train) {
      this.#report.came.resolve({ rate: message.readDoubleBE(12), received: message.readUInt32BE(8) });
    }
  }

  /** Tells the sender of a train what came of it, once nothing more comes. */
  async #reportOn(name: string, train: number, mtu: number, to: RemoteInfo): Promise<void> {
    const seen = this.#unasked.get(name)!;
    while (epochSeconds() - seen.at(-1)!.time < SILENCE) await sleep(SILENCE * 500);
    this.#unasked.delete(name);
    if (this.#closed) return;
    const report = Buffer.alloc(HEADER_BYTES);
    report.writeUInt32BE(REPORT, 0);
    report.writeUInt32BE(train, 4);
    report.writeUInt32BE(distinct(seen), 8);
    report.writeDoubleBE(rateOf(seen, mtu), 12);
    this.#socket.send(report, to.port, to.address);
  }

  async #depart(
    kind: number,
    train: number,
    { packets, payload, rate }: Departure,
    to: Pick<RemoteInfo, 'address' | 'port'>,
  ): Promise<void> {
    const bits = 8 * (payload + IP_UDP_BYTES + ETHERNET_BYTES);
    const start = performance.now();
    for (let index = 0; index < packets && !this.#closed; index++) {
      const carriage = Buffer.alloc(payload);
      carriage.writeUInt32BE(kind, 0);
      carriage.writeUInt32BE(train, 4);
      carriage.writeUInt32BE(index, 8);
      this.#socket.send(carriage, to.port, to.address);
      const ahead = start + (1000 * (index + 1) * bits) / rate - performance.now();
      if (ahead > 1) await sleep(ahead);
    }
  }
}

/** How many datagrams came, each counted once however often it did. */
const distinct = (arrivals: readonly Arrival[]): number => new Set(arrivals.map(({ index }) => index)).size;

/** How much larger a datagram is on the path than where it is sent. */
const growth = ({ mtu, frame = mtu + ETHERNET_BYTES }: Train): number => frame / (mtu + ETHERNET_BYTES);

function departureOf(train: Train): Departure {
  const { packets, queue, mtu } = train;
  const rate = train.rate / growth(train);
  const seconds = (packets * (mtu + ETHERNET_BYTES) * 8) / rate;
  // A train that is sent in seconds / overdrive leaves seconds * (1 - 1 / overdrive) of itself in the queue.
  const overdrive = 1 / Math.max(1 / MOST_OVERDRIVE, 1 - (QUEUE_SHARE * queue) / seconds);
  return { packets, payload: mtu - IP_UDP_BYTES, rate: overdrive * rate };
}

/** Of who asks for too much, only so much. */
function departureAsked(request: Buffer): Departure {
  return {
    packets: Math.min(LARGEST_TRAIN, request.readUInt32BE(8)),
    payload: Math.min(65_000, request.readUInt32BE(12)),
    rate: request.readUInt32BE(16) * 1000,
  };
}

function request(train: number, asked: Train): Buffer {
  const { packets, payload, rate } = departureOf(asked);
  const message = Buffer.alloc(HEADER_BYTES);
  message.writeUInt32BE(REQUEST, 0);
  message.writeUInt32BE(train, 4);
  message.writeUInt32BE(packets, 8);
  message.writeUInt32BE(payload, 12);
  message.writeUInt32BE(Math.round(rate / 1000), 16);
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
