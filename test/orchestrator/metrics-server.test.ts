/** Prometheus' endpoint over real sockets: what it answers and what it refuses. */
import { afterEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../orchestrator/metrics.js';
import { startMetricsServer, type MetricsSource } from '../../orchestrator/metrics-server.js';
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

async function serving(source: MetricsSource): Promise<string> {
  const server = await startMetricsServer(source, { host: '127.0.0.1', port: 0 });
  closers.push(() => server.close());
  return server.url;
}

describe('startMetricsServer', () => {
  it('serves the metrics with their content type', async () => {
    const url = await serving(() => metrics);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    for (const address of [url, `${url}?name=ignored`]) {
      const response = await fetch(address);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      const { value } = readExposition(await response.text());
      expect(value('meshbeat_inner_steps_total', { node: 'bob' })).toBe(4);
    }
  });

  it('asks for the metrics anew each time, as they may be replaced', async () => {
    let current = new Metrics(topologyOf('eve'), { scenario: 's', protocol: 'diloco', fabric: 'threads' });
    const url = await serving(() => current);
    expect(await (await fetch(url)).text()).toContain('node="eve"');
    current = metrics;
    expect(await (await fetch(url)).text()).not.toContain('node="eve"');
  });

  it('points from / to the metrics, and knows nothing else', async () => {
    const url = await serving(() => metrics);
    const root = await fetch(new URL('/', url));
    expect([root.status, await root.text()]).toEqual([200, 'meshbeat: the metrics are at /metrics\n']);
    const health = await fetch(new URL('/healthz', url));
    expect([health.status, await health.text()]).toEqual([200, 'ok\n']);
    expect((await fetch(new URL('/metrics/', url))).status).toBe(404);
    expect((await fetch(new URL('/etc/passwd', url))).status).toBe(404);
  });

  it('answers HEAD without a body and refuses what would change something', async () => {
    const url = await serving(() => metrics);
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
    const url = await serving(() => failing);
    const response = await fetch(url);
    expect([response.status, await response.text()]).toEqual([500, 'no metrics today\n']);
    expect((await fetch(new URL('/', url))).status).toBe(200);
  });
});
