/**
 * Runs the programs of a scenario, each in the place of a trainer: in its host's network namespace, with the names of
 * all hosts, a folder of its own, and nothing of the machine's network.
 *
 * Think of a cell that is torn down with whatever is in it. A program may start others, put them into the background
 * and forget about them; so each gets a process namespace of its own, whose first process is a few lines of shell
 * below. When that one ends the kernel ends all the others, and it is told to die with `unshare`, which is told to
 * die with us: a crash or `kill -9` leaves nothing running. Shared memory and mounts are private for the same reason.
 *
 * It starts and ends programs and says how they ended. What their traffic means is the scenario's business.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { epochSeconds } from '../src/clock.js';
import { messageOf, RunError } from '../src/errors.js';
import type { TraceProgram } from '../src/run/files.js';
import { makeRuntimeFolder, removeRuntimeFolder } from '../src/run/runtime-folder.js';
import { fillPlaceholders, hostsOf, type Host, type Program, type Topology } from '../src/scenario/index.js';
import type { Placement } from '../src/wan/fabric.js';
import { insideNamespace } from '../src/wan/netns/namespace.js';

export interface ProgramHostOptions {
  readonly topology: Topology;
  /** Of all hosts, as a fabric has them. */
  readonly placements: readonly Placement[];
  /** Folder for what programs print, a file each; made if it is not there. */
  readonly logs: string;
  /** Zero of the trace's times, seconds since 1970. */
  readonly origin: number;
  /** What a program printed can't be written. */
  readonly onFailure: (error: unknown) => void;
}

/** A program that says more than this, bytes, is cut short in its file. */
const MAX_LOG_BYTES = 1024 * 1024;
const CUT = '\n[meshbeat: the rest is left out]\n';
/** Time a program has to end when it is asked to, ms. */
const PATIENCE_MS = 3000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The first process of a program's namespace: gives it its names, starts it and waits for it. Its arguments are the
 * host's folder, its name, and the program. A signal to the group reaches the program by itself and only wakes the
 * waiting here, which then goes on until the program has ended.
 */
const FIRST_PROCESS = `
set -e
mount --bind "$1/hosts" /etc/hosts
if [ -e /etc/resolv.conf ]; then mount --bind "$1/resolv.conf" /etc/resolv.conf; fi
if [ -d /dev/shm ]; then mount -t tmpfs -o mode=1777,size=64m shm /dev/shm; fi
hostname "$2"
cd "$1/home"
shift 2
set +e
trap : TERM
"$@" &
program=$!
while :; do
  wait "$program"
  status=$?
  kill -0 "$program" 2>/dev/null || exit "$status"
done`;

/** Words before `sh` that make the cell. Who shapes and who trains goes first: programs are a little nicer. */
const CELL = [
  ...['nice', '-n', '5'],
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount', '--ipc', '--uts', '--mount-proc', '--'],
];

/** A host that runs a program, and where it lives. */
interface Seat {
  readonly host: Host & { readonly program: Program };
  readonly namespaceFd: number;
  /** Of the host on the network that programs see, which in a tunnel is not the one on the bridge. */
  readonly address: string;
  readonly folder: string;
  readonly log: Log;
}

export class ProgramHost {
  readonly #options: ProgramHostOptions;
  readonly #folder: string;
  /** By position among all hosts. */
  readonly #seats = new Map<number, Seat>();
  readonly #running = new Map<number, Running>();
  /** As they ended. */
  readonly #lines: TraceProgram[] = [];
  #closed: Promise<void> | undefined;

  private constructor(options: ProgramHostOptions) {
    this.#options = options;
    this.#folder = makeRuntimeFolder();
  }

  /**
   * Starts all programs of a topology.
   *
   * @throws RunError if a host has no namespace of its own, or a program can't be started
   */
  static start(options: ProgramHostOptions): ProgramHost {
    const programs = new ProgramHost(options);
    try {
      programs.#furnish();
      for (const position of programs.#seats.keys()) programs.start(position);
      return programs;
    } catch (error) {
      void programs.close();
      throw error;
    }
  }

  /** Starts the program of a host, by position among all hosts, again; it does nothing while that runs. */
  start(position: number): void {
    const seat = this.#seats.get(position);
    if (seat === undefined || this.#running.has(position) || this.#closed !== undefined) return;
    const { origin } = this.#options;
    const { name, address, program } = seat.host;
    const exec = program.exec.map((word) => this.#filled(word, seat));
    const start = epochSeconds() - origin;
    const running = new Running(seat.namespaceFd, exec, {
      folder: seat.folder,
      name,
      environment: this.#environment(seat),
      onOutput: (bytes) => seat.log.write(bytes),
      onEnd: (status, stopped) => {
        this.#running.delete(position);
        const end = epochSeconds() - origin;
        const { kind } = program;
        this.#lines.push({ type: 'program', node: name, address, kind, exec, start, end, stopped, status });
      },
    });
    this.#running.set(position, running);
  }

  /** Ends the program of a host at once, as a crash of the host would. */
  async kill(position: number): Promise<void> {
    await this.#running.get(position)?.stop(0);
  }

  /** Asks all programs to end, and ends those that do not within a few seconds. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((running) => running.stop(PATIENCE_MS)));
  }

  /** Each time that a program ran and has ended, in the order of their ends. */
  get ended(): readonly TraceProgram[] {
    return this.#lines;
  }

  /** Ends all programs at once and removes their folders. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#running.values()].map((running) => running.stop(0)));
    for (const { log } of this.#seats.values()) log.close();
    removeRuntimeFolder(this.#folder);
  }

  get #shared(): string {
    return path.join(this.#folder, 'shared');
  }

  /** Makes what each program finds when it starts: names, a folder, a file for what it prints. */
  #furnish(): void {
    const { topology, placements, logs, onFailure } = this.#options;
    const hosts = hostsOf(topology);
    // A program may go on as another user, who has to get as far as to the folder that is made for it in there.
    chmodSync(this.#folder, 0o711);
    mkdirSync(this.#shared);
    chmodSync(this.#shared, 0o1777);
    mkdirSync(path.join(this.#folder, 'hosts'));
    mkdirSync(logs, { recursive: true });
    const names = hosts.map(({ name }, position) => `${placements[position]!.listen.host}\t${name}\n`);
    hosts.forEach(({ program, ...host }, position) => {
      if (program === undefined) return;
      const { namespaceFd, listen } = placements[position]!;
      if (namespaceFd === undefined)
        throw new RunError(`${host.name}: a program needs a network namespace of its own`);
      const folder = path.join(this.#folder, 'hosts', host.name);
      for (const part of ['', 'home', 'tmp']) mkdirSync(path.join(folder, part), { mode: 0o755 });
      chmodSync(path.join(folder, 'tmp'), 0o1777);
      const local = '127.0.0.1\tlocalhost\n';
      writeFileSync(path.join(folder, 'hosts'), local + names.join(''));
      writeFileSync(
        path.join(folder, 'resolv.conf'),
        '# No name is asked for outside: /etc/hosts has them all.\n',
      );
      const log = new Log(path.join(logs, `${host.name}.log`), onFailure);
      this.#seats.set(position, {
        host: { ...host, program },
        namespaceFd,
        address: listen.host,
        folder,
        log,
      });
    });
  }

  #filled(text: string, { host, address, folder }: Seat): string {
    const { topology, placements } = this.#options;
    const addresses = hostsOf(topology).map(
      ({ name }, position) => [name, placements[position]!.listen.host] as const,
    );
    return fillPlaceholders(text, {
      name: host.name,
      address,
      index: host.program.index,
      folder: path.join(folder, 'home'),
      shared: this.#shared,
      addresses: new Map(addresses),
    });
  }

  /** All that a program sees of the environment; nothing of ours, which may have secrets and proxies in it. */
  #environment(seat: Seat): NodeJS.ProcessEnv {
    const { host, address, folder } = seat;
    const own = Object.entries(host.program.environment).map(([name, text]) => [
      name,
      this.#filled(text, seat),
    ]);
    return {
      PATH,
      LANG: 'C.UTF-8',
      HOME: path.join(folder, 'home'),
      TMPDIR: path.join(folder, 'tmp'),
      MESHBEAT_NAME: host.name,
      MESHBEAT_ADDRESS: address,
      MESHBEAT_SHARED: this.#shared,
      MESHBEAT_INDEX: `${host.program.index}`,
      MESHBEAT_HOSTS: hostsOf(this.#options.topology)
        .map(({ name }) => name)
        .join(' '),
      ...(Object.fromEntries(own) as Record<string, string>),
    };
  }
}

interface RunningOptions {
  readonly folder: string;
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly onOutput: (bytes: Uint8Array) => void;
  /** Called when it and all that it started have ended, its output read to the end. */
  readonly onEnd: (status: number, stopped: boolean) => void;
}

/** A program while it runs. */
class Running {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<void>;
  #stopped = false;

  constructor(namespaceFd: number, exec: readonly string[], options: RunningOptions) {
    const { folder, name, environment, onOutput, onEnd } = options;
    const [nice = '', ...words] = [...CELL, 'sh', '-c', FIRST_PROCESS, 'sh', folder, name, ...exec];
    this.#child = insideNamespace(namespaceFd, () =>
      spawn(nice, words, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: environment,
        cwd: path.join(folder, 'home'),
        // A group of its own, which is asked to end as one.
        detached: true,
      }),
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', onOutput);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        onOutput(Buffer.from(`${messageOf(error)}\n`));
        onEnd(127, this.#stopped);
        resolve();
      });
      this.#child.once('close', (code, signal) => {
        onEnd(code ?? 128 + os.constants.signals[signal ?? 'SIGKILL'], this.#stopped);
        resolve();
      });
    });
  }

  /** Asks it to end, and ends it if it does not within so many ms; resolves when it has ended. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopped = true;
    if (patienceMs > 0) this.#signal('SIGTERM');
    else this.#signal('SIGKILL');
    const impatience = setTimeout(() => this.#signal('SIGKILL'), patienceMs);
    await this.#ended;
    clearTimeout(impatience);
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // Else it has just ended.
    }
  }
}

/** A file for what a program prints, of bounded size. */
class Log {
  readonly #fd: number;
  readonly #onFailure: (error: unknown) => void;
  #left = MAX_LOG_BYTES;

  constructor(file: string, onFailure: (error: unknown) => void) {
    this.#fd = openSync(file, 'a');
    this.#onFailure = onFailure;
  }

  write(bytes: Uint8Array): void {
    if (this.#left <= 0) return;
    try {
      writeSync(this.#fd, bytes.subarray(0, this.#left));
      this.#left -= bytes.length;
      if (this.#left <= 0) writeSync(this.#fd, CUT);
    } catch (error) {
      this.#left = 0;
      this.#onFailure(new RunError(`what a program printed can't be written: ${messageOf(error)}`));
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
