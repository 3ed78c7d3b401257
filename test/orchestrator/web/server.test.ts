/** The page's server over real sockets: its routes, what it refuses, and the stream of events. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Board, type BoardSnapshot } from '../../../orchestrator/board.js';
import { Metrics } from '../../../orchestrator/metrics.js';
import { loadAssets } from '../../../orchestrator/web/assets.js';
import { MOST_CLIENTS } from '../../../orchestrator/web/live.js';
import { startWebServer, type WebServer } from '../../../orchestrator/web/server.js';
import type { WireHistory, WireSnapshot } from '../../../orchestrator/web/wire.js';
import { scratchFolder } from '../../support/files.js';
import { counters, sample, story, topologyOf, TRAINING } from '../run-story.js';
import { EventStream } from './event-stream.js';

const folder = scratchFolder();
mkdirSync(join(folder, 'page', 'charts'), { recursive: true });
writeFileSync(join(folder, 'secret.js'), 'not yours');
writeFileSync(join(folder, 'page', 'index.html'), '<p>page</p>');
writeFileSync(join(folder, 'page', 'style.css'), 'p {}');
writeFileSync(join(folder, 'page', 'charts', 'line.js'), 'export {};');
writeFileSync(join(folder, 'page', 'line.js.map'), '{}');
const assets = loadAssets(join(folder, 'page'));

const topology = topologyOf('ada', 'bob');
const facts = { scenario: 's', protocol: 'diloco', fabric: 'threads' };
const metrics = new Metrics(topology, facts);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Serving {
  readonly server: WebServer;
  readonly url: string;
  readonly board: Board;
  readonly tell: (...events: Parameters<Board['apply']>[0][]) => void;
}

async function serving(port = 0): Promise<Serving> {
  const board = new Board(topology, { ...facts, rounds: 2, stepsPerRound: 2, pace: 0.5 });
  const listen = { host: '127.0.0.1', port };
  const snapshot = (): BoardSnapshot => board.snapshot();
  const server = await startWebServer({ listen, snapshot, metrics: () => metrics, assets });
  closers.push(() => server.close());
  const tell: Serving['tell'] = (...events) => {
    for (const event of events) {
      board.apply(event);
      server.apply(event);
    }
  };
  return { server, url: server.url, board, tell };
}

async function streamOf(url: string): Promise<EventStream> {
  const stream = await EventStream.open(`${url}/events`);
  closers.push(() => stream.close());
  return stream;
}

describe('the web server', () => {
  it('serves the page with its parts, uPlot among them, each as what it is', async () => {
    const { url } = await serving();
    const served: [path: string, type: string, start: string][] = [
      ['/', 'text/html; charset=utf-8', '<p>page</p>'],
      ['/index.html', 'text/html; charset=utf-8', '<p>page</p>'],
      ['/style.css', 'text/css; charset=utf-8', 'p {}'],
      ['/charts/line.js', 'text/javascript; charset=utf-8', 'export {};'],
      ['/vendor/uplot.js', 'text/javascript; charset=utf-8', '/**\n* Copyright (c)'],
      ['/vendor/uplot.css', 'text/css; charset=utf-8', '.uplot'],
    ];
    for (const [path, type, start] of served) {
      const response = await fetch(url + path);
      expect([response.status, response.headers.get('content-type')], path).toEqual([200, type]);
      expect((await response.text()).startsWith(start), path).toBe(true);
    }
  });

  it('lets the page load from here and from nowhere else', async () => {
    const { url } = await serving();
    const { headers } = await fetch(url);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    for (const [source] of policy.matchAll(/(?<=-src )[^;]+/g))
      expect(["'none'", "'self'"]).toContain(source);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  it('knows nothing outside the page’s folder, however one asks', async () => {
    const { url } = await serving();
    const { port } = new URL(url);
    const paths = [
      '/../secret.js',
      '/charts/../../secret.js',
      '/%2e%2e/secret.js',
      '/..%2fsecret.js',
      '//secret.js',
    ];
    for (const path of [...paths, '/etc/passwd', '/charts', '/charts/', '/line.js.map', '/toString']) {
      // Not fetch, which would tidy the path up.
      const { statusCode } = await new Promise<IncomingMessage>((resolve, reject) => {
        request({ port, path }, (response) => resolve(response.resume()))
          .on('error', reject)
          .end();
      });
      expect(statusCode, path).toBe(404);
    }
  });

  it('serves health, metrics and the board as JSON', async () => {
    const { url, board, tell } = await serving();
    tell(...story);
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('ok\n');
    const exposition = await fetch(`${url}/metrics`);
    expect(exposition.headers.get('content-type')).toBe(metrics.contentType);
    expect(await exposition.text()).toContain('meshbeat_inner_steps_total');
    const snapshot = await fetch(`${url}/snapshot`);
    expect(snapshot.headers.get('content-type')).toBe('application/json');
    expect(await snapshot.json()).toEqual(board.snapshot());
  });

  it('answers HEAD, of the stream too, and refuses what would change something', async () => {
    const { url } = await serving();
    for (const path of ['/', '/events', '/metrics']) {
      const response = await fetch(url + path, { method: 'HEAD' });
      expect([response.status, await response.text()], path).toEqual([200, '']);
    }
    for (const path of ['/', '/events', '/snapshot'])
      expect((await fetch(url + path, { method: 'POST', body: 'x' })).status, path).toBe(405);
  });

  it('says what is missing where the page was not built', async () => {
    const listen = { host: '127.0.0.1', port: 0 };
    const snapshot = (): BoardSnapshot => {
      throw new Error('no board yet');
    };
    const server = await startWebServer({ listen, snapshot, metrics: () => metrics, assets: new Map() });
    closers.push(() => server.close());
    const response = await fetch(server.url);
    expect([response.status, await response.text()]).toEqual([503, 'the page is not built; npm run build\n']);
    expect((await fetch(`${server.url}/snapshot`)).status).toBe(500);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('names the port when it is taken', async () => {
    const { url } = await serving();
    const port = Number(new URL(url).port);
    await expect(serving(port)).rejects.toThrow(`can't serve the web page on 127.0.0.1:${port}: it is taken`);
  });
});

describe('the stream of events', () => {
  it('tells the past first, then how things stand and what was read since', async () => {
    const { url, tell } = await serving();
    tell({ type: 'run', id: 'first' }, ...story);
    const stream = await streamOf(url);
    expect(stream.contentType).toBe('text/event-stream');
    const history = (await stream.next('history')) as WireHistory;
    expect(history.samples.map(({ up }) => up)).toEqual([
      [8e6, 4e6],
      [40e6, 0],
    ]);
    const first = (await stream.next('snapshot')) as WireSnapshot;
    expect(first.board).toMatchObject({
      run: 'first',
      roundsDone: 2,
      scenario: 's',
      stage: 'collecting the weights',
    });
    expect(first.board.nodes[0]).not.toHaveProperty('rateUpHistory');
    expect([first.trainingTime, first.samples, first.ended]).toEqual([TRAINING, [], null]);

    tell(
      sample(3, counters(6_000_000), counters(1_000_000)),
      sample(4, counters(6_000_000), counters(1_000_000)),
    );
    const next = await stream.until<WireSnapshot>('snapshot', ({ samples }) => samples.length > 0);
    expect(next.samples).toEqual([
      { time: TRAINING + 3, up: [0, 4e6], down: [0, 2e6] },
      { time: TRAINING + 4, up: [0, 0], down: [0, 0] },
    ]);
    expect(((await stream.next('snapshot')) as WireSnapshot).samples).toEqual([]);
  });

  it('tells the end to every open page, and ends', async () => {
    const { url, tell, server } = await serving();
    const streams = [await streamOf(url), await streamOf(url)];
    tell({ type: 'ended', failure: 'bob died' });
    await server.close();
    for (const stream of streams) {
      await stream.next('history');
      const last = await stream.until<WireSnapshot>('snapshot', ({ ended }) => ended !== null);
      expect(last.ended).toEqual({ failure: 'bob died' });
      await stream.ended;
    }
  });

  it('is another server’s after a restart on the same port', async () => {
    const first = await serving();
    const before = (await (await streamOf(first.url)).next('history')) as WireHistory;
    const again = (await (await streamOf(first.url)).next('history')) as WireHistory;
    expect(again.server).toBe(before.server);
    await first.server.close();
    const second = await serving(Number(new URL(first.url).port));
    const after = (await (await streamOf(second.url)).next('history')) as WireHistory;
    expect(after.server).not.toBe(before.server);
  });

  it('lets in only so many', async () => {
    const { url } = await serving();
    for (let client = 0; client < MOST_CLIENTS; client++) await streamOf(url);
    expect((await fetch(`${url}/events`)).status).toBe(503);
    const left = closers.splice(-1)[0]!;
    await left();
    await vi.waitFor(async () => {
      const stream = await streamOf(url);
      expect(stream.contentType).toBe('text/event-stream');
    });
  });
});
