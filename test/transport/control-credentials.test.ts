/**
 * The control channel on loopback: who is let through, and that whoever is not hears nothing of the secret.
 * A real gRPC server of the control contract writes down every hello it gets.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RunError } from '../../src/errors.js';
import type { NodeMessage__Output } from '../../proto/types/meshbeat/control/v1/NodeMessage.js';
import { CertificateAuthority, type Identity } from '../../src/transport/certificates.js';
import { controlContract } from '../../src/transport/contracts.js';
import {
  ORCHESTRATOR_NAME,
  orchestratorCredentials,
  orchestratorServerCredentials,
  UnreachableError,
  type OrchestratorAddress,
} from '../../src/transport/control-credentials.js';
import { newJoinToken, type JoinToken } from '../../src/transport/join-token.js';

const HOST = '127.0.0.1';
const closing: (() => void)[] = [];
let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let token: JoinToken;

beforeAll(async () => {
  authority = await CertificateAuthority.create();
  stranger = await CertificateAuthority.create();
  token = newJoinToken(authority.certificate);
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A control server; `tokens` has what it was told in hellos. */
async function serve(credentials: grpc.ServerCredentials): Promise<{ port: number; tokens: string[] }> {
  const server = new grpc.Server();
  closing.push(() => server.forceShutdown());
  const tokens: string[] = [];
  server.addService(controlContract.service, {
    Attach: (stream: grpc.ServerDuplexStream<NodeMessage__Output, object>) => {
      stream.on('error', () => undefined);
      stream.on('data', (message: NodeMessage__Output) => {
        tokens.push(message.hello?.token ?? 'no hello');
        stream.write({ admitted: {} });
      });
    },
    DeliverWeights: () => undefined,
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${HOST}:0`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return { port, tokens };
}

const serveTls = (identity: Identity) => serve(orchestratorServerCredentials(identity));
const orchestratorOf = (of: CertificateAuthority) => of.issueServer([ORCHESTRATOR_NAME], []);

/** A TCP server that treats its connections in this way. */
async function listen(treat: (socket: net.Socket) => void): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    treat(socket);
  });
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, HOST), 'listening');
  return (server.address() as net.AddressInfo).port;
}

const credentialsAt = (port: number, more: Partial<OrchestratorAddress> = {}) =>
  orchestratorCredentials({
    host: HOST,
    port,
    authorityHash: token.authorityHash,
    timeoutMs: 20_000,
    ...more,
  });

/** Does all that a node does to join; resolves when it was let in. */
async function join(port: number, host = HOST): Promise<void> {
  const { credentials, options } = await credentialsAt(port, { host });
  const client = new controlContract(`${host}:${port}`, credentials, options);
  closing.push(() => client.close());
  const call = client.attach();
  call.write({ hello: { token: token.secret } });
  await new Promise<void>((resolve, reject) => {
    call.on('error', reject);
    call.once('data', () => resolve());
  });
  call.cancel();
}

async function refusal(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => new Error('it was accepted'),
    (reason: Error) => reason,
  );
  expect(error.message).not.toContain(token.secret);
  return error;
}

describe('the orchestrator of the token', () => {
  test.each([HOST, 'localhost'])('is trusted when dialed as %s', async (host) => {
    const { port, tokens } = await serveTls(await orchestratorOf(authority));
    await join(port, host);
    expect(tokens).toEqual([token.secret]);
  });

  test('is trusted by many at once', async () => {
    const { port, tokens } = await serveTls(await orchestratorOf(authority));
    await Promise.all(Array.from({ length: 8 }, () => join(port)));
    expect(tokens).toHaveLength(8);
  });

  test('shows its names and addresses in its certificate, and its authority beside it', async () => {
    const identity = await authority.issueServer(['a.example', 'b.example'], ['10.77.0.1', 'fd00::1']);
    const { port } = await serveTls(identity);
    // Not the name that nodes ask for, hence not an orchestrator to them.
    expect(await refusal(credentialsAt(port))).toBeInstanceOf(RunError);
    const leaf = new X509Certificate(identity.certificate);
    for (const name of ['a.example', 'b.example']) expect(leaf.checkHost(name)).toBe(name);
    for (const address of ['10.77.0.1', 'fd00::1']) expect(leaf.checkIP(address)).toBeDefined();
    expect(leaf.checkHost('c.example')).toBeUndefined();
    expect(identity.certificate.endsWith(authority.certificate)).toBe(true);
  });
});

describe('somebody else', () => {
  const expectRefused = async (port: number, tokens: readonly string[]) => {
    const error = await refusal(join(port));
    expect(error).toBeInstanceOf(RunError);
    expect(error).not.toBeInstanceOf(UnreachableError);
    expect(error.message).toBe(`the orchestrator at ${HOST}:${port} is not the one of this join token`);
    expect(tokens).toEqual([]);
  };

  test('of another authority is refused before a word is said', async () => {
    const { port, tokens } = await serveTls(await orchestratorOf(stranger));
    await expectRefused(port, tokens);
  });

  test('who shows the right authority beside a certificate that it did not sign is refused', async () => {
    const identity = await orchestratorOf(stranger);
    const [leaf] = identity.certificate.split(/(?<=-----END CERTIFICATE-----)/);
    const { port, tokens } = await serveTls({
      ...identity,
      certificate: `${leaf}\n${authority.certificate}`,
    });
    await expectRefused(port, tokens);
  });

  test('who is a node of the same run is refused', async () => {
    const node = await authority.issue('us-east-0');
    const { port, tokens } = await serveTls({
      ...node,
      certificate: `${node.certificate}\n${authority.certificate}`,
    });
    await expectRefused(port, tokens);
  });

  test('who takes over after the first call gets a handshake and no hello', async () => {
    const right = await serveTls(await orchestratorOf(authority));
    const wrong = await serveTls(await orchestratorOf(stranger));
    let calls = 0;
    const between = await listen((socket) => {
      const behind = net.connect((calls++ === 0 ? right : wrong).port, HOST);
      behind.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => behind.destroy());
      socket.pipe(behind).pipe(socket);
    });
    const error = await refusal(join(between));
    expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE });
    expect(calls).toBeGreaterThan(1);
    expect([...right.tokens, ...wrong.tokens]).toEqual([]);
  });
});

describe('no orchestrator', () => {
  test.each<[string, () => Promise<number>]>([
    ['gRPC without TLS', async () => (await serve(grpc.ServerCredentials.createInsecure())).port],
    ['HTTP', () => listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['a mail server', () => listen((socket) => socket.write('220 mail.example ESMTP ready\r\n'))],
  ])('%s is told from TLS, and is no reason to try again', async (_, start) => {
    const port = await start();
    const error = await refusal(credentialsAt(port));
    expect(error).toBeInstanceOf(RunError);
    expect(error).not.toBeInstanceOf(UnreachableError);
    expect(error.message).toBe(
      `${HOST}:${port} does not speak TLS: it is not an orchestrator's control port`,
    );
  });

  const expectNotYet = async (promise: Promise<unknown>, message: string) => {
    const error = await refusal(promise);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toBe(message);
  };

  test('a port where nobody listens, or listens yet', async () => {
    const server = net.createServer().listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, 'close');
    await expectNotYet(
      credentialsAt(port),
      `can't reach ${HOST}:${port}: nobody listens there (ECONNREFUSED)`,
    );
  });

  test('a name that does not exist', async () => {
    // A resolver without a network takes its time to say so.
    const error = await refusal(credentialsAt(8471, { host: 'orchestrator.invalid', timeoutMs: 50_000 }));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toMatch(/^can't reach orchestrator\.invalid:8471: .+ \((ENOTFOUND|EAI_AGAIN)\)$/);
  });

  test('a proxy that takes the connection and drops it', async () => {
    const port = await listen((socket) => socket.end());
    await expectNotYet(
      credentialsAt(port),
      `can't reach ${HOST}:${port}: the connection was dropped (ECONNRESET)`,
    );
  });

  test('somebody who takes the connection and stays silent; it is let go', async () => {
    let socket: net.Socket | undefined;
    const port = await listen((taken) => (socket = taken.resume()));
    await expectNotYet(
      credentialsAt(port, { timeoutMs: 300 }),
      `${HOST}:${port} took the connection, but did not greet within 300 ms`,
    );
    if (socket?.closed === false) await once(socket, 'close');
  });

  test('a signal ends the call, before or while it lasts', async () => {
    let socket: net.Socket | undefined;
    const port = await listen((taken) => (socket = taken.resume()));
    const reason = new Error('enough');
    await expect(credentialsAt(port, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(socket).toBeUndefined();
    const controller = new AbortController();
    const call = credentialsAt(port, { signal: controller.signal });
    call.catch(() => undefined);
    while (socket === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    if (!socket.closed) await once(socket, 'close');
  });
});
