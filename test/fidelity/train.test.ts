/** What trains of datagrams are read as: known answers, and a network of a few lines that is known in full. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readOverfill, readTrain } from '../../src/fidelity/train.js';

const arrivals = (indices: readonly number[], times: readonly number[] = indices) => ({
  indices: Uint32Array.from(indices),
  times: Float64Array.from(times),
});
const departures = (count: number, spacing = 1e-3) => ({
  times: Float64Array.from({ length: count }, (_, index) => index * spacing),
});

describe('readTrain', () => {
  test('counts what never came, in packets and in runs', () => {
    expect(readTrain(departures(10), arrivals([0, 3, 4, 6, 7, 8]))).toEqual({
      ...{ sent: 10, received: 6, duplicates: 0, overtakers: 0, lossRuns: 3 },
    });
    expect(readTrain(departures(3), arrivals([]))).toMatchObject({ received: 0, lossRuns: 1 });
  });

  test('a copy is no overtaker, however late it comes', () => {
    expect(readTrain(departures(5), arrivals([0, 1, 1, 2, 3, 0, 4]))).toMatchObject({
      ...{ received: 5, duplicates: 2, overtakers: 0 },
    });
  });

  test('who passes many counts once, and those that are passed do not', () => {
    expect(readTrain(departures(6), arrivals([4, 0, 1, 2, 3, 5]))).toMatchObject({ overtakers: 1 });
    expect(readTrain(departures(6), arrivals([3, 4, 0, 1, 2, 5]))).toMatchObject({ overtakers: 2 });
  });

  test('what is taken from an ordered train is lost, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), (kept) => {
        const came = kept.flatMap((one, index) => (one ? [index] : []));
        const figures = readTrain(departures(kept.length), arrivals(came));
        expect(figures.received).toBe(came.length);
        expect(figures.duplicates).toBe(0);
        expect(figures.overtakers).toBe(0);
        const text = kept.map((one) => (one ? '.' : 'x')).join('');
        expect(figures.lossRuns).toBe(text.match(/x+/g)?.length ?? 0);
      }),
    );
  });
});

describe('readOverfill', () => {
  const frame = 1000;
  const rate = 8e6; // one frame each millisecond

  /** A queue of so many frames in front of a link, fed twice as fast as that. */
  function overfilled(count: number, queue: number, linkRate = rate) {
    const seconds = (8 * frame) / linkRate;
    const sent = departures(count, (8 * frame) / rate / 2);
    const came: [number, number][] = [];
    let free = 0;
    sent.times.forEach((now, index) => {
      const waiting = Math.max(0, free - now) / seconds;
      if (waiting + 1 > queue) return;
      free = Math.max(free, now) + seconds;
      came.push([index, free + 0.01]);
    });
    const [indices, times] = [came.map(([index]) => index), came.map(([, time]) => time)];
    return { sent, came: arrivals(indices, times) };
  }

  test('reads rate, wait and what the queue held', () => {
    const { sent, came } = overfilled(1000, 100);
    const figures = readOverfill(sent, came, { frame, rate })!;
    expect(figures.rate).toBeCloseTo(rate, -4);
    expect(figures.wait).toBeGreaterThan(0.098);
    expect(figures.wait).toBeLessThan(0.1);
    expect(figures.held).toBeGreaterThan(98 * frame);
    expect(figures.held).toBeLessThan(102 * frame);
  });

  test('sees a link that is slower than it was set', () => {
    const { sent, came } = overfilled(1000, 100, 0.8 * rate);
    expect(readOverfill(sent, came, { frame, rate })!.rate).toBeCloseTo(0.8 * rate, -4);
  });

  test('says nothing of a queue that never dropped, or of a train that never came', () => {
    const { sent, came } = overfilled(100, 1000);
    expect(readOverfill(sent, came, { frame, rate })).toBeNull();
    expect(readOverfill(sent, arrivals([]), { frame, rate })).toBeNull();
  });
});
