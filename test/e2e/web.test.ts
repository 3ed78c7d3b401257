/** `--web` as a user gives it: which port the page is on, what is said of one that is taken, and that it goes. */
import { chmodSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BoardSnapshot } from '../../orchestrator/board.js';
import type { WireHistory, WireSnapshot } from '../../orchestrator/web/wire.js';
import { EventStream } from '../orchestrator/web/event-stream.js';
import { scratchFolder } from '../support/files.js';
import { freePort, meshbeat, MESHBEAT, start, TINY, type Running } from '../support/meshbeat.js';
import { all, netns, root, userNamespaces } from '../support/needs.js';
import { nobodysPlace } from '../support/nobody.js';
import { describeIf } from '../support/requires.js';

const folder = scratchFolder();
chmodSync(folder, 0o755);
const DEFAULT_PORT = 8480;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Sees to it that a port is taken, by us or by whoever has it. */
async function squat(port: number): Promise<void> {
  const squatter = createServer();
  closers.push(() => squatter.close());
  await new Promise<void>((resolve) => {
    squatter.once('error', () => resolve()).listen(port, '127.0.0.1', resolve);
  });
}

async function urlSaid(running: Running): Promise<string> {
  const pattern = /^watch it live: (http:\/\/127\.0\.0\.1:\d+)$/m;
  await running.said(pattern);
  running.kill('SIGINT');
  const { stderr } = await running.ended;
  return pattern.exec(stderr)![1]!;
}

const threads = (): string[] => [
  'run',
  TINY,
  '--fabric',
  'threads',
  '--out',
  mkdtempSync(join(folder, 'out-')),
];

describe('meshbeat run --web', () => {
  test('with a port that is taken fails, and names it', async () => {
    const port = await freePort();
    await squat(port);
    const { status, stderr } = await meshbeat(...threads(), '--web', String(port));
    expect([status, stderr]).toEqual([
      1,
      `meshbeat: can't serve the web page on 127.0.0.1:${port}: it is taken\n`,
    ]);
  });

  test('without a port takes the next one after a default that is taken', async () => {
    await squat(DEFAULT_PORT);
    const url = await urlSaid(start([...MESHBEAT, ...threads(), '--web']));
    const port = Number(new URL(url).port);
    expect(port).toBeGreaterThan(DEFAULT_PORT);
    expect(port).toBeLessThan(DEFAULT_PORT + 20);
    await expect(fetch(url)).rejects.toThrow();
  });

  test('with what is no port is wrong input', async () => {
    const { status, stderr } = await meshbeat(...threads(), '--web', 'nonsense');
    expect(status).toBe(2);
    expect(stderr).toContain('--web: found "nonsense"; allowed: a whole number from 1 to 65535');
  });
});

describeIf(all(netns(), root(), userNamespaces()), 'meshbeat run --web of an ordinary user', () => {
  test('serves the page, the stream and the metrics through the launcher, and ends with it', async () => {
    const { command, see, out, temporary } = nobodysPlace(mkdtempSync(join(folder, 'nobody-')));
    const [web, metrics] = [await freePort(), await freePort()];
    const ports = ['--web', String(web), '--metrics', String(metrics)];
    const words = ['run', see(TINY), '--fabric', 'netns', '--out', out, '--set', 'rounds=20', ...ports];
    const running = start([...command, ...words], { env: { TMPDIR: temporary } });
    await running.said(/^starting the devices$/m);
    const url = `http://127.0.0.1:${web}`;
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    expect(await (await fetch(url)).text()).toContain('<title>meshbeat</title>');
    expect(((await (await fetch(`${url}/snapshot`)).json()) as BoardSnapshot).scenario).toBe('tiny');
    for (const address of [url, `http://127.0.0.1:${metrics}`])
      expect(await (await fetch(`${address}/metrics`)).text()).toContain('meshbeat_');

    const gone = await EventStream.open(`${url}/events`);
    await gone.next('history');
    gone.close(); // A page that is closed must not disturb the others.
    const stream = await EventStream.open(`${url}/events`);
    closers.push(() => stream.close());
    expect((await stream.next('history')) as WireHistory).toHaveProperty('server');
    await stream.until<WireSnapshot>('snapshot', ({ samples }) => samples.length > 0);
    running.kill('SIGINT');
    const last = await stream.until<WireSnapshot>('snapshot', ({ ended }) => ended !== null);
    expect(last.ended!.failure).toBe('interrupted by SIGINT');
    await stream.ended;
    const { stderr } = await running.ended;
    expect(stderr).toContain(`watch it live: ${url}\n`);
    expect(stderr).toContain(`metrics: http://127.0.0.1:${metrics}/metrics\n`);
    await vi.waitFor(() => expect(fetch(url)).rejects.toThrow());
  });
});
