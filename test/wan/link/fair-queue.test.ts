/** A queue that flows share: their rates, what is dropped, and that nothing else is lost. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue, type FlowPacket } from '../../../src/wan/link/index.js';

const packet = (flow: number, bytes: number): FlowPacket => ({ bytes, flow, lane: 0, due: NaN });

function queueOf(rate: number, limitBytes = Infinity) {
  const dropped: FlowPacket[] = [];
  const queue = new FairQueue<FlowPacket>({ rate, limitBytes, catchUp: 0.002, quantum: 1514 }, (one) =>
    dropped.push(one),
  );
  return { queue, dropped };
}

/** Bytes that left by `end`, by flow, when each flow offers packets of its size as often as it does. */
function share(
  flows: readonly { readonly bytes: number; readonly every: number }[],
  { rate = 8e6, limit = 25_000, end = 10 } = {},
): number[] {
  const { queue } = queueOf(rate, limit);
  const left = flows.map(() => 0);
  const next = flows.map(() => 0);
  for (;;) {
    const arrival = Math.min(...next);
    const departure = queue.nextEvent();
    const now = Math.min(arrival, departure);
    if (now > end) return left;
    if (departure <= arrival) queue.release(now, (one) => (left[one.flow]! += one.bytes));
    else {
      const flow = next.indexOf(arrival);
      queue.accept(packet(flow, flows[flow]!.bytes), now);
      next[flow]! += flows[flow]!.every;
    }
  }
}

describe('FairQueue', () => {
  test.each([
    ['of packets alike', [1514, 1514]],
    ['of large and of small packets', [1514, 100]],
  ])('two flows %s get half of the rate each', (_, [a = 0, b = 0]) => {
    const [one = 0, other = 0] = share([
      { bytes: a, every: a / 2e6 },
      { bytes: b, every: b / 2e6 },
    ]);
    expect(one / 5e6).toBeCloseTo(1, 2);
    expect(other / 5e6).toBeCloseTo(1, 2);
  });

  test('a flow that floods takes nothing from one that asks for less than its share', () => {
    const [flood = 0, thin = 0] = share([
      { bytes: 1514, every: 1514 / 20e6 },
      { bytes: 500, every: 500 / 0.2e6 },
    ]);
    expect(thin / 2e6).toBeCloseTo(1, 2);
    expect(flood / 8e6).toBeCloseTo(1, 2);
  });

  test('alone, a packet leaves one serialization time after it came', () => {
    const { queue } = queueOf(8000);
    const [first, second] = [packet(0, 500), packet(0, 1000)];
    queue.accept(first, 10);
    queue.accept(second, 10.1);
    const out: FlowPacket[] = [];
    for (let at = queue.nextEvent(); at < Infinity; at = queue.nextEvent())
      queue.release(at, (one) => out.push(one));
    expect(out).toEqual([first, second]);
    expect([first.due, second.due]).toEqual([10.5, 11.5]);
  });

  test('what is accepted leaves or is dropped for another, in order within its flow, and never above the limit', () => {
    const arrival = fc.record({
      flow: fc.nat(5),
      bytes: fc.integer({ min: 40, max: 1514 }),
      wait: fc.double({ min: 0, max: 0.01, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 200 }), (arrivals) => {
        const { queue, dropped } = queueOf(1e6, 6000);
        const out: FlowPacket[] = [];
        const accepted: FlowPacket[] = [];
        let now = 0;
        for (const { flow, bytes, wait } of arrivals) {
          now += wait;
          queue.release(now, (one) => out.push(one));
          const one = packet(flow, bytes);
          if (queue.accept(one, now)) accepted.push(one);
          expect(queue.queuedBytes).toBeLessThanOrEqual(6000);
        }
        queue.release(Infinity, (one) => out.push(one));
        expect(queue.queuedBytes).toBe(0);
        expect(new Set([...out, ...dropped])).toEqual(new Set(accepted));
        expect(out.length + dropped.length).toBe(accepted.length);
        for (let flow = 0; flow < 6; flow++) {
          const left = out.filter((one) => one.flow === flow);
          expect(left).toEqual(accepted.filter((one) => left.includes(one)));
        }
      }),
    );
  });

  test('another rate holds for what is sent next', () => {
    const { queue } = queueOf(8000);
    const packets = [packet(0, 1000), packet(0, 1000)];
    for (const one of packets) queue.accept(one, 0);
    queue.change(80_000, Infinity);
    queue.release(1, () => undefined);
    queue.release(1.1, () => undefined);
    expect(packets.map(({ due }) => due)).toEqual([1, 1.1]);
    const third = packet(0, 1000);
    queue.accept(third, 5);
    expect(third.due).toBeCloseTo(5.1, 12);
  });
});
