/**
 * The launcher of a rootless run: starts this very command again inside a user namespace of its own, where
 * it has the powers over networks that outside only root has.
 *
 * The inner process cannot be reached over the network from outside, so the launcher stays, listens on the
 * metrics port in its place, and forwards each connection through a Unix socket, which crosses
 * namespaces. It passes signals on. If the launcher dies, however it dies, the kernel kills the inner process,
 * and with it go its namespaces and everything in them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import { RunError } from '../errors.js';
import { makeRuntimeFolder, removeRuntimeFolder, sweepRuntimeFolders } from '../run/runtime-folder.js';
import { UNSHARE_ARGUMENTS } from '../wan/netns/feasible.js';

/** Signals that end a run in order: Ctrl-C, a polite kill, a terminal that was closed. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Set by the launcher for the inner process: the Unix socket on which to serve metrics. */
const SOCKET_VARIABLE = 'MESHBEAT_LAUNCHER_SOCKET';

/** The launcher's socket, in a process that a launcher started. */
export function socketFromLauncher(): { readonly socket: string } | undefined {
  const socket = process.env[SOCKET_VARIABLE];
  return socket === undefined ? undefined : { socket };
}

/** Runs this command inside a new user namespace; resolves with its exit status. */
export async function runInUserNamespace(metricsPort: number | undefined): Promise<number> {
  sweepRuntimeFolders();
  const folder = makeRuntimeFolder();
  const socket = path.join(folder, 'metrics.sock');
  let server: Server | undefined;
  try {
    if (metricsPort !== undefined) server = await forward(metricsPort, socket);
    return await launch(socket);
  } finally {
    server?.close();
    removeRuntimeFolder(folder);
  }
}

async function launch(socket: string): Promise<number> {
  const itself = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const command = [...UNSHARE_ARGUMENTS, 'setpriv', '--pdeathsig', 'KILL', '--', ...itself];
  // A process group of its own, so that Ctrl-C reaches the inner process once, through the launcher.
  const child = spawn('unshare', command, {
    stdio: 'inherit',
    detached: true,
    env: { ...process.env, [SOCKET_VARIABLE]: socket },
  });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ENDING_SIGNALS) process.on(signal, pass);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    for (const signal of ENDING_SIGNALS) process.off(signal, pass);
  }
}

async function forward(port: number, socket: string): Promise<Server> {
  const server = createServer((outside) => {
    const inside = connect(socket);
    outside.pipe(inside).pipe(outside);
    // Before the inner process serves, or after it has ended, there is nobody to connect to.
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new RunError(`can't serve metrics on 127.0.0.1:${port}: ${(error as Error).message}`);
  }
  return server;
}
