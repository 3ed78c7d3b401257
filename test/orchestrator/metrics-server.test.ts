/** The endpoint over real sockets: what it answers, what it refuses, and that it goes away. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../orchestrator/metrics.js';
import { startMetricsServer, type MetricsServer } from '../../orchestrator/metrics-server.js';
import { RunError } from '../../src/errors.js';
import { readExposition } from './prometheus-text.js';
import { story, topologyOf } from './run-story.js';

const metrics = new Metrics(topologyOf('ada', 'bob'), {
  scenario: 's',
  protocol: 'diloco',
  fabric: 'threads',
});
for (const event of story) metrics.apply(event);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(...args: Parameters<typeof startMetricsServer>): Promise<MetricsServer> {
  const server = await startMetricsServer(...args);
  closers.push(() => server.close());
  return server;
}

const onAnyPort = () => started(metrics, { host: '127.0.0.1', port: 0 });

describe('startMetricsServer', () => {
  it('serves the metrics with their content type', async () => {
    const { url } = await onAnyPort();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    for (const address of [url, `${url}?name=ignored`]) {
      const response = await fetch(address);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      const { value } = readExposition(await response.text());
      expect(value('meshbeat_inner_steps_total', { node: 'bob' })).toBe(4);
    }
  });

  it('points from / to the metrics, and knows nothing else', async () => {
    const { url } = await onAnyPort();
    const root = await fetch(new URL('/', url));
    expect([root.status, await root.text()]).toEqual([200, 'meshbeat: the metrics are at /metrics\n']);
    expect((await fetch(new URL('/metrics/', url))).status).toBe(404);
    expect((await fetch(new URL('/etc/passwd', url))).status).toBe(404);
  });

  it('answers HEAD without a body and refuses what would change something', async () => {
    const { url } = await onAnyPort();
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await fetch(url, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  it('answers 500 when the metrics fail, and goes on', async () => {
    const failing = {
      contentType: metrics.contentType,
      text: () => Promise.reject(new Error('no metrics today')),
    };
    const { url } = await started(failing, { host: '127.0.0.1', port: 0 });
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([500, 'no metrics today\n']);
    expect((await fetch(new URL('/', url))).status).toBe(200);
  });

  it('names host and port when the port is taken', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    closers.push(() => squatter.close());
    const { port } = squatter.address() as AddressInfo;
    const attempt = startMetricsServer(metrics, { host: '127.0.0.1', port });
    await expect(attempt).rejects.toThrow(RunError);
    await expect(attempt).rejects.toThrow(`can't serve metrics on 127.0.0.1:${port}: it is taken`);
  });

  it('listens on a Unix socket and leaves none behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meshbeat-metrics-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const socket = join(folder, 'metrics.sock');
    const server = await started(metrics, { socket });
    expect(server.url).toBe(`unix:${socket}`);
    const body = await new Promise<string>((resolve, reject) => {
      const asked = request({ socketPath: socket, path: '/metrics' }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject).end();
    });
    expect(readExposition(body).value('meshbeat_outer_steps_total', { node: 'ada' })).toBe(2);
    await server.close();
    expect(existsSync(socket)).toBe(false);
  });

  it('closes at once even while a client holds a connection, and can be closed twice', async () => {
    const server = await onAnyPort();
    const { port } = new URL(server.url);
    const idle = connect(Number(port), '127.0.0.1');
    closers.push(() => idle.destroy());
    await new Promise<void>((resolve) => idle.once('connect', () => resolve()));
    idle.on('error', () => undefined);
    await fetch(server.url); // By now the idle connection has been accepted.
    const ended = new Promise<void>((resolve) => idle.once('close', () => resolve()));
    idle.resume();
    await server.close();
    await ended;
    await server.close();
    await expect(fetch(server.url)).rejects.toThrow();
  });
});
