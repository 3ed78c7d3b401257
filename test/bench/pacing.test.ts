import { expect, test } from 'vitest';
import { pacingOf } from '../../bench/pacing.js';

const RATE = 8e6; // a frame of 1000 bytes each millisecond
const even = Array.from({ length: 1001 }, (_, index) => ({ time: index * 1e-3 + 1e-6, bytes: 1000 }));

test('what is even is exact, and no window has more than its share', () => {
  const { accuracy, largest, variation } = pacingOf(even, RATE);
  expect(accuracy).toBeCloseTo(1, 6);
  expect(largest['10 ms']).toBeLessThan(1.11); // ten frames, or eleven by their very edges
  expect(largest['100 ms']).toBeLessThan(1.02);
  expect(variation).toBeLessThan(0.05);
});

test('a burst shows in the window that has it, and in the variation', () => {
  const burst = even.map(({ time, bytes }) => ({ time: time > 0.5 && time < 0.51 ? 0.515 : time, bytes }));
  const { accuracy, largest, variation } = pacingOf(burst, RATE);
  expect(accuracy).toBeCloseTo(1, 6);
  expect(largest['10 ms']).toBeGreaterThan(1.8);
  expect(largest['100 ms']).toBeLessThan(1.2);
  expect(variation).toBeGreaterThan(0.1);
});

test('half the rate is half the rate', () => {
  const slow = even.map(({ time, bytes }) => ({ time: 2 * time, bytes }));
  expect(pacingOf(slow, RATE).accuracy).toBeCloseTo(0.5, 6);
});
