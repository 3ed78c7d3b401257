/** The door over real sockets: where it listens, what it lets through, and that it goes away. */
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RunError } from '../src/errors.js';
import { openHttpServer, reply, type Answer, type HttpServer, type Listen } from '../src/http-server.js';
import { scratchFolder } from './support/files.js';

const folder = scratchFolder();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const ANY = { host: '127.0.0.1', port: 0 };
const echo: Answer = (path, response) => reply(response, 200, `you asked for ${path}`);

async function opened(listen: Listen = ANY, answer = echo): Promise<HttpServer> {
  const server = await openHttpServer(listen, 'tea', answer);
  closers.push(() => server.close());
  return server;
}

/** Sees to it that a port is taken, by us or by whoever has it; resolves with its number. */
async function squat(port = 0): Promise<number> {
  const squatter = createServer();
  const isOurs = await new Promise<boolean>((resolve) => {
    squatter.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!isOurs) return port;
  closers.push(() => squatter.close());
  return (squatter.address() as AddressInfo).port;
}

describe('openHttpServer', () => {
  it('says where it listens, and passes the path on without the query', async () => {
    const { url } = await opened();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${url}/a/b?c=d`)).text()).toBe('you asked for /a/b');
  });

  it('answers HEAD without a body and lets nothing through that would change something', async () => {
    const { url } = await opened();
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '15', '']);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await fetch(url, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });

  it('answers 500 when the answer fails, breaks off one that has begun, and goes on', async () => {
    const { url } = await opened(ANY, async (path, response) => {
      if (path === '/late') response.writeHead(200).write('half of the tr');
      if (path !== '/') throw new Error('no tea today');
      await Promise.resolve();
      reply(response, 200, 'tea');
    });
    const early = await fetch(`${url}/early`);
    expect([early.status, await early.text()]).toEqual([500, 'no tea today\n']);
    await expect(fetch(`${url}/late`).then((response) => response.text())).rejects.toThrow();
    expect((await fetch(url)).status).toBe(200);
  });

  it('names what is served, host and port when the port is taken', async () => {
    const port = await squat();
    const attempt = openHttpServer({ host: '127.0.0.1', port }, 'tea', echo);
    await expect(attempt).rejects.toThrow(RunError);
    await expect(attempt).rejects.toThrow(`can't serve tea on 127.0.0.1:${port}: it is taken`);
  });

  it('takes the next port that is free, if it may, and tells which', async () => {
    // Another process may take the neighbour; then the one after it will do.
    const port = await squat();
    const { url } = await opened({ host: '127.0.0.1', port, tries: 20 });
    const found = Number(new URL(url).port);
    expect(found).toBeGreaterThan(port);
    expect(found).toBeLessThan(port + 20);
    expect((await fetch(url)).status).toBe(200);
  });

  it('says so when none of the ports it may take is free', async () => {
    const attempt = openHttpServer({ host: '127.0.0.1', port: await squat(65_535), tries: 5 }, 'tea', echo);
    await expect(attempt).rejects.toThrow("can't serve tea on 127.0.0.1:65535: it is taken");
    const first = await squat();
    await squat(first + 1);
    const both = openHttpServer({ host: '127.0.0.1', port: first, tries: 2 }, 'tea', echo);
    await expect(both).rejects.toThrow(`on 127.0.0.1:${first} to ${first + 1}: all of them are taken`);
  });

  it('says so when the host is not this machine', async () => {
    await expect(openHttpServer({ host: '192.0.2.1', port: 0 }, 'tea', echo)).rejects.toThrow(RunError);
  });

  it('listens on a Unix socket and leaves none behind', async () => {
    const socket = join(folder, 'tea.sock');
    const server = await opened({ socket });
    expect(server.url).toBe(`unix:${socket}`);
    await expect(openHttpServer({ socket }, 'tea', echo)).rejects.toThrow(`on ${socket}: it is taken`);
    const body = await new Promise<string>((resolve, reject) => {
      const asked = request({ socketPath: socket, path: '/cup' }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject).end();
    });
    expect(body).toBe('you asked for /cup');
    await server.close();
    expect(existsSync(socket)).toBe(false);
  });

  it('closes at once even while a client holds a connection, and can be closed twice', async () => {
    const server = await opened();
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
