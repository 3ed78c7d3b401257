/** The view on a terminal and elsewhere, with a stream that only remembers what was written. */
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BoardSnapshot } from '../../../orchestrator/board.js';
import { startView, type View } from '../../../src/cli/run/live-view.js';
import { finished, snapshotOf } from './snapshots.js';

const ESCAPE = '\x1b';
const HIDE = '\x1b[?25l';
const SHOW = '\x1b[?25h';

class Screen {
  text = '';
  readonly stream: NodeJS.WriteStream;

  constructor(size: { isTTY: boolean; columns?: number; rows?: number }) {
    const through = new PassThrough();
    through.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
    this.stream = Object.assign(through, size) as unknown as NodeJS.WriteStream;
  }

  /** What was written since the last call. */
  take(): string {
    const text = this.text;
    this.text = '';
    return text;
  }
}

const terminal = { isTTY: true, columns: 80, rows: 12 };
let screen: Screen;
let snapshot: BoardSnapshot;
let views: View[] = [];

function start(size: ConstructorParameters<typeof Screen>[0]): View {
  screen = new Screen(size);
  const view = startView({ stream: screen.stream, snapshot: () => snapshot, title: 'diloco on netns' });
  views.push(view);
  return view;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubEnv('TERM', 'xterm');
  vi.stubEnv('NO_COLOR', undefined);
  snapshot = snapshotOf(4);
});
afterEach(() => {
  for (const view of views) view.stop();
  views = [];
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('startView on a terminal', () => {
  it('draws at once, and again when something has changed', () => {
    start(terminal);
    expect(screen.take()).toContain('round 3/10');
    vi.advanceTimersByTime(1000);
    expect(screen.take()).toBe('');
    snapshot = snapshotOf(4, { roundsDone: 3 });
    vi.advanceTimersByTime(250);
    expect(screen.take()).toContain('round 4/10');
  });

  it('erases exactly the picture before, whatever the number of nodes', () => {
    for (const nodes of [2, 100]) {
      snapshot = snapshotOf(nodes);
      start(terminal);
      const height = screen.take().split('\n').length;
      expect(height).toBeLessThanOrEqual(terminal.rows);
      snapshot = snapshotOf(nodes, { roundsDone: 3 });
      vi.advanceTimersByTime(250);
      expect(screen.take().split('\x1b[2K').length - 1).toBe(height);
    }
  });

  it('follows the size of the window', () => {
    start({ ...terminal, columns: 200, rows: 40 });
    screen.take();
    screen.stream.columns = 50;
    screen.stream.rows = 5;
    vi.advanceTimersByTime(250);
    const drawn = stripVTControlCharacters(screen.take()).trimEnd().split('\n');
    expect(drawn.length).toBe(4);
    for (const line of drawn) expect(line.length).toBeLessThan(50);
  });

  it('puts lines above the picture, to stay', () => {
    const view = start(terminal);
    screen.take();
    view.line('probing the paths');
    const text = stripVTControlCharacters(screen.take());
    expect(text.startsWith('probing the paths\ndiloco on netns')).toBe(true);
  });

  it('hides the cursor while it draws and gives it back, once', () => {
    const listeners = process.listenerCount('exit');
    const view = start(terminal);
    expect(screen.take().startsWith(HIDE)).toBe(true);
    snapshot = snapshotOf(4, { roundsDone: 10, stage: 'all done' });
    view.stop();
    const last = screen.take();
    expect(last).toContain('all done');
    expect(last.endsWith(SHOW)).toBe(true);
    view.stop();
    vi.advanceTimersByTime(1000);
    expect(screen.take()).toBe('');
    expect(process.listenerCount('exit')).toBe(listeners);
    view.line('afterwards');
    expect(screen.take()).toBe('afterwards\n');
  });

  it('has colours, but not with NO_COLOR', () => {
    const bold = '\x1b[1m';
    start(terminal);
    expect(screen.take()).toContain(bold);
    vi.stubEnv('NO_COLOR', '1');
    start(terminal);
    const text = screen.take();
    expect(text).toContain('round 3/10');
    expect(text.split(ESCAPE).filter((part) => /^\[\d+m/.test(part))).toEqual([]);
  });
});

describe('startView elsewhere', () => {
  const elsewhere: [string, ConstructorParameters<typeof Screen>[0], string][] = [
    ['a pipe', { isTTY: false }, 'xterm'],
    ['a dumb terminal', terminal, 'dumb'],
    ['a terminal of unknown size', { isTTY: true, columns: 0, rows: 0 }, 'xterm'],
  ];

  it.each(elsewhere)('writes no escape codes to %s', (_, size, term) => {
    vi.stubEnv('TERM', term);
    const view = start(size);
    view.line('connecting');
    snapshot = snapshotOf(4, { finishedRounds: [finished(0)] });
    vi.advanceTimersByTime(250);
    view.stop();
    expect(screen.text).not.toContain(ESCAPE);
    expect(screen.text).toBe('connecting\nround 1/10: loss 3.000, 19.7 MB sent\n');
  });

  it('tells each round once, in order with what the caller says', () => {
    const view = start({ isTTY: false });
    snapshot = snapshotOf(4, { finishedRounds: [finished(0), finished(1)] });
    vi.advanceTimersByTime(1000);
    snapshot = snapshotOf(4, { finishedRounds: [finished(0), finished(1), finished(2)] });
    view.line('collecting the weights');
    snapshot = snapshotOf(4, { finishedRounds: [finished(1), finished(2), finished(3)] });
    view.stop();
    view.stop();
    expect(screen.text.split('\n')).toEqual([
      'round 1/10: loss 3.000, 19.7 MB sent',
      'round 2/10: period 5.36 s, loss 2.900, 19.7 MB sent',
      'round 3/10: period 5.36 s, loss 2.800, 19.7 MB sent',
      'collecting the weights',
      'round 4/10: period 5.36 s, loss 2.700, 19.7 MB sent',
      '',
    ]);
  });
});
