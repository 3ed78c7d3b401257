/** Control messages as datagrams: one socket that asks and answers, as a QUIC endpoint has it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { messageOf, RunError } from '../../src/errors.js';
import type { ControlAddress } from './line.js';
import { HEADER_BYTES, message, wantedBy } from './message.js';
import type { Tally } from './tally.js';

export class Datagrams {
  readonly #socket: Socket;
  /** Who asked last, by the address that the answer will come from. Habits that ask take turns with a peer. */
  readonly #askers = new Map<string, Tally>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (datagram, from) => this.#hear(datagram, from));
    // A datagram may be lost; that it can't even be sent, as when the peer is gone, is no more than that.
    socket.on('error', () => undefined);
  }

  /** @throws RunError if the port is taken */
  static async listen({ host, port }: Omit<ControlAddress, 'name'>): Promise<Datagrams> {
    const socket = createSocket('udp4');
    socket.bind(port, host);
    try {
      await once(socket, 'listening');
    } catch (error) {
      throw new RunError(`can't listen for datagrams on ${host}:${port}: ${messageOf(error)}`);
    }
    return new Datagrams(socket);
  }

  say({ host, port }: ControlAddress, request: number, response: number, tally: Tally): void {
    tally.began();
    tally.sent(request);
    if (response > 0) this.#askers.set(`${host}:${port} ${response}`, tally);
    this.#socket.send(message(request, response), port, host);
  }

  close(): void {
    this.#socket.close();
  }

  #hear(datagram: Buffer, from: RemoteInfo): void {
    const wanted = wantedBy(datagram);
    if (wanted >= HEADER_BYTES) this.#socket.send(message(wanted, 0), from.port, from.address);
    else this.#askers.get(`${from.address}:${from.port} ${datagram.length}`)?.received(datagram.length);
  }
}
