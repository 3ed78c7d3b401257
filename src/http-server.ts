/**
 * A small door for HTTP: listens on a TCP port or a Unix socket, hands requests to whoever answers them, and
 * goes away completely when it is closed.
 *
 * What is behind these doors shows and changes nothing, so only GET and HEAD come through, and a request that
 * goes wrong never ends the process. A socket is for a run inside a user namespace, whose ports nobody outside
 * can reach: the launcher outside listens on the port and passes what it hears through. There are no routes
 * here, and no TLS: it is for this machine or for a network of one's own.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as NetServer } from 'node:net';
import { messageOf, RunError } from './errors.js';

export interface PortListen {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Ports to try, from `port` on, until one is free; default 1. */
  readonly tries?: number;
}

export type Listen = PortListen | { readonly socket: string };

export interface HttpServer {
  /** Where it listens: `http://HOST:PORT`, or `unix:PATH`. */
  readonly url: string;
  /** Ends the server and all its connections. Safe to call twice. */
  close(): Promise<void>;
}

/** Answers a GET or HEAD; `path` is the request's, without its query. What it throws becomes status 500. */
export type Answer = (path: string, response: ServerResponse, request: IncomingMessage) => unknown;

/**
 * Listens until closed.
 *
 * @param what what is served, for the error message: "metrics", say.
 * @throws RunError if it can't listen there: the port is taken, say.
 */
export async function openHttpServer(listen: Listen, what: string, answer: Answer): Promise<HttpServer> {
  const server = createServer((request, response) => void guarded(answer, request, response));
  const place =
    'socket' in listen
      ? await onSocket(server, listen.socket, what)
      : await listenOnPort(server, listen, what);
  // From here on an error is one of a single connection, e.g. no descriptor left to accept it.
  server.on('error', () => undefined);
  return {
    url: 'socket' in listen ? place : `http://${place}`,
    close: () => closed(server),
  };
}

/** Replies with a text, and to HEAD with its headers alone. */
export function reply(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  });
  response.end(body);
}

/**
 * Listens on the first free port of those allowed.
 *
 * @returns host and port, as in a URL.
 * @throws RunError if none is free, or it can't listen there for another reason.
 */
export async function listenOnPort(
  server: NetServer,
  { host, port, tries = 1 }: PortListen,
  what: string,
): Promise<string> {
  const last = Math.min(port + tries - 1, 65_535);
  for (let at = port; ; at++) {
    try {
      await listening(server, () => server.listen(at, host));
      break;
    } catch (error) {
      const isTaken = codeOf(error) === 'EADDRINUSE';
      if (isTaken && at < last) continue;
      const ports = last === port ? `${port}` : `${port} to ${last}`;
      const place = hostAndPort(host, ports);
      const taken = last === port ? 'it is taken' : 'all of them are taken';
      throw new RunError(`can't serve ${what} on ${place}: ${isTaken ? taken : messageOf(error)}`);
    }
  }
  const address = server.address();
  return hostAndPort(host, typeof address === 'object' && address !== null ? address.port : port);
}

async function onSocket(server: Server, socket: string, what: string): Promise<string> {
  try {
    await listening(server, () => server.listen(socket));
  } catch (error) {
    const reason = codeOf(error) === 'EADDRINUSE' ? 'it is taken' : messageOf(error);
    throw new RunError(`can't serve ${what} on ${socket}: ${reason}`);
  }
  return `unix:${socket}`;
}

function listening(server: NetServer, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onListening = (): void => {
      server.off('error', onError);
      resolve();
    };
    const onError = (error: Error): void => {
      server.off('listening', onListening);
      reject(error);
    };
    server.once('error', onError).once('listening', onListening);
    listen();
  });
}

async function guarded(answer: Answer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    reply(response, 405, 'only GET and HEAD\n', { Allow: 'GET, HEAD' });
    return;
  }
  try {
    await answer(url.split('?')[0]!, response, request);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else reply(response, 500, `${messageOf(error)}\n`);
  }
}

function closed(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function hostAndPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
