/** What the page knows: history and snapshots together, over reconnections, other servers and other runs. */
import { describe, expect, it } from 'vitest';
import { Story } from '../../../web/model/story.js';
import { boardOf, nodeOf, readings, snapshotOf } from './runs.js';

const timesOf = (story: Story): number[] => story.samples.map(({ time }) => time);

describe('Story', () => {
  it('goes on from the history with each snapshot', () => {
    const story = new Story();
    expect([story.now, story.samples]).toEqual([null, []]);
    story.history({ server: 'a', samples: readings(1, 0, 0) });
    expect(story.now).toBeNull();
    const snapshot = snapshotOf({ samples: readings(1.5, 0) });
    story.snapshot(snapshot);
    expect(story.now).toBe(snapshot);
    expect(timesOf(story)).toEqual([1, 1.25, 1.5]);
  });

  it('has no gap and nothing twice after the line to the same server broke', () => {
    const story = new Story();
    story.history({ server: 'a', samples: [] });
    story.snapshot(snapshotOf({ samples: readings(1, 0) }));
    story.history({ server: 'a', samples: readings(1, 0, 0, 0) });
    expect(story.now).not.toBeNull();
    story.snapshot(snapshotOf({ samples: readings(1.75, 0) }));
    expect(timesOf(story)).toEqual([1, 1.25, 1.5, 1.75]);
  });

  it('starts anew with another server', () => {
    const story = new Story();
    story.history({ server: 'a', samples: readings(1, 0) });
    story.snapshot(snapshotOf());
    story.history({ server: 'b', samples: [] });
    expect([story.now, story.samples]).toEqual([null, []]);
  });

  it('starts anew with another run of the same server', () => {
    const story = new Story();
    story.history({ server: 'a', samples: readings(1, 0) });
    story.snapshot(snapshotOf({ board: boardOf({ run: null }) }));
    story.snapshot(snapshotOf({ board: boardOf({ run: 'first' }) }));
    expect(timesOf(story)).toEqual([1]);
    story.snapshot(snapshotOf({ board: boardOf({ run: 'second' }), samples: readings(9, 0) }));
    expect(timesOf(story)).toEqual([9]);
  });

  it('drops readings of another number of nodes', () => {
    const story = new Story();
    story.history({ server: 'a', samples: readings(1, 0) });
    const nodes = [0, 1, 2].map((rank) => nodeOf(rank));
    story.snapshot(snapshotOf({ board: boardOf({ nodes }) }));
    expect(story.samples).toEqual([]);
  });

  it('forgets what is two minutes old', () => {
    const story = new Story();
    story.history({ server: 'a', samples: readings(1, ...Array<number>(480).fill(0)) });
    story.snapshot(snapshotOf({ samples: readings(201, 0) }));
    expect(timesOf(story)[0]).toBe(81);
    expect(timesOf(story).at(-1)).toBe(201);
  });
});
