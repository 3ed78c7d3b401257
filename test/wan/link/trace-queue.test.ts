/** A link that sends at the instants of a trace: mahimahi's rules. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OPPORTUNITY_BYTES } from '../../../src/scenario/index.js';
import { TraceQueue, type Queued } from '../../../src/wan/link/index.js';

const packet = (bytes: number): Queued => ({ bytes, lane: 0, due: NaN });
const queueOf = (opportunities: readonly number[], limitBytes = Infinity) =>
  new TraceQueue<Queued>({ trace: { file: 'x', opportunities }, limitBytes, catchUp: 0.002 });

/** Calls release when the queue asks for it, until it is empty; the instants at which packets left, in ms. */
function drain(queue: TraceQueue<Queued>): number[] {
  const departures: number[] = [];
  for (let at = queue.nextEvent(); at < Infinity; at = queue.nextEvent())
    queue.release(at, ({ due }) => departures.push(Math.round(due * 1e6) / 1000));
  return departures;
}

describe('TraceQueue', () => {
  test('lets a full packet go at each line, and begins again after the last', () => {
    const queue = queueOf([3, 3, 7, 10]);
    for (let count = 0; count < 9; count++) queue.accept(packet(OPPORTUNITY_BYTES), 0);
    expect(drain(queue)).toEqual([3, 3, 7, 10, 13, 13, 17, 20, 23]);
  });

  test('small packets share an opportunity, a large one takes several', () => {
    const queue = queueOf([5, 10]);
    for (const bytes of [500, 500, 500, 500, 3 * OPPORTUNITY_BYTES]) queue.accept(packet(bytes), 0);
    // 1514 of the first, 486 and 1028 of the second, 1514 of the third, 1514 of the fourth, the rest of the fifth.
    expect(drain(queue)).toEqual([5, 5, 5, 10, 25]);
  });

  test('an opportunity that nobody uses is lost', () => {
    const queue = queueOf([1, 2, 3, 10]);
    queue.accept(packet(100), 0);
    expect(drain(queue)).toEqual([1]);
    queue.accept(packet(OPPORTUNITY_BYTES), 0.0045);
    queue.accept(packet(OPPORTUNITY_BYTES), 0.0045);
    expect(drain(queue)).toEqual([10, 11]);
    queue.accept(packet(100), 1.0005);
    expect(drain(queue)).toEqual([1001]);
  });

  test('drops at the tail when full', () => {
    const queue = queueOf([1], 2000);
    expect([queue.accept(packet(1500), 0), queue.accept(packet(600), 0), queue.queuedBytes]).toEqual([
      true,
      false,
      1500,
    ]);
  });

  test('a busy link has the mean rate of its trace, and is never ahead of it', () => {
    const gaps = fc.array(fc.nat(20), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 60 }), (steps, length) => {
        let at = 0;
        const opportunities = [...steps, length].map((step) => (at += step));
        const queue = queueOf(opportunities);
        for (let count = 0; count < 3 * opportunities.length; count++)
          queue.accept(packet(OPPORTUNITY_BYTES), 0);
        const expected = [0, 1, 2].flatMap((round) => opportunities.map((one) => one + round * at));
        expect(drain(queue)).toEqual(expected);
      }),
    );
  });
});
