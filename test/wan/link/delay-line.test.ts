import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/random.js';
import type { Path } from '../../../src/scenario/index.js';
import { DelayLine, type Queued } from '../../../src/wan/link/index.js';
import { CALM } from '../../../src/scenario/weather.js';
import { losing, varying } from '../topologies.js';

const packet = (lane = 0): Queued => ({ bytes: 100, lane, due: NaN });
const line = (paths: Path[]): DelayLine<Queued> => new DelayLine(paths, new Random(1, 'test'));

describe('DelayLine', () => {
  test('every packet comes out its delay later, lanes apart', () => {
    const both = line([
      { delay: 0.05, ...CALM },
      { delay: 0.01, ...CALM },
    ]);
    const [slow, fast] = [packet(0), packet(1)];
    both.accept(slow, 1);
    both.accept(fast, 1.02);
    expect(both.nextEvent()).toBeCloseTo(1.03);
    const out: Queued[] = [];
    both.release(1.04, (released) => out.push(released));
    both.release(1.05, (released) => out.push(released));
    expect(out).toEqual([fast, slow]);
    expect(both.nextEvent()).toBe(Infinity);
  });

  test('another path holds for what comes later; nobody overtakes those on their way', () => {
    const one = line([{ delay: 0.05, ...CALM }]);
    const [early, late, last] = [packet(), packet(), packet()];
    one.accept(early, 1);
    one.setPath(0, { delay: 0.01, ...CALM });
    one.accept(late, 1.01);
    one.accept(last, 1.1);
    const out: Queued[] = [];
    one.release(Infinity, (released) => out.push(released));
    expect(out).toEqual([early, late, last]);
    expect(out.map(({ due }) => due)).toEqual([1.05, 1.05, 1.11]);
  });

  test('jitter stays within its half-width and keeps each lane in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.02, noNaN: true }), { minLength: 2, maxLength: 100 }),
        (gaps) => {
          const jittery = line([{ delay: 0.02, ...CALM, jitter: varying(0.01) }]);
          const sent: { one: Queued; at: number }[] = [];
          let now = 0;
          for (const gap of gaps) {
            now += gap;
            const one = packet();
            jittery.accept(one, now);
            sent.push({ one, at: now });
          }
          const out: Queued[] = [];
          jittery.release(Infinity, (released) => out.push(released));
          expect(out).toEqual(sent.map(({ one }) => one));
          for (const { one, at } of sent) {
            expect(one.due).toBeGreaterThanOrEqual(at + 0.01 - 1e-12);
            expect(one.due).toBeLessThanOrEqual(at + 0.03 + 1e-12);
          }
        },
      ),
    );
  });

  test('loses the share that it should, and the same packets for the same seed', () => {
    const lossy: Path = { delay: 0, ...CALM, loss: losing(0.1) };
    const fates = (): boolean[] => {
      const one = line([lossy]);
      return Array.from({ length: 20_000 }, (_, index) => one.accept(packet(), index));
    };
    const first = fates();
    const lost = first.filter((kept) => !kept).length / first.length;
    // Four standard deviations of a binomial share.
    expect(Math.abs(lost - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / first.length));
    expect(fates()).toEqual(first);
  });

  test('a packet for a lane that is not there is a mistake of the caller', () => {
    expect(() => line([]).accept(packet(3), 0)).toThrow(RangeError);
  });
});
