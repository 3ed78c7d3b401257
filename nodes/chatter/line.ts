/**
 * A control connection that stays: habits speak on it, and what comes back is counted for whoever asked, in the
 * order of the questions, for that is the order of the answers.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { messageOf, RunError } from '../../src/errors.js';
import { message } from './message.js';
import type { Tally } from './tally.js';

export interface ControlAddress {
  readonly host: string;
  readonly port: number;
  /** Of the node, for messages to people. */
  readonly name: string;
}

/** Connects to a control port. @throws RunError that names the node */
export async function dial({ host, port, name }: ControlAddress): Promise<Socket> {
  const socket = connect(port, host).setNoDelay();
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new RunError(`no control connection to ${name}: ${messageOf(error)}`);
  }
  return socket;
}

export class Line {
  readonly #socket: Socket;
  /** Answers that are still to come. */
  readonly #awaited: { readonly tally: Tally; left: number }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (piece: Buffer) => this.#count(piece.length));
  }

  /** @param onBreak called when the connection ends without close(). */
  static async open(address: ControlAddress, onBreak: (error: RunError) => void): Promise<Line> {
    const socket = await dial(address);
    let reason = 'it was closed there';
    socket.on('error', (error) => (reason = error.message));
    socket.on('close', () => onBreak(new RunError(`control connection to ${address.name} broke: ${reason}`)));
    return new Line(socket);
  }

  say(request: number, response: number, tally: Tally): void {
    tally.began();
    tally.sent(request);
    if (response > 0) this.#awaited.push({ tally, left: response });
    this.#socket.write(message(request, response));
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #count(bytes: number): void {
    for (let left = bytes; left > 0;) {
      const [first] = this.#awaited;
      if (first === undefined) return;
      const taken = Math.min(first.left, left);
      first.tally.received(taken);
      first.left -= taken;
      left -= taken;
      if (first.left === 0) this.#awaited.shift();
    }
  }
}
