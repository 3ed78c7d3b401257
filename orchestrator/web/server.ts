/**
 * The live web page's server: one door for people and for Prometheus.
 *
 *     /           the page, and its files by name          /metrics    Prometheus' text format
 *     /events     the run as server-sent events            /healthz    "ok"
 *     /snapshot   how the run stands, as JSON
 *
 * It only shows: nothing a client sends changes anything. Board and metrics are asked for at each look, as
 * they may be replaced while nodes still gather. The page may load from here and from nowhere else, which
 * the browser enforces (Content-Security-Policy).
 */
import type { ServerResponse } from 'node:http';
import { openHttpServer, reply, type HttpServer, type Listen } from '../../src/http-server.js';
import type { BoardSnapshot } from '../board.js';
import type { RunEvent } from '../../src/run/events.js';
import { replyMetrics, type MetricsSource } from '../metrics-server.js';
import { loadAssets, type Assets } from './assets.js';
import { Live } from './live.js';

/** Where the page is found unless one says otherwise. */
export const WEB_PORT = 8480;

export interface WebServerOptions {
  readonly listen: Listen;
  readonly snapshot: () => BoardSnapshot;
  readonly metrics: MetricsSource;
  /** Files of the page; default: as built. */
  readonly assets?: Assets;
}

export interface WebServer extends HttpServer {
  /** Takes an event of the run in; to be called with every one. */
  apply(event: RunEvent): void;
}

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // After an update a page must not be half old, half new.
  'Cache-Control': 'no-store',
} as const;

/**
 * Serves the page until closed; closing shows every open page the end first.
 *
 * @throws RunError if it can't listen there: the port is taken, say.
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { listen, snapshot, metrics, assets = loadAssets() } = options;
  const live = new Live(snapshot);
  const answer = async (path: string, response: ServerResponse, isHead: boolean): Promise<void> => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const asset = assets.get(path);
    if (asset !== undefined) reply(response, 200, asset.body, { 'Content-Type': asset.contentType });
    else if (path === '/events') stream(live, response, isHead);
    else if (path === '/snapshot') reply(response, 200, JSON.stringify(snapshot()), JSON_TYPE);
    else if (path === '/metrics') await replyMetrics(response, metrics);
    else if (path === '/healthz') reply(response, 200, 'ok\n');
    else if (path === '/') reply(response, 503, 'the page is not built; npm run build\n');
    else reply(response, 404, 'not found\n');
  };
  let server: HttpServer;
  try {
    server = await openHttpServer(listen, 'the web page', (path, response, { method }) =>
      answer(path, response, method === 'HEAD'),
    );
  } catch (error) {
    await live.close();
    throw error;
  }
  return {
    url: server.url,
    apply: (event) => live.apply(event),
    close: async () => {
      await live.close();
      await server.close();
    },
  };
}

const JSON_TYPE = { 'Content-Type': 'application/json' } as const;

function stream(live: Live, response: ServerResponse, isHead: boolean): void {
  if (isHead) response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end();
  else if (!live.welcome(response)) reply(response, 503, 'too many pages are open\n');
}
