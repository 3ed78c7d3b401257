/**
 * The side of control traffic that is spoken to: takes what comes to a node's control port and answers as asked.
 *
 * It keeps no books: who asks, counts. The node whom others take for the coordinator is a responder like any.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf, RunError } from '../../src/errors.js';
import { LARGEST_NOISE, MessageReader, noise } from './message.js';

export class Responder {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => this.#hear(socket));
  }

  /** @throws RunError if the port is taken */
  static async listen({ host, port }: { readonly host: string; readonly port: number }): Promise<Responder> {
    const responder = new Responder();
    responder.#server.listen(port, host);
    try {
      await once(responder.#server, 'listening');
    } catch (error) {
      throw new RunError(`can't listen for control traffic on ${host}:${port}: ${messageOf(error)}`);
    }
    return responder;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #hear(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay();
    const reader = new MessageReader();
    let answered = Promise.resolve();
    socket.on('data', (piece: Buffer) => {
      for (const bytes of reader.read(piece)) answered = answered.then(() => writeNoise(socket, bytes));
    });
    socket.on('error', () => undefined); // Who asked meets it too, and knows what it means.
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** Writes so many bytes as the connection takes them; gives up in silence when it is gone. */
async function writeNoise(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0 && socket.writable; left -= LARGEST_NOISE)
    if (!socket.write(noise(Math.min(left, LARGEST_NOISE)))) await drained(socket);
}

/** Waits until a connection takes more, or is gone. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
}
