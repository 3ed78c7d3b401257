import { expect, test } from 'vitest';
import { ratesTogether, segmentOf } from '../../src/fidelity/stream.js';

/** Readings each millisecond of a flow of so many bit/s; what came from `held` on was read `late` seconds later. */
function flow(rate: number, seconds: number, held = Infinity, late = 0) {
  const times: number[] = [];
  const totals: number[] = [];
  for (let index = 1; index <= seconds * 1000; index++) {
    const time = index / 1000;
    if (time > held && time < held + late) continue;
    times.push(time);
    totals.push((time * rate) / 8);
  }
  return { times: Float64Array.from(times), totals: Float64Array.from(totals) };
}

test('the rate of a flow is that of its payload, from the end of the warm-up', () => {
  expect(ratesTogether([flow(8e6, 3)], 0.5).together).toBeCloseTo(8e6, -4);
});

test('a reader that is held up on the edge of what is measured changes nothing', () => {
  for (const held of [0.4, 0.9, 2.8])
    expect(ratesTogether([flow(8e6, 3.2, held, 0.3)], 0.5).together / 8e6).toBeCloseTo(1, 1);
});

test('of several flows only the time counts in which all ran', () => {
  const { each, together } = ratesTogether([flow(8e6, 3), flow(4e6, 2)], 0.5);
  const [one, other] = each;
  expect(together / 12e6).toBeCloseTo(1, 2);
  expect(one! / 8e6).toBeCloseTo(1, 2);
  expect(other! / 4e6).toBeCloseTo(1, 2);
});

test('two that take turns at a link have its rate together, whatever the median of each', () => {
  const turns = (first: number, second: number) => {
    const times = Float64Array.from({ length: 3000 }, (_, index) => (index + 1) / 1000);
    let total = 0;
    return { times, totals: times.map((time) => (total += (time % 2 < 1.5 ? first : second) / 8000)) };
  };
  const { each, together } = ratesTogether([turns(7e6, 1e6), turns(3e6, 9e6)], 0.1);
  expect(together / 10e6).toBeCloseTo(1, 2);
  expect(each).toHaveLength(2);
});

test('of a flow that hardly came there is no rate', () => {
  expect(ratesTogether([flow(8e6, 0.4)], 0.5).together).toBeNaN();
  expect(ratesTogether([{ times: new Float64Array(), totals: new Float64Array() }], 0.5).together).toBeNaN();
});

test('full segments with timestamps carry 52 bytes less than the MTU, in frames of 14 more', () => {
  expect(segmentOf(1500)).toEqual({ payload: 1448, frame: 1514 });
});
