/** A client that can't keep up: what the server holds for it, and that it misses nothing in the end. */
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Board } from '../../../orchestrator/board.js';
import { Live } from '../../../orchestrator/web/live.js';
import type { WireSnapshot } from '../../../orchestrator/web/wire.js';
import { counters, sample, story, topologyOf, TRAINING } from '../run-story.js';

/** A client whose network may stand still. */
class Client extends Writable {
  text = '';
  isStalled = false;
  #resume: (() => void) | undefined;

  writeHead(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.isStalled) this.#resume = done;
    else done();
  }

  goOn(): void {
    this.isStalled = false;
    this.#resume?.();
  }

  /** The snapshots that arrived since last asked. */
  take(): WireSnapshot[] {
    const found = [...this.text.matchAll(/^event: snapshot\ndata: (.*)$/gm)];
    this.text = '';
    return found.map(([, data]) => JSON.parse(data!) as WireSnapshot);
  }
}

let board: Board;
let live: Live;
beforeEach(() => {
  vi.useFakeTimers();
  const facts = { scenario: 's', protocol: 'diloco', fabric: 'threads' };
  board = new Board(topologyOf('ada', 'bob'), { ...facts, rounds: 2, stepsPerRound: 2, pace: 0.5 });
  live = new Live(() => board.snapshot());
  for (const event of story) live.apply(event);
});
afterEach(async () => {
  vi.useRealTimers();
  await live.close();
});

function connect(): Client {
  const client = new Client();
  expect(live.welcome(client)).toBe(true);
  return client;
}

const timesOf = (snapshots: readonly WireSnapshot[]): number[] =>
  snapshots.flatMap(({ samples }) => samples.map(({ time }) => time - TRAINING));

describe('Live', () => {
  it('sends four events a second', () => {
    const client = connect();
    client.take();
    vi.advanceTimersByTime(1000);
    expect(client.take()).toHaveLength(4);
  });

  it('holds next to nothing for a client that stalls, and then tells it all it missed in one event', async () => {
    const [slow, quick] = [connect(), connect()];
    slow.take();
    slow.isStalled = true;
    board.apply({ type: 'stage', text: 'x'.repeat(100_000) });
    for (let second = 3; second < 30; second++) {
      live.apply(sample(second, counters(0), counters(0)));
      vi.advanceTimersByTime(1000);
    }
    expect(slow.writableLength).toBeLessThan(2 * 100_000);
    expect(timesOf(quick.take())).toEqual(Array.from({ length: 27 }, (_, index) => index + 3));
    slow.goOn();
    await vi.advanceTimersByTimeAsync(250);
    const [before, after, ...more] = slow.take();
    expect(more).toEqual([]);
    expect(timesOf([before!, after!])).toEqual(Array.from({ length: 27 }, (_, index) => index + 3));
  });

  it('forgets a client that has gone, and does not mind how it went', async () => {
    const client = connect();
    client.destroy(new Error('reset by peer'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.take()).toHaveLength(1);
  });

  it('does not wait for ever for a client to take the last event', async () => {
    const [slow, quick] = [connect(), connect()];
    slow.isStalled = true;
    vi.advanceTimersByTime(250);
    live.apply({ type: 'ended', failure: null });
    const closed = live.close();
    await vi.advanceTimersByTimeAsync(1000);
    await closed;
    expect(slow.destroyed).toBe(true);
    expect(quick.take().at(-1)!.ended).toEqual({ failure: null });
    expect(live.welcome(new Client())).toBe(false);
  });
});
