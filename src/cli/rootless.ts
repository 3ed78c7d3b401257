/**
 * The launcher of a rootless run: starts this very command again inside a user namespace of its own, where
 * it has the powers over networks that outside only root has.
 *
 * The inner process cannot be reached over the network from outside, so the launcher stays and listens on the
 * ports of the web page and of the metrics in its place. Each port is a door: what comes in there is forwarded
 * through a Unix socket, which crosses namespaces. It passes signals on. If the launcher dies, however it
 * dies, the kernel kills the inner process, and with it go its namespaces and everything in them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import { listenOnPort, type PortListen } from '../http-server.js';
import { makeRuntimeFolder, removeRuntimeFolder, sweepRuntimeFolders } from '../run/runtime-folder.js';
import { UNSHARE_ARGUMENTS } from '../wan/netns/feasible.js';

/** Signals that end a run in order: Ctrl-C, a polite kill, a terminal that was closed. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a run may serve, and how an error message calls it. */
const SERVED = { web: 'the web page', metrics: 'metrics' } as const;

export type PortName = keyof typeof SERVED;
/** What a run serves, and where. */
export type Ports = Readonly<Partial<Record<PortName, PortListen>>>;

/** One of the launcher's ports, for the inner process. */
interface Door {
  /** The Unix socket on which to serve. */
  readonly socket: string;
  /** Where the user finds it. */
  readonly url: string;
}

type Doors = Readonly<Partial<Record<PortName, Door>>>;

/** Set by the launcher for the inner process: its doors, as JSON. */
const DOORS_VARIABLE = 'MESHBEAT_LAUNCHER_DOORS';

/** The launcher's doors, in a process that a launcher started. */
export function doorsFromLauncher(): Doors | undefined {
  const text = process.env[DOORS_VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Doors);
}

/** Runs this command inside a new user namespace; resolves with its exit status. */
export async function runInUserNamespace(ports: Ports): Promise<number> {
  sweepRuntimeFolders();
  const folder = makeRuntimeFolder();
  const servers: Server[] = [];
  const doors: Partial<Record<PortName, Door>> = {};
  try {
    for (const name of Object.keys(SERVED) as PortName[]) {
      const listen = ports[name];
      if (listen === undefined) continue;
      const socket = path.join(folder, `${name}.sock`);
      const server = forwarder(socket);
      servers.push(server);
      doors[name] = { socket, url: `http://${await listenOnPort(server, listen, SERVED[name])}` };
    }
    return await launch(doors);
  } finally {
    for (const server of servers) server.close();
    removeRuntimeFolder(folder);
  }
}

async function launch(doors: Doors): Promise<number> {
  const itself = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const command = [...UNSHARE_ARGUMENTS, 'setpriv', '--pdeathsig', 'KILL', '--', ...itself];
  // A process group of its own, so that Ctrl-C reaches the inner process once, through the launcher.
  const child = spawn('unshare', command, {
    stdio: 'inherit',
    detached: true,
    env: { ...process.env, [DOORS_VARIABLE]: JSON.stringify(doors) },
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

/** Passes each connection on to a Unix socket. */
function forwarder(socket: string): Server {
  return createServer((outside) => {
    const inside = connect(socket);
    outside.pipe(inside).pipe(outside);
    // Before the inner process serves, or after it has ended, there is nobody to connect to.
    inside.on('error', () => outside.destroy()).on('close', () => outside.end());
    outside.on('error', () => inside.destroy()).on('close', () => inside.destroy());
  });
}
