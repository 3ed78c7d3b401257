/**
 * Bytes of a schedule: what will cross the network, known before anything does. Payload only; what framing
 * adds is the business of src/transport/framing.ts.
 */
import type { Schedule } from './operation.js';

/** Payload bytes and messages of one rank in one round. */
export interface RankBytes {
  readonly rank: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sends: number;
  readonly recvs: number;
}

/** Payload bytes and messages from one rank to another in one round. */
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
      if (operation.kind === 'send') {
        sentBytes += operation.bytes;
        sends++;
      } else if (operation.kind === 'recv') {
        receivedBytes += operation.bytes;
        recvs++;
      }
    }
    return { rank, sentBytes, receivedBytes, sends, recvs };
  });
}

/** One entry per ordered pair that exchanges something, in order of sender, then receiver; as the senders say. */
export function bytesPerPair(schedule: Schedule): PairBytes[] {
  const pairs: PairBytes[] = [];
  for (const { rank: from, operations } of schedule.parts) {
    const toPeers = new Map<number, { bytes: number; messages: number }>();
    for (const operation of operations) {
      if (operation.kind !== 'send') continue;
      const sum = toPeers.get(operation.peer) ?? { bytes: 0, messages: 0 };
      sum.bytes += operation.bytes;
      sum.messages++;
      toPeers.set(operation.peer, sum);
    }
    const inOrder = [...toPeers].sort(([a], [b]) => a - b);
    pairs.push(...inOrder.map(([to, sum]) => ({ from, to, ...sum })));
  }
  return pairs;
}

/**
 * What a rank sends in a ring all-reduce of a buffer of `bufferBytes`, on average over ranks:
 * 2·V·(N-1)/N (Patarasu and Yuan, JPDC 2009). A rank's own share differs from it by less than 2·(N-1)
 * elements where chunks do not divide evenly.
 */
export function ringBytesPerRank(bufferBytes: number, worldSize: number): number {
  return (2 * bufferBytes * (worldSize - 1)) / worldSize;
}
