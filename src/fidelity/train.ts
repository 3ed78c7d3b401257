/**
 * What a train of numbered datagrams says of the path that it took: pure arithmetic on what was sent and what was seen.
 *
 * Numbers are all there is to tell loss, duplication and overtaking by, and they do: a number that never came was lost,
 * one that came again was duplicated, and one that came before a smaller one has overtaken it. The last is the other
 * side of RFC 4737's definition, which counts those that were overtaken: where one packet in a hundred takes no
 * time at all, it passes a hundred others, and what was set is how many do so and not how many are passed.
 */
import type { Departures, TrainArrivals } from './instrument-protocol.js';

export interface TrainFigures {
  readonly sent: number;
  /** Different datagrams that came. */
  readonly received: number;
  /** Copies beyond the first. */
  readonly duplicates: number;
  /** Datagrams that came before one sent earlier. */
  readonly overtakers: number;
  /** Runs of successive numbers that never came. */
  readonly lossRuns: number;
}

export function readTrain({ times }: Departures, { indices }: TrainArrivals): TrainFigures {
  const came = new Uint8Array(times.length);
  const order: number[] = [];
  for (const index of indices) {
    if (came[index] === 0) order.push(index);
    came[index]! += came[index]! < 255 ? 1 : 0;
  }
  let overtakers = 0;
  let smallestLater = Infinity;
  for (let place = order.length - 1; place >= 0; place--) {
    if (smallestLater < order[place]!) overtakers++;
    smallestLater = Math.min(smallestLater, order[place]!);
  }
  let lossRuns = 0;
  came.forEach((times, index) => {
    if (times === 0 && (index === 0 || came[index - 1] !== 0)) lossRuns++;
  });
  return {
    sent: times.length,
    received: order.length,
    duplicates: indices.length - order.length,
    overtakers,
    lossRuns,
  };
}

export interface OverfillFigures {
  /** Rate at which datagrams came while the queue was full, bit/s of Ethernet frames. */
  readonly rate: number;
  /** How much longer a datagram took with the queue full than the first did with it empty, seconds: median. */
  readonly wait: number;
  /** What lay in the queue when the first was dropped, bytes of Ethernet frames. */
  readonly held: number;
}

/**
 * Reads a train that was sent faster than the link is: the queue fills, drops begin, and from then on it stays full.
 * Null if nothing was dropped or too little came after that to tell a rate.
 *
 * @param frame bytes of each Ethernet frame
 * @param rate of the link as set, bit/s
 */
export function readOverfill(
  departures: Departures,
  { indices, times }: TrainArrivals,
  { frame, rate }: { readonly frame: number; readonly rate: number },
): OverfillFigures | null {
  const sentAt = departures.times;
  const arrivedAt = new Map<number, number>();
  indices.forEach((index, place) => {
    if (!arrivedAt.has(index)) arrivedAt.set(index, times[place]!);
  });
  const first = sentAt.findIndex((_, index) => !arrivedAt.has(index));
  const empty = (arrivedAt.get(0) ?? NaN) - sentAt[0]!;
  const full = [...arrivedAt].filter(([index]) => index > first);
  if (first < 1 || full.length < 20 || Number.isNaN(empty)) return null;
  const waits = full.map(([index, time]) => time - sentAt[index]! - empty).sort((a, b) => a - b);
  const [start, end] = [full[0]![1], full.at(-1)![1]];
  const sentBytes = first * frame;
  const drained = ((sentAt[first]! - sentAt[0]!) * rate) / 8;
  return {
    rate: ((full.length - 1) * frame * 8) / (end - start),
    wait: waits[Math.floor(waits.length / 2)]!,
    held: sentBytes - drained,
  };
}
