/** The recent past: which readings become samples, and how long they are kept. */
import { describe, expect, it } from 'vitest';
import { History, HISTORY_SECONDS } from '../../../orchestrator/web/history.js';
import { counters, sample, story, TRAINING } from '../run-story.js';

describe('History', () => {
  it('makes rates of the counters, from the second reading on', () => {
    const history = new History();
    for (const event of story) history.apply(event);
    expect(history.since(-Infinity)).toEqual([
      { time: TRAINING + 1, up: [8e6, 4e6], down: [4e6, 2e6] },
      { time: TRAINING + 2, up: [40e6, 0], down: [20e6, 0] },
    ]);
    expect(history.newest).toBe(TRAINING + 2);
    expect(history.trainingTime).toBe(TRAINING);
  });

  it('gives what is newer than a time', () => {
    const history = new History();
    for (const event of story) history.apply(event);
    expect(history.since(TRAINING + 1).map(({ time }) => time)).toEqual([TRAINING + 2]);
    expect(history.since(TRAINING + 2)).toEqual([]);
  });

  it('accounts for every byte, at whatever times the meters were read', () => {
    const history = new History();
    const times = [0, 0.25, 0.51, 0.74, 1.2, 1.25];
    const bytes = [1000, 1000, 21_000, 90_000, 90_500, 190_000];
    times.forEach((time, index) => history.apply(sample(time, counters(bytes[index]!))));
    const samples = history.since(-Infinity);
    const shown = samples.map(({ time, up }, index) => {
      const before = index === 0 ? TRAINING : samples[index - 1]!.time;
      return (up[0]! * (time - before)) / 8;
    });
    expect(shown.reduce((sum, value) => sum + value)).toBeCloseTo(189_000, 0);
  });

  it('leaves out a reading that is not newer', () => {
    const history = new History();
    for (const time of [0, 1, 1, 0.5]) history.apply(sample(time, counters(1000 * time)));
    expect(history.since(-Infinity)).toHaveLength(1);
  });

  it('forgets what is older than it must keep', () => {
    const history = new History();
    for (let time = 0; time <= 3 * HISTORY_SECONDS; time++) history.apply(sample(time, counters(time)));
    const samples = history.since(-Infinity);
    expect(samples).toHaveLength(HISTORY_SECONDS + 1);
    expect(samples[0]!.time).toBe(TRAINING + 2 * HISTORY_SECONDS);
  });

  it('starts anew with another run, and with another number of nodes', () => {
    const history = new History();
    for (const event of story) history.apply(event);
    history.apply({ type: 'ended', failure: 'bob died' });
    expect(history.ended).toEqual({ failure: 'bob died' });
    history.apply(sample(3, counters(0)));
    expect(history.since(-Infinity)).toEqual([]);
    history.apply({ type: 'run', id: 'another' });
    expect([history.newest, history.trainingTime, history.ended]).toEqual([-Infinity, null, null]);
  });
});
