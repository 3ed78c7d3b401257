/**
 * The door at which Prometheus knocks: GET /metrics over HTTP, on a TCP port or a Unix socket.
 *
 * A socket is for a run inside a user namespace, whose ports nobody outside can reach: the launcher outside
 * listens on the port and passes what it hears through. The door shows and changes nothing, so it answers
 * GET and HEAD only, and a request that goes wrong never ends a run.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf, RunError } from '../src/errors.js';
import type { Metrics } from './metrics.js';

export type Listen = { readonly host: string; readonly port: number } | { readonly socket: string };

export interface MetricsServer {
  /** Where the metrics are: an http URL, or `unix:PATH`. */
  readonly url: string;
  /** Ends the server and all its connections. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Serves metrics until closed. Port 0 takes any free port.
 *
 * @throws RunError if it can't listen there: the port is taken, say.
 */
export async function startMetricsServer(
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  listen: Listen,
): Promise<MetricsServer> {
  const server = createServer((request, response) => void answer(metrics, request, response));
  await listening(server, listen);
  // From here on an error is one of a single connection, e.g. no descriptor left to accept it.
  server.on('error', () => undefined);
  return { url: urlOf(server, listen), close: () => closed(server) };
}

async function answer(
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = (status: number, body: string, headers: Record<string, string> = {}): void =>
    void response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers }).end(body);
  if (method !== 'GET' && method !== 'HEAD') {
    reply(405, 'only GET and HEAD\n', { Allow: 'GET, HEAD' });
    return;
  }
  const [path] = url.split('?');
  if (path === '/') reply(200, 'meshbeat: the metrics are at /metrics\n');
  else if (path !== '/metrics') reply(404, 'not found; the metrics are at /metrics\n');
  else {
    try {
      reply(200, await metrics.text(), { 'Content-Type': metrics.contentType });
    } catch (error) {
      reply(500, `${messageOf(error)}\n`);
    }
  }
}

function listening(server: Server, listen: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const reason = error.code === 'EADDRINUSE' ? 'it is taken' : error.message;
      reject(new RunError(`can't serve metrics on ${placeOf(listen)}: ${reason}`));
    };
    server.once('error', onError);
    const onListening = (): void => {
      server.off('error', onError);
      resolve();
    };
    if ('socket' in listen) server.listen(listen.socket, onListening);
    else server.listen(listen.port, listen.host, onListening);
  });
}

function closed(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function placeOf(listen: Listen): string {
  return 'socket' in listen ? listen.socket : hostAndPort(listen.host, listen.port);
}

function urlOf(server: Server, listen: Listen): string {
  if ('socket' in listen) return `unix:${listen.socket}`;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : listen.port;
  return `http://${hostAndPort(listen.host, port)}/metrics`;
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
