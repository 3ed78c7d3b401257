import { describe, expect, test } from 'vitest';
import { Moderation, REST } from '../../../src/wan/shaper/moderation.js';

/** A shaper that has work for so many packets a second, at turns that take `turn` seconds; its last rests. */
function restsAt(perSecond: number, turn = 20e-6): number[] {
  const moderation = new Moderation();
  const rests: number[] = [];
  let now = 1000;
  let done = now;
  for (let count = 0; count < 2000; count++) {
    const rest = moderation.rest(now);
    rests.push(rest);
    now += Math.max(rest, 1 / perSecond); // woken for the next packet, unless it rests longer
    const packets = Math.floor((now - done) * perSecond);
    done += packets / perSecond;
    moderation.turned(now, packets);
    now += turn;
  }
  return rests.slice(-100);
}

describe('Moderation', () => {
  test('with few packets there is no rest: each is woken for', () => {
    expect(restsAt(1000)).toEqual(Array(100).fill(0));
    expect(restsAt(15_000)).toEqual(Array(100).fill(0));
  });

  test('with many there is, of at most a tenth of a millisecond after a turn began', () => {
    for (const rest of restsAt(150_000)) {
      expect(rest).toBeGreaterThan(0);
      expect(rest).toBeLessThanOrEqual(REST);
    }
  });

  test('who is late already does not rest, and a rest is over when the load is', () => {
    const moderation = new Moderation();
    for (let turn = 0; turn < 100; turn++) moderation.turned(turn * 1e-4, 50);
    expect(moderation.rest(99e-4)).toBeCloseTo(REST, 9);
    expect(moderation.rest(99e-4 + 2 * REST)).toBe(0);
    moderation.turned(1, 1);
    moderation.turned(1.01, 1);
    expect(moderation.rest(1.01)).toBe(0);
  });

  test('a clock that stands still makes no rest longer', () => {
    const moderation = new Moderation();
    for (let turn = 0; turn < 100; turn++) moderation.turned(turn * 1e-4, 50);
    expect(moderation.rest(0)).toBeLessThanOrEqual(REST);
  });
});
