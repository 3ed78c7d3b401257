/**
 * An end of WireGuard tunnels: one interface, wg0, with a peer for each tunnel.
 *
 * The kernel's WireGuard where it has one, else wireguard-go, a program that holds a TUN device and does the same in
 * user space. Both are configured by `wg`; for packets, keys and ports there is no difference.
 *
 * wireguard-go is configured through a socket in a folder that all such programs of a machine share, by the name of
 * the interface. So that equal names and other people's tunnels don't meet, it gets a mount namespace with a folder of
 * its own, where the user may have one; a container has been given one already.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnSync } from 'node:child_process';
import { RunError } from '../../errors.js';
import type { TunnelEnd, TunnelEndOptions } from './end.js';
import { enlargeSocketBuffers } from '../netns/syscalls.js';
import { overlayLines } from './overlay.js';
import { ask, Daemon, ipIn, needProgram, type Place } from './place.js';
import { wireguardConfig } from './wireguard-config.js';

const DEVICE = 'wg0';
/** Where wireguard-go has its socket. */
const SOCKET_FOLDER = '/var/run/wireguard';
/** How long it may take to be there, seconds. */
const START_SECONDS = 10;
/** Between two looks, ms. */
const LOOK_MS = 20;
const MOST_LOOKS = 200;
const SOCKET_BUFFER_BYTES = 4 << 20;

/** Which WireGuard to take; `auto` takes the kernel's where there is one. */
export type WireguardChoice = 'auto' | 'wireguard-go';

export class WireguardEnd implements TunnelEnd {
  readonly implementation: string;
  readonly #options: TunnelEndOptions;
  readonly #daemon: Daemon | undefined;
  readonly #wg: readonly string[];
  #closed: Promise<void> | undefined;

  private constructor(options: TunnelEndOptions, { daemon, wg, implementation }: Made) {
    this.#options = options;
    this.#daemon = daemon;
    this.#wg = wg;
    this.implementation = implementation;
  }

  static async open(options: TunnelEndOptions, choice: WireguardChoice = 'auto'): Promise<WireguardEnd> {
    const { plan, place, keys, publicKeys, tcp } = options;
    const wg = needProgram('wg', 'wireguard-tools');
    const made =
      choice === 'auto' && kernelHasIt(place)
        ? { wg: [wg], daemon: undefined, implementation: 'WireGuard of the kernel' }
        : await startProgram(options, wg);
    const end = new WireguardEnd(options, made);
    try {
      const config = wireguardConfig(plan, keys.privateKey, publicKeys);
      await ask(place, throughPipe([...made.wg, 'setconf', DEVICE, '/dev/stdin']), config);
      const reaches = plan.peers.flatMap((peer) => peer.reaches);
      ipIn(place, overlayLines(DEVICE, plan, reaches, tcp));
      await end.#enlargeBuffers();
      return end;
    } catch (error) {
      await end.close();
      throw error;
    }
  }

  /** A tunnel is there once its handshake was. */
  async missing(): Promise<number> {
    this.#daemon?.check();
    const { place } = this.#options;
    const handshakes = await ask(place, [...this.#wg, 'show', DEVICE, 'latest-handshakes']);
    return handshakes.split('\n').filter((line) => line.endsWith('\t0')).length;
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  /**
   * Linux gives a UDP socket room for some 90 packets, which a burst overruns while the program waits for its turn on
   * a busy machine; packets must be dropped in the modelled queues only.
   */
  async #enlargeBuffers(): Promise<void> {
    if (this.#daemon === undefined) return;
    const { pid } = this.#daemon;
    const { port } = this.#options.plan;
    // It opens its port when it has noticed that the interface is up.
    let sockets = socketsAt(pid, port);
    for (let looks = 0; looks < MOST_LOOKS && sockets.length === 0; looks++) {
      this.#daemon.check();
      await sleep(LOOK_MS);
      sockets = socketsAt(pid, port);
    }
    enlargeSocketBuffers(pid, sockets, SOCKET_BUFFER_BYTES);
  }

  async #end(): Promise<void> {
    // The interface of a program goes with it; the kernel's goes with its namespace, unless that is not ours.
    if (this.#daemon !== undefined) await this.#daemon.close();
    else removeDevice(this.#options.place);
  }
}

/** What Node gives a program as standard input is a socket, which can't be opened by the name /dev/stdin. */
const throughPipe = (command: readonly string[]): string[] => ['sh', '-c', 'cat | "$@"', 'sh', ...command];

interface Made {
  /** How to call `wg` for it. */
  readonly wg: readonly string[];
  readonly daemon: Daemon | undefined;
  readonly implementation: string;
}

/** Makes the kernel's interface, if the kernel can. */
function kernelHasIt(place: Place): boolean {
  const made = place.inside(() =>
    spawnSync('ip', ['link', 'add', DEVICE, 'type', 'wireguard'], { stdio: 'ignore' }),
  );
  return made.status === 0;
}

function removeDevice(place: Place): void {
  place.inside(() => spawnSync('ip', ['link', 'del', DEVICE], { stdio: 'ignore' }));
}

async function startProgram(options: TunnelEndOptions, wg: string): Promise<Made> {
  const { place, onFailure } = options;
  const program = needProgram('wireguard-go', 'wireguard-go');
  const isPrivate = spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0;
  if (!isPrivate) makeSocketFolder();
  // A file system of its own over /run: only there does everybody have a folder to mount on.
  const covered = `mount -t tmpfs tmpfs "$(readlink -f /var/run)" && exec "$0" -f ${DEVICE}`;
  const command = isPrivate
    ? ['unshare', '--mount', '--', 'sh', '-c', covered, program]
    : [program, '-f', DEVICE];
  const daemon = Daemon.start(place, command, {
    name: 'wireguard-go',
    environment: { LOG_LEVEL: 'error' },
    onDeath: onFailure,
  });
  const made: Made = {
    wg: isPrivate ? ['nsenter', `--mount=/proc/${daemon.pid}/ns/mnt`, '--', wg] : [wg],
    daemon,
    implementation: `wireguard-go ${versionOf(program)}`,
  };
  try {
    await answered(made, daemon, place, isPrivate);
    return made;
  } catch (error) {
    await daemon.close();
    throw error;
  }
}

/** The folder of a container, which a link may have put where there is room. */
function makeSocketFolder(): void {
  try {
    mkdirSync(readTarget(SOCKET_FOLDER), { recursive: true, mode: 0o700 });
    rmSync(`${SOCKET_FOLDER}/${DEVICE}.sock`, { force: true });
  } catch (error) {
    throw new RunError(
      `wireguard-go needs the folder ${SOCKET_FOLDER}, which this user can't make: ${(error as Error).message}`,
    );
  }
}

function readTarget(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    try {
      return readlinkSync(folder);
    } catch {
      return folder;
    }
  }
}

async function answered({ wg }: Made, daemon: Daemon, place: Place, isPrivate: boolean): Promise<void> {
  // By its real name: a link would lead out of the other's file system.
  const folder = path.join(realpathSync('/var/run'), 'wireguard');
  const socket = path.join(isPrivate ? `/proc/${daemon.pid}/root` : '', folder, `${DEVICE}.sock`);
  const start = performance.now();
  for (;;) {
    daemon.check();
    if (existsSync(socket)) break;
    if (performance.now() - start > 1000 * START_SECONDS)
      throw new RunError(`wireguard-go at ${place.label} did not start: ${daemon.said.trim()}`);
    await sleep(LOOK_MS);
  }
  await ask(place, [...wg, 'show', DEVICE]);
}

function versionOf(program: string): string {
  const said = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout;
  return /v?(\d[\w.-]*)/.exec(said)?.[1] ?? 'of unknown version';
}

/** Descriptors by which a process holds a UDP port of IPv4, in the network namespace where the process is. */
function socketsAt(pid: number, port: number): number[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = readFileSync(`/proc/${pid}/net/udp`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => local.endsWith(`:${hexPort}`))
    .map((fields) => `socket:[${fields[9]}]`);
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder)
    .filter((fd) => inodes.includes(targetOf(path.join(folder, fd))))
    .map(Number);
}

/** What a descriptor is; nothing if it has just been closed. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
