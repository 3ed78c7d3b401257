/** Lines that compete by when their heads are due, against sorting. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lanes } from '../../../src/wan/link/lanes.js';
import type { Queued } from '../../../src/wan/link/index.js';

test('whatever comes in comes out once, in order of time, and in order within its lane', () => {
  const step = fc.record({
    lane: fc.nat(9),
    wait: fc.double({ min: 0, max: 1, noNaN: true }),
    take: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const lanes = new Lanes<Queued>(10);
      const last = new Float64Array(10);
      const [out, all]: [Queued[], Queued[]] = [[], []];
      let taken = 0;
      for (const { lane, wait, take } of steps) {
        const due = (last[lane] = Math.max(last[lane]!, taken) + wait);
        const packet = { bytes: 1, lane, due };
        lanes.push(lane, packet);
        all.push(packet);
        for (let count = 0; count < take; count++) {
          const next = lanes.nextDue;
          const shifted = lanes.shift(next);
          if (shifted === undefined) break;
          expect(shifted.due).toBe(next);
          taken = next;
          out.push(shifted);
        }
      }
      for (let left = lanes.shift(Infinity); left !== undefined; left = lanes.shift(Infinity)) out.push(left);
      expect(lanes.nextDue).toBe(Infinity);
      expect(out.map(({ due }) => due)).toEqual(out.map(({ due }) => due).toSorted((a, b) => a - b));
      for (let lane = 0; lane < 10; lane++)
        expect(out.filter((one) => one.lane === lane)).toEqual(all.filter((one) => one.lane === lane));
    }),
  );
});
