/** What a received transfer says about the link it came over. Rates are bit/s of payload. */
import type { BulkReceived } from './echo-protocol.js';

/** TCP payload rate of a link whose rate counts Ethernet frames, full segments with timestamps. */
export function goodput(rate: number, mtu: number): number {
  return (rate * (mtu - 52)) / (mtu + 14);
}

/** Mean rate once a share of the bytes has come, which leaves TCP's slow start out. */
export function rateAfter(received: BulkReceived, share: number): number {
  const first = received.totals.findIndex((total) => total >= share * received.bytes);
  return rateBetween(received, received.times[first]!, received.times.at(-1)!);
}

/** Rates of several transfers over the time in which all were past `share` and none had ended. */
export function together(transfers: readonly BulkReceived[], share: number): number[] {
  const from = Math.max(
    ...transfers.map(
      ({ times, totals, bytes }) => times[totals.findIndex((total) => total >= share * bytes)]!,
    ),
  );
  const until = Math.min(...transfers.map(({ times }) => times.at(-1)!));
  return transfers.map((transfer) => rateBetween(transfer, from, until));
}

/** Most bytes that came within any `window` seconds. */
export function steepest({ times, totals }: BulkReceived, window: number): number {
  let most = 0;
  let oldest = 0;
  for (const [index, time] of times.entries()) {
    while (times[oldest]! < time - window) oldest++;
    // The bytes of the oldest reading itself came within the window; those before it did not.
    most = Math.max(most, totals[index]! - (oldest > 0 ? totals[oldest - 1]! : 0));
  }
  return most;
}

function rateBetween({ times, totals }: BulkReceived, from: number, until: number): number {
  const at = (instant: number): number => totals[times.findLastIndex((time) => time <= instant)] ?? 0;
  return (8 * (at(until) - at(from))) / (until - from);
}
