/**
 * Bytes of a schedule: what will cross the network, known before anything does. Payload only; what framing
 * adds is the business of src/transport/framing.ts.
 */
import type { Schedule } from './operation.js';

/** Payload bytes and messages of one rank in one round; objects that it puts are sent, those it gets received. */
export interface RankBytes {
  readonly rank: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sends: number;
  readonly recvs: number;
}

/**
 * Payload bytes and messages from one rank to another in one round. The object store has the world size in the
 * place of a rank: the position that it has in a topology.
 */
export interface PairBytes {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly messages: number;
}

/** One entry per rank, in order of rank. */
export function bytesPerRank(schedule: Schedule): RankBytes[] {
  return schedule.parts.map(({ rank, operations }) => {
    let [sentBytes, receivedBytes, sends, recvs] = [0, 0, 0, 0];
    for (const operation of operations) {
      if (operation.kind === 'send' || operation.kind === 'put') {
        sentBytes += operation.bytes;
        sends++;
      } else if (operation.kind === 'recv' || operation.kind === 'get') {
        receivedBytes += operation.bytes;
        recvs++;
      }
    }
    return { rank, sentBytes, receivedBytes, sends, recvs };
  });
}

/** One entry per ordered pair that exchanges something, in order of sender, then receiver; as the senders say. */
export function bytesPerPair({ parts, worldSize: store }: Schedule): PairBytes[] {
  const sums = new Map<string, { from: number; to: number; bytes: number; messages: number }>();
  const add = (from: number, to: number, bytes: number): void => {
    const sum = sums.get(`${from} ${to}`) ?? { from, to, bytes: 0, messages: 0 };
    sums.set(`${from} ${to}`, sum);
    sum.bytes += bytes;
    sum.messages++;
  };
  for (const { rank, operations } of parts) {
    for (const operation of operations) {
      if (operation.kind === 'send') add(rank, operation.peer, operation.bytes);
      else if (operation.kind === 'put') add(rank, store, operation.bytes);
      else if (operation.kind === 'get') add(store, rank, operation.bytes);
    }
  }
  return [...sums.values()].sort((a, b) => a.from - b.from || a.to - b.to);
}
