/** A metronome on a machine that others use too: each beat is late, none is later for the one before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Beat } from '../../../nodes/chatter/beat.js';
import { attempt } from '../../wan/measuring.js';

const PERIOD_MS = 40;
const BEATS = 30;

/** Times of beats, ms since the first was due. */
async function strikes(period: number, busyMs = 0): Promise<number[]> {
  const first = performance.now() + 10;
  const times: number[] = [];
  const beat = new Beat(first, period, () => {
    times.push(performance.now() - first);
    for (const end = performance.now() + busyMs; performance.now() < end;);
  });
  while (times.length < BEATS) await sleep(period);
  beat.stop();
  const counted = times.length;
  await sleep(2 * period);
  expect(times).toHaveLength(counted);
  return times.slice(0, BEATS);
}

const meanGap = (times: readonly number[]): number => (times.at(-1)! - times[0]!) / (times.length - 1);

test('keeps its period over many beats, though each takes time', async () => {
  const times = await attempt(
    () => strikes(PERIOD_MS, 3),
    (found) => Math.abs(meanGap(found) / PERIOD_MS - 1) < 0.02,
  );
  expect(meanGap(times)).toBeGreaterThan(0.98 * PERIOD_MS);
  expect(meanGap(times)).toBeLessThan(1.02 * PERIOD_MS);
});

test('leaves out what it missed: no beat is early, and none come in a heap', async () => {
  const times = await strikes(10, 25);
  times.forEach((time, index) => {
    // Node counts from when its loop last looked at the clock, so a timer may be some milliseconds early.
    expect(time).toBeGreaterThan(10 * index - 5);
    if (index > 0) expect(time - times[index - 1]!).toBeGreaterThan(5);
  });
});
