/** Transfers before training, each on connections of its own: floods that measure bandwidth, and downloads. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { RunError } from '../../src/errors.js';
import { dial, type ControlAddress } from './line.js';
import { message } from './message.js';
import type { Tally } from './tally.js';

/** A connection, while it lasts, is handed to the owner, who may destroy it. */
export type Own = (socket: Socket) => void;

/** Of a flood: each piece is answered by as little as there is, so that it is known what has arrived. */
const PIECE_BYTES = 16 * 1024;
const RECEIPT_BYTES = 8;

export interface Flood {
  readonly seconds: number;
  readonly connections: number;
  /**
   * Bytes on their way or waiting to be, over all connections. Without a bound the kernel would take a MiB for each
   * connection at once, and send on long after the end.
   */
  readonly window: number;
}

/**
 * Sends as fast as the network takes it for so many seconds, then waits until the other end has it all.
 *
 * @throws RunError if there is no connection, or it breaks
 */
export async function flood(
  address: ControlAddress,
  { seconds, connections, window }: Flood,
  tally: Tally,
  own: Own,
): Promise<void> {
  tally.began();
  const most = Math.max(1, Math.round(window / connections / PIECE_BYTES));
  const one = async (): Promise<void> => {
    const socket = await dial(address);
    own(socket);
    const broken = breakOf(socket, address);
    let [sent, receiptBytes] = [0, 0];
    const underWay = (): number => sent - Math.floor(receiptBytes / RECEIPT_BYTES);
    socket.on('data', (receipts: Buffer) => {
      receiptBytes += receipts.length;
      tally.received(receipts.length);
    });
    const end = performance.now() + 1000 * seconds;
    for (;;) {
      const sending = performance.now() < end;
      if (!sending && underWay() === 0) break;
      if (sending && underWay() < most) {
        socket.write(message(PIECE_BYTES, RECEIPT_BYTES));
        tally.sent(PIECE_BYTES);
        sent++;
      } else await Promise.race([once(socket, 'data'), broken]);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, one));
  tally.ended();
}

/**
 * Asks for so many bytes and waits until they are here.
 *
 * @throws RunError if there is no connection, or it breaks
 */
export async function download(
  address: ControlAddress,
  { request, bytes }: { readonly request: number; readonly bytes: number },
  tally: Tally,
  own: Own,
): Promise<void> {
  tally.began();
  const socket = await dial(address);
  own(socket);
  const broken = breakOf(socket, address);
  const complete = new Promise<void>((resolve) => {
    let left = bytes;
    socket.on('data', (piece: Buffer) => {
      tally.received(piece.length);
      left -= piece.length;
      if (left <= 0) resolve();
    });
  });
  socket.write(message(request, bytes));
  tally.sent(request);
  await Promise.race([complete, broken]);
  tally.ended();
  socket.destroy();
}

/** Rejects when the connection ends; never resolves. */
function breakOf(socket: Socket, { name }: ControlAddress): Promise<never> {
  const broken = new Promise<never>((_, reject) => {
    const fail = (reason: string): void => reject(new RunError(`transfer with ${name} broke: ${reason}`));
    socket.on('error', ({ message: reason }) => fail(reason));
    socket.on('close', () => fail('it was closed there'));
  });
  broken.catch(() => undefined);
  return broken;
}
