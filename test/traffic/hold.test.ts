import { expect, test } from 'vitest';
import { chooseHold } from '../../src/traffic/hold.js';

const options = { defaultHoldSeconds: 0.3, longestStallSeconds: 2 };
const repeated = (seconds: number, times: number) => new Array<number>(times).fill(seconds);

test.each([
  {
    name: 'stalls of a round trip, pauses of seconds',
    silences: [...repeated(0.25, 50), ...repeated(4, 12)],
    stall: 0.25,
    pause: 4,
  },
  {
    name: 'ddp: pauses of half a second',
    silences: [...repeated(0.25, 5), ...repeated(0.5, 20)],
    stall: 0.25,
    pause: 0.5,
  },
  {
    name: 'one session break among them',
    silences: [0.12, 0.2, 0.25, ...repeated(4, 12), 300],
    stall: 0.25,
    pause: 4,
  },
  { name: 'a retransmission timeout', silences: [0.6, ...repeated(4, 9)], stall: 0.6, pause: 4 },
])('$name: the hold lies between stall and pause', ({ silences, stall, pause }) => {
  const hold = chooseHold(silences, options);
  expect(hold).toBeGreaterThan(1.05 * stall);
  expect(hold).toBeLessThan(0.95 * pause);
});

test.each([
  { name: 'nothing', silences: [], hold: 0.3 },
  { name: 'pauses only', silences: repeated(4, 10), hold: 0.3 },
  { name: 'pauses only, of a fast beat', silences: repeated(0.4, 10), hold: 0.2 },
  {
    name: 'pauses too long for stalls, in two groups',
    silences: [...repeated(4, 5), ...repeated(300, 5)],
    hold: 0.3,
  },
  { name: 'no two groups', silences: [0.1, 0.14, 0.2, 0.28, 0.4], hold: 0.3 },
])('$name: the default', ({ silences, hold }) => {
  expect(chooseHold(silences, options)).toBe(hold);
});
