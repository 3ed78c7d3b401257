/**
 * A capture by tcpdump on a bridge: the kernel's own time stamps, by the tool every reader trusts.
 *
 * tcpdump writes its classic format to a pipe and never touches the run directory; here the stream becomes
 * pcapng with node names while it runs, so that a killed run keeps what it had.
 *
 * A crash of ours does not leave tcpdump behind: it is told to die with its parent. The kernel forgets that
 * where tcpdump gets its rights from its file (capabilities on /usr/bin/tcpdump, for who is not root). Then the
 * pipe ends it, at the first packets that nobody reads, or the end of its container.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LinkType, PcapngWriter, TcpdumpToPcapng } from '../capture/index.js';
import { messageOf, RunError } from '../errors.js';
import type { CaptureRequest, CaptureResult, RunningCapture } from './fabric.js';
import type { Namespace } from './netns/namespace.js';
import { findProgram } from './netns/programs.js';

/** Kernel memory for packets that tcpdump has not read yet, KiB. */
const KERNEL_BUFFER_KIB = 65_536;

/** The kernel hands tcpdump its packets in blocks up to a second old; at a signal tcpdump leaves the last block. */
const KERNEL_DELAY_MS = 1200;

export interface TcpdumpOptions extends Omit<CaptureRequest, 'kind'> {
  readonly tcpdump: string;
  /** Where the interface is; without it, in the network namespace of the calling thread. */
  readonly namespace?: Namespace;
  readonly interface: string;
  /** In tcpdump's language. */
  readonly filter: string;
  /** Names of nodes by address, for readers of the file. */
  readonly names: ReadonlyMap<string, string>;
}

/** The filter for IPv4 packets from one of these addresses to another; 256 of them are not too many. */
export function filterBetween(addresses: readonly string[]): string {
  const any = addresses.join(' or ');
  return `ip and src host (${any}) and dst host (${any})`;
}

/** Starts tcpdump; resolves once it is capturing. */
export async function startTcpdump(options: TcpdumpOptions): Promise<RunningCapture> {
  const writer = new PcapngWriter(options.file, {
    interfaces: [{ name: options.interface, linkType: LinkType.ethernet, snaplen: options.snaplen }],
    comment: options.comment,
    names: options.names,
  });
  const start = (): ChildProcessByStdio<null, Readable, Readable> => launch(options);
  const session = new Session(options.namespace?.inside(start) ?? start(), writer, options);
  await session.capturing();
  return session;
}

function launch(options: TcpdumpOptions): ChildProcessByStdio<null, Readable, Readable> {
  const command = [options.tcpdump, ...tcpdumpArguments(options)];
  // setpriv is of util-linux, which only the smallest of systems lack; there the pipe must do.
  const setpriv = findProgram('setpriv');
  if (setpriv !== undefined) command.unshift(setpriv, '--pdeathsig', 'KILL', '--');
  const [program = '', ...words] = command;
  return spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function tcpdumpArguments(options: TcpdumpOptions): string[] {
  const list = ['-i', options.interface, '-n', '-w', '-', '-s', String(options.snaplen)];
  list.push('-B', String(KERNEL_BUFFER_KIB), '--time-stamp-precision=nano');
  // As root tcpdump changes user, which would undo pdeathsig.
  if (process.geteuid?.() === 0) list.push('-Z', 'root');
  return [...list, options.filter];
}

class Session implements RunningCapture {
  readonly kind = 'tcpdump';
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #converter: TcpdumpToPcapng;
  readonly #writer: PcapngWriter;
  readonly #options: TcpdumpOptions;
  readonly #ended: Promise<unknown>;
  #messages = '';
  #stopping: Promise<CaptureResult> | undefined;
  #failed = false;

  constructor(
    child: ChildProcessByStdio<null, Readable, Readable>,
    writer: PcapngWriter,
    options: TcpdumpOptions,
  ) {
    this.#child = child;
    this.#writer = writer;
    this.#options = options;
    this.#converter = new TcpdumpToPcapng(writer, LinkType.ethernet);
    // 'close' comes after both pipes have been read to their end.
    this.#ended = once(child, 'close').catch((error: unknown) => this.#fail(error));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#messages += text));
    child.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    child.once('exit', () => {
      if (this.#stopping === undefined)
        this.#fail(new Error(`tcpdump ended by itself: ${this.#messages.trim()}`));
    });
  }

  packets(): number {
    return this.#writer.packets;
  }

  /** tcpdump prints "listening on …" when its socket is open. */
  async capturing(): Promise<void> {
    while (!this.#messages.includes('listening on')) {
      if (this.#failed) throw new RunError(`tcpdump did not start: ${this.#messages.trim()}`);
      await Promise.race([once(this.#child.stderr, 'data'), this.#ended]);
    }
  }

  stop(): Promise<CaptureResult> {
    this.#stopping ??= this.#finish();
    return this.#stopping;
  }

  async #finish(): Promise<CaptureResult> {
    if (!this.#failed) await sleep(KERNEL_DELAY_MS);
    this.#child.kill('SIGINT');
    await this.#ended;
    const missed = /(\d+) packets? dropped by kernel/.exec(this.#messages)?.[1];
    const result = { packets: this.packets(), missed: missed === undefined ? null : Number(missed) };
    this.#writer.close(result.missed === null ? {} : { dropped: result.missed });
    return result;
  }

  #take(chunk: Buffer): void {
    if (this.#failed) return;
    try {
      this.#converter.push(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#child.kill('SIGKILL');
    this.#options.onFailure(new RunError(`capture failed: ${messageOf(error)}`));
  }
}
