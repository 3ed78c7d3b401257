/**
 * A collector as an outlet: each write is a UDP datagram.
 *
 * UDP has no brake: a collector that is busy for a moment loses what its socket's buffer doesn't hold, and nobody learns of
 * it. So datagrams leave at a steady pace, a few at a time. They wait in a queue; `drain` resolves when the queue is short,
 * so the reader waits, too, and what one chunk of a file makes is all that ever waits here.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { InputError, messageOf, RunError } from '../../errors.js';
import type { Outlet } from './outlet.js';

export interface CollectorOptions {
  readonly host: string;
  readonly port: number;
  /** Bit/s of UDP payload. */
  readonly rate: number;
}

/** Datagrams that leave at once; a socket's default buffer holds ten times as many of 1400 bytes. */
const AT_ONCE = 8;
const SHORT_QUEUE = 256;

export class CollectorOutlet implements Outlet {
  readonly isCollector = true;
  readonly #socket: Socket;
  readonly #place: string;
  readonly #bytesPerMilli: number;
  #queue: Buffer[] = [];
  #head = 0;
  #flying = 0;
  #timer: NodeJS.Timeout | undefined;
  #freeAt = 0;
  #failure: Error | undefined;
  #waiting: { below: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  private constructor(socket: Socket, place: string, rate: number) {
    this.#socket = socket;
    this.#place = place;
    this.#bytesPerMilli = rate / 8000;
    socket.on('error', (error) => this.#fail(error));
  }

  /** @throws InputError when the host's name has no address. */
  static async open({ host, port, rate }: CollectorOptions): Promise<CollectorOutlet> {
    const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const { address, family } = await lookup(host).catch((error: unknown) => {
      throw new InputError(
        `--collector: found "${place}" (${messageOf(error)}); allowed: a host that exists`,
      );
    });
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, address, () => {
        socket.off('error', reject);
        resolve();
      });
    }).catch((error: unknown) => {
      socket.close();
      throw new RunError(`cannot send to ${place}: ${messageOf(error)}`);
    });
    return new CollectorOutlet(socket, place, rate);
  }

  write(bytes: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#queue.push(Buffer.from(bytes));
    this.#timer ??= setTimeout(() => this.#sendSome(), 0);
  }

  drain(): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#waiting.length === 0 && this.#left <= SHORT_QUEUE ? undefined : this.#until(SHORT_QUEUE);
  }

  async close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#until(0);
    } finally {
      clearTimeout(this.#timer);
      this.#socket.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Datagrams that the kernel doesn't have yet. */
  get #left(): number {
    return this.#queue.length - this.#head + this.#flying;
  }

  #until(below: number): Promise<void> {
    if (this.#left <= below) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ below, resolve, reject }));
  }

  #sendSome(): void {
    const now = performance.now();
    if (this.#freeAt < now) this.#freeAt = now;
    for (let sent = 0; sent < AT_ONCE && this.#head < this.#queue.length; sent += 1) {
      const datagram = this.#queue[this.#head]!;
      this.#head += 1;
      this.#flying += 1;
      this.#freeAt += datagram.length / this.#bytesPerMilli;
      this.#socket.send(datagram, (error) => {
        this.#flying -= 1;
        if (error !== null) this.#fail(error);
        else this.#release();
      });
    }
    if (this.#head > SHORT_QUEUE) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    this.#timer =
      this.#head === this.#queue.length
        ? undefined
        : setTimeout(() => this.#sendSome(), Math.max(0, this.#freeAt - performance.now()));
  }

  #release(): void {
    if (this.#waiting.length === 0) return;
    const left = this.#left;
    const released = this.#waiting.filter(({ below }) => left <= below);
    this.#waiting = this.#waiting.filter(({ below }) => left > below);
    for (const { resolve } of released) resolve();
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = new RunError(`cannot send to ${this.#place}: ${reasonOf(error)}`);
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting) reject(this.#failure);
    this.#waiting = [];
  }
}

function reasonOf(error: Error): string {
  return 'code' in error && error.code === 'ECONNREFUSED' ? 'nobody listens there' : error.message;
}
