/** The rate of a train of datagrams, from when they were read: true on a machine that pauses. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DatagramProbe, rateOf, type Arrival } from '../../src/transport/datagrams.js';

const MTU = 1500;
const FRAME_BITS = 8 * (MTU + 14);
const RATE = 40e6;
const COUNT = 600;

/** A train spaced by a link of RATE; each datagram is read at once. */
const spaced = (count = COUNT): Arrival[] =>
  Array.from({ length: count }, (_, index) => ({ index, time: 1e9 + (index * FRAME_BITS) / RATE }));

/** What a reader sees who pauses for a share of the train: those that came meanwhile, at its end. */
function withPause(train: readonly Arrival[], from: number, share: number): Arrival[] {
  const start = Math.floor(from * train.length);
  const end = Math.min(train.length - 1, start + Math.floor(share * train.length));
  return train.map((arrival, index) =>
    index >= start && index < end ? { ...arrival, time: train[end]!.time } : arrival,
  );
}

describe('rateOf', () => {
  test('is the rate of the link', () => {
    expect(rateOf(spaced(), MTU) / RATE).toBeCloseTo(1, 3);
    expect(rateOf(spaced(2), MTU) / RATE).toBeCloseTo(1, 3);
    expect(rateOf(spaced(1), MTU)).toBe(0);
    expect(rateOf([], MTU)).toBe(0);
  });

  test('does not mind a reader that pauses for up to a fifth of the train, wherever', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 0.2, noNaN: true }),
        (from, share) => {
          expect(Math.abs(rateOf(withPause(spaced(), from, share), MTU) / RATE - 1)).toBeLessThan(0.01);
        },
      ),
    );
  });

  test('does not mind loss, which had its time on the link too', () => {
    const lossy = spaced().filter(({ index }) => index % 7 !== 3 && (index < 100 || index > 150));
    expect(Math.abs(rateOf(lossy, MTU) / RATE - 1)).toBeLessThan(0.01);
  });
});

test('a train over loopback arrives whole, at the pace of a sender who is ahead of what was asked for', async () => {
  const [asking, answering] = [
    await DatagramProbe.listen('127.0.0.1', 0),
    await DatagramProbe.listen('127.0.0.2', 8499),
  ];
  try {
    const train = { rate: RATE, queue: 1, packets: 200, mtu: MTU, patience: 5 };
    const { rate, sent, received } = await asking.measure('127.0.0.2', 8499, train);
    expect(sent).toBe(200);
    expect(received).toBe(200);
    expect(rate).toBeGreaterThan(RATE / 2);
  } finally {
    asking.close();
    answering.close();
  }
});

test('a train that is sent unasked is reported on, to each of several senders at once', async () => {
  const receiver = await DatagramProbe.listen('127.0.0.3', 8499);
  const senders = await Promise.all([1, 2].map(() => DatagramProbe.listen('127.0.0.1', 0)));
  try {
    const train = { rate: RATE, queue: 1, packets: 200, mtu: MTU, patience: 5 };
    const results = await Promise.all(
      senders.map((sender) => sender.measureTowards('127.0.0.3', 8499, train)),
    );
    for (const { rate, sent, received } of results) {
      expect([sent, received]).toEqual([200, 200]);
      expect(rate).toBeGreaterThan(RATE / 2);
    }
    const nobody = senders[0]!.measureTowards('127.0.0.4', 8499, {
      ...train,
      packets: 2,
      patience: 0.01,
      queue: 0,
    });
    await expect(nobody).rejects.toThrow('no report on datagrams came from 127.0.0.4:8499');
  } finally {
    for (const probe of [receiver, ...senders]) probe.close();
  }
});
