/**
 * The door at which Prometheus knocks: GET /metrics over HTTP, with nothing else behind it. The web page's
 * server (web/server.ts) has the same metrics; this door is for who wants them on a port of their own.
 */
import { openHttpServer, reply, type HttpServer, type Listen } from '../src/http-server.js';
import type { ServerResponse } from 'node:http';
import type { Metrics } from './metrics.js';

/** Metrics as they now are; asked for anew at each request, as the object behind them may be replaced. */
export type MetricsSource = () => Pick<Metrics, 'text' | 'contentType'>;

/**
 * Serves metrics until closed; `url` is that of the metrics.
 *
 * @throws RunError if it can't listen there: the port is taken, say.
 */
export async function startMetricsServer(metrics: MetricsSource, listen: Listen): Promise<HttpServer> {
  const server = await openHttpServer(listen, 'metrics', async (path, response) => {
    if (path === '/') reply(response, 200, 'meshbeat: the metrics are at /metrics\n');
    else if (path === '/healthz') reply(response, 200, 'ok\n');
    else if (path === '/metrics') await replyMetrics(response, metrics);
    else reply(response, 404, 'not found; the metrics are at /metrics\n');
  });
  return { ...server, url: 'socket' in listen ? server.url : `${server.url}/metrics` };
}

/** Answers with the metrics, in Prometheus' text format. */
export async function replyMetrics(response: ServerResponse, metrics: MetricsSource): Promise<void> {
  const { contentType } = metrics();
  reply(response, 200, await metrics().text(), { 'Content-Type': contentType });
}
