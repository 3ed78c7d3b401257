/**
 * The live page in a real browser, over real runs: the heartbeat is seen while it beats, and the page outlives
 * the run. One story, told in order: a run, its sudden death, another run in its place, and its end.
 *
 * What must be quick is held against the run's own clock, as the page shows it, so that a slow machine, whose
 * run is slow as well, judges nothing.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BoardSnapshot } from '../../orchestrator/board.js';
import { scratchFolder } from '../support/files.js';
import { freePort, MESHBEAT, start, TINY, type Running } from '../support/meshbeat.js';
import { describeWith } from '../support/requires.js';
import { ask, attribute, openPage, textOf, until, type Watched } from './browser.js';

const folder = scratchFolder();
const SECONDS_UNTIL_SEEN = 10;
/** For a test in which a run starts, on a machine that has much else to do. */
const PATIENCE_MS = 120_000;

/** A run with a burst every second and a half. */
function startRun(port: number, out: string, rounds: number): Running {
  const shape = ['--set', `rounds=${rounds}`, '--set', 'protocol.innerSteps=6'];
  const where = ['--fabric', 'threads', '--out', join(folder, out), '--web', String(port)];
  return start([...MESHBEAT, 'run', TINY, ...shape, ...where]);
}

const bursts = (least: number): string => `document.querySelector('#heartbeat').dataset.bursts >= ${least}`;
const status = (kind: string): string => `document.querySelector('#status').dataset.status === '${kind}'`;

/** For each column of the heartbeat's canvas, how many of its pixels are of the colour of what is sent. */
const SENT_BY_COLUMN = `(() => {
  const canvas = document.querySelector('#heartbeat canvas');
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  return Array.from({ length: width }, (_, x) => {
    let count = 0;
    for (let y = 0; y < height; y++) {
      const at = 4 * (y * width + x);
      if (data[at + 3] > 0 && data[at + 2] > data[at] + 60) count++;
    }
    return count;
  });
})()`;

describeWith(['chromium'], 'the live page', () => {
  let port: number;
  let first: Running;
  let watched: Watched;
  let firstRun: string;

  it(
    'shows bursts within 10 s of the first round, and lights arcs while slices move',
    async () => {
      port = await freePort();
      first = startRun(port, 'first', 40);
      await first.said(/^watch it live: /m);
      watched = await openPage();
      const { page } = watched;
      await page.goto(`http://127.0.0.1:${port}/`);
      await until(page, status('live'));
      await until(
        page,
        `document.querySelectorAll('#mesh .arc.lit').length > 0 && document.body.dataset.elapsed > 0`,
      );
      await until(page, `${bursts(1)} && document.body.dataset.roundsDone >= 1`);
      const seenAt = Number(await attribute(page, 'body', 'data-elapsed'));
      const { finishedRounds } = (await (
        await fetch(`http://127.0.0.1:${port}/snapshot`)
      ).json()) as BoardSnapshot;
      expect(seenAt - finishedRounds[0]!.endSeconds).toBeLessThan(SECONDS_UNTIL_SEEN);
      firstRun = await textOf(page, '#run');
      expect(firstRun).toMatch(/^\d{8}-\d{6}-tiny/);
    },
    PATIENCE_MS,
  );

  it('draws a picture in which the bursts leap to the eye', async () => {
    const { page } = watched;
    await until(page, bursts(3));
    const columns = (await ask<number[]>(page, SENT_BY_COLUMN)).filter((count) => count > 0);
    columns.sort((a, b) => a - b);
    const quiet = columns[Math.floor(columns.length / 4)]!;
    expect(columns.at(-1)).toBeGreaterThan(4 * quiet);
  });

  it('shows arcs along the ring only, and dark again between bursts', async () => {
    const { page } = watched;
    const lit = `[...document.querySelectorAll('#mesh .arc.lit')].map(({ dataset }) => dataset.from + '>' + dataset.to)`;
    const ring = ['us-east>us-west', 'us-west>eu-west', 'eu-west>us-east'];
    await until(page, `${lit}.length === 0`);
    await until(page, `(window.seen = ${lit}).length > 0`);
    for (const arc of await ask<string[]>(page, 'window.seen')) expect(ring).toContain(arc);
  });

  it('shows loss, figures, gate and nodes', async () => {
    const { page } = watched;
    await until(page, `document.querySelector('#loss').dataset.points >= 2`);
    await until(page, `document.querySelector('#gate-verdict').dataset.gate !== 'none'`);
    const figures = await textOf(page, '#figures');
    expect(figures).toMatch(/Rounds\d+ \/ 40/);
    expect(figures).toMatch(/Period[\d.]+ m?sexpected 1\.\d\d s/);
    expect(await ask(page, `document.querySelectorAll('#nodes tr').length`)).toBe(3);
    expect(await attribute(page, '#heartbeat', 'aria-label')).toMatch(
      /^Traffic of 3 nodes over time: \d+ bursts/,
    );
    expect(await textOf(page, '#scenario')).toBe('tiny · diloco · 3 nodes · threads');
  });

  it('can be held still, and goes on', async () => {
    const { page } = watched;
    await page.focus('#hold');
    await page.keyboard.press('Enter');
    expect(await attribute(page, '#hold', 'aria-pressed')).toBe('true');
    const held = await attribute(page, 'body', 'data-rounds-done');
    const done = `(await (await fetch('/snapshot')).json()).roundsDone`;
    await until(page, `(async () => ${done} > ${held} + 1)()`);
    expect(await attribute(page, 'body', 'data-rounds-done')).toBe(held);
    await page.keyboard.press('Enter');
    await until(page, `document.body.dataset.roundsDone > ${held} + 1`);
  });

  it('fits a phone, in the dark, too', async () => {
    const { page } = watched;
    await page.setViewport({ width: 375, height: 700 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await until(page, `document.querySelector('#heartbeat canvas').getBoundingClientRect().width < 375`);
    expect(await ask(page, 'document.documentElement.scrollWidth')).toBe(375);
    expect(await ask(page, 'getComputedStyle(document.body).backgroundColor')).toBe('rgb(16, 20, 27)');
    await page.setViewport({ width: 1280, height: 900 });
  });

  it('keeps the last picture when the run dies, and says that nobody answers', async () => {
    const { page, complaints } = watched;
    expect(complaints).toEqual([]);
    first.kill('SIGKILL');
    await first.ended;
    await until(page, status('lost'));
    expect(await textOf(page, '#status')).toContain('reconnecting');
    expect(await textOf(page, '#run')).toBe(firstRun);
    expect(Number(await attribute(page, '#heartbeat', 'data-bursts'))).toBeGreaterThanOrEqual(3);
  });

  it(
    'turns to another run on the same port by itself, with a clean sheet',
    async () => {
      const { page } = watched;
      const second = startRun(port, 'second', 3);
      await until(page, `document.querySelector('#run').textContent !== '${firstRun}' && ${status('live')}`);
      expect(Number(await attribute(page, 'body', 'data-rounds-done'))).toBeLessThan(3);
      expect(Number(await attribute(page, '#loss', 'data-points'))).toBeLessThan(3);
      expect(Number(await attribute(page, '#heartbeat', 'data-bursts'))).toBeLessThanOrEqual(3);
      await until(page, bursts(1));

      const { status: exit, stderr } = await second.ended;
      await until(page, status('ended'));
      expect(await textOf(page, '#status')).toBe('run ended; this is its last picture');
      expect(await textOf(page, '#stage')).toBe('all 3 rounds are done');
      expect(await attribute(page, '#gate-verdict', 'data-gate'), stderr).toBe(
        exit === 0 ? 'valid' : 'invalid',
      );
      expect(await textOf(page, '#gate-checks')).toContain('different final weights');
      expect(await attribute(page, '#loss', 'data-points')).toBe('3');
    },
    PATIENCE_MS,
  );

  it('asked nobody but its server, and had nothing to complain of but its absence', () => {
    const { requests, complaints } = watched;
    expect(requests.length).toBeGreaterThan(10);
    for (const url of requests) expect(new URL(url).origin).toBe(`http://127.0.0.1:${port}`);
    // What the browser itself says when an EventSource finds nobody, or is cut off.
    const gone = /^error: Failed to load resource: net::ERR_(CONNECTION_|INCOMPLETE_CHUNKED|EMPTY_RESPONSE)/;
    expect(complaints.filter((text) => !gone.test(text))).toEqual([]);
  });
});
