/**
 * Where an end of a tunnel is set up: a network namespace, one's own or another that a thread can step into, and what
 * is done there: lines of `ip`, programs that run to their end, and programs that stay.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { messageOf, RunError } from '../../errors.js';
import { runIp } from '../netns/ip.js';
import { findProgram } from '../netns/programs.js';

/** What `Namespace` is, and one's own namespace can be too. */
export interface Place {
  /** For messages. */
  readonly label: string;
  /** Runs a synchronous function there; a process that it starts stays there. */
  inside<T>(action: () => T): T;
}

/** The namespace of the calling thread. */
export const ownPlace = (label: string): Place => ({ label, inside: (action) => action() });

export function ipIn(place: Place, lines: readonly string[]): void {
  place.inside(() => runIp(lines, place.label));
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Full path of a program, or a RunError that names its Debian package. */
export function needProgram(name: string, packageName: string): string {
  const found = findProgram(name);
  if (found === undefined)
    throw new RunError(
      `a tunnel needs the program '${name}' (package ${packageName}), which is not installed`,
    );
  return found;
}

function start(place: Place, command: readonly string[], environment: NodeJS.ProcessEnv = {}): Child {
  const [program = '', ...words] = command;
  const env = { ...process.env, ...environment };
  return place.inside(() => spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], env }));
}

/** Runs a program to its end with text on its standard input; what it said, or a RunError with its complaint. */
export async function ask(place: Place, command: readonly string[], input = ''): Promise<string> {
  const child = start(place, command);
  const [output, errors] = [collect(child.stdout), collect(child.stderr)];
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return output();
  throw new RunError(`${command.join(' ')} failed at ${place.label}: ${errors().trim()}`);
}

function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  return () => text;
}

/** How much of what a program says is remembered, characters. */
const MEMORY = 20_000;
/** How long a program has to end when it is told to, ms. */
const PATIENCE_MS = 2000;
/** As of the threads that carry the nodes' traffic, for users who may raise it. */
const NICENESS = -10;

/** A program that runs as long as the tunnel, and dies with this process however that ends. */
export class Daemon {
  readonly pid: number;
  readonly #child: Child;
  readonly #name: string;
  readonly #ended: Promise<unknown>;
  readonly #onDeath: (error: RunError) => void;
  #said = '';
  #over: string | undefined;
  #closing = false;

  private constructor(child: Child, name: string, onDeath: (error: RunError) => void) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#name = name;
    this.#onDeath = onDeath;
    for (const stream of [child.stdout, child.stderr])
      stream
        .setEncoding('utf8')
        .on('data', (text: string) => (this.#said = (this.#said + text).slice(-MEMORY)));
    child.on('error', (error) => this.#end(messageOf(error)));
    this.#ended = new Promise((resolve) => {
      child.once('close', resolve).once('error', resolve);
    });
    child.once('exit', (code, signal) => this.#end(signal ?? `exit status ${code}`));
  }

  /**
   * @param input for its standard input, which is closed then
   * @param onDeath told if it ends before close()
   */
  static start(
    place: Place,
    command: readonly string[],
    {
      name,
      input = '',
      environment,
      onDeath,
    }: {
      readonly name: string;
      readonly input?: string;
      readonly environment?: NodeJS.ProcessEnv;
      readonly onDeath: (error: RunError) => void;
    },
  ): Daemon {
    const setpriv = needProgram('setpriv', 'util-linux');
    const words = [setpriv, '--pdeathsig', 'KILL', '--', 'nice', '-n', String(NICENESS), ...command];
    const child = start(place, words, environment);
    child.stdin.on('error', () => undefined).end(input);
    return new Daemon(child, `${name} at ${place.label}`, onDeath);
  }

  /** The last of what it has said. */
  get said(): string {
    return this.#said;
  }

  /** Throws if it is over. */
  check(): void {
    if (this.#over !== undefined) throw this.#failure();
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#over === undefined) this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.#ended;
    clearTimeout(kill);
  }

  #end(how: string): void {
    this.#over ??= how;
    if (!this.#closing) this.#onDeath(this.#failure());
  }

  #failure(): RunError {
    const said = this.#said.trim().split('\n').slice(-5).join('; ');
    return new RunError(`${this.#name} ended by itself (${this.#over}): ${said}`);
  }
}
