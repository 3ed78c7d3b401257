import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateQueue, type Queued } from '../../../src/wan/link/index.js';

const packet = (bytes: number): Queued => ({ bytes, lane: 0, due: NaN });
const queue = (rate: number, limitBytes = Infinity, catchUp = 0.002): RateQueue<Queued> =>
  new RateQueue({ rate, limitBytes, catchUp });

/** Calls release exactly when the queue asks for it, until it is empty; the departures. */
function drain(line: RateQueue<Queued>): { packet: Queued; at: number }[] {
  const departures: { packet: Queued; at: number }[] = [];
  for (let at = line.nextEvent(); at < Infinity; at = line.nextEvent()) {
    line.release(at, (released) => departures.push({ packet: released, at }));
  }
  return departures;
}

describe('RateQueue', () => {
  test('a packet leaves one serialization time after it came, the next one after that', () => {
    const line = queue(8000); // 1000 bytes/s
    line.accept(packet(500), 10);
    line.accept(packet(1000), 10.1);
    expect(drain(line).map(({ at }) => at)).toEqual([10.5, 11.5]);
  });

  test('an idle link starts at once, with no credit from before', () => {
    const line = queue(8000);
    line.accept(packet(1000), 0);
    drain(line);
    line.accept(packet(1000), 50);
    line.accept(packet(1000), 50);
    expect(drain(line).map(({ at }) => at)).toEqual([51, 52]);
  });

  test('another rate holds at once, for what is left of the packet that is being sent too', () => {
    const line = queue(8000);
    line.accept(packet(1000), 0);
    line.accept(packet(1000), 0);
    line.change(16_000, Infinity, 0.5); // half of the first packet is left
    expect(drain(line).map(({ at }) => at)).toEqual([0.75, 1.25]);
  });

  test('a lower limit drops nothing that waits, and takes nothing until there is room', () => {
    const line = queue(8000);
    line.accept(packet(1000), 0);
    line.accept(packet(1000), 0);
    line.change(8000, 1500, 0);
    expect(line.accept(packet(500), 0)).toBe(false);
    line.release(1, () => undefined);
    expect(line.accept(packet(500), 1)).toBe(true);
    expect(drain(line)).toHaveLength(2);
  });

  test('drops at the tail when full, and counts what waits', () => {
    const line = queue(8000, 2000);
    expect([line.accept(packet(1500), 0), line.accept(packet(600), 0), line.accept(packet(500), 0)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(line.queuedBytes).toBe(2000);
    drain(line);
    expect(line.queuedBytes).toBe(0);
  });

  test('an idle link takes a packet larger than its queue', () => {
    expect(queue(8000, 100).accept(packet(1500), 0)).toBe(true);
  });

  test('a late clock is made good up to catchUp, and no more', () => {
    const line = queue(8000, Infinity, 0.25);
    for (let count = 0; count < 3; count++) line.accept(packet(100), 0); // due at 0.1, 0.2, 0.3
    const out: number[] = [];
    line.release(1, (released) => out.push(released.due));
    // Released 0.9 s late: of that only 0.25 s count, so the next leaves 0.1 s after 0.75, and so on.
    expect(out.map((due) => Number(due.toFixed(6)))).toEqual([0.1, 0.85, 0.95]);
  });

  test('no packet leaves before its serialization from its own arrival, whatever the clock does', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            gap: fc.double({ min: 0, max: 0.01, noNaN: true }),
            bytes: fc.integer({ min: 40, max: 1500 }),
          }),
          {
            minLength: 1,
            maxLength: 80,
          },
        ),
        fc.array(fc.double({ min: 0, max: 0.02, noNaN: true }), { minLength: 1, maxLength: 200 }),
        (arrivals, clock) => {
          const rate = 4e6;
          const line = queue(rate);
          const came = new Map<Queued, number>();
          let now = 0;
          let tick = 0;
          let busySince = 0;
          let sentSince = 0;
          const check = (released: Queued, at: number): void => {
            const arrival = came.get(released)!;
            expect(at).toBeGreaterThanOrEqual(arrival + (released.bytes * 8) / rate - 1e-9);
            sentSince += released.bytes;
            // Never more than the rate allows since the start, plus what lateness may make good.
            expect(sentSince * 8).toBeLessThanOrEqual((at - busySince) * rate + 0.002 * rate + 1e-3);
          };
          busySince = 0;
          for (const { gap, bytes } of arrivals) {
            now += gap;
            const one = packet(bytes);
            came.set(one, now);
            line.accept(one, now);
            now += clock[tick++ % clock.length]!;
            line.release(now, (released) => check(released, now));
          }
          for (let guard = 0; line.nextEvent() < Infinity && guard < 10_000; guard++) {
            now = Math.max(now, line.nextEvent()) + clock[tick++ % clock.length]!;
            line.release(now, (released) => check(released, now));
          }
          expect(line.queuedBytes).toBe(0);
        },
      ),
    );
  });
});
