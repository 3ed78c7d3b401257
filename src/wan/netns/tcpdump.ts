/**
 * A capture by tcpdump on the bridge: the kernel's own time stamps, by the tool every reader trusts.
 *
 * tcpdump writes its classic format to a pipe and never touches the run directory; here the stream becomes
 * pcapng with node names while it runs, so that a killed run keeps what it had. tcpdump is told to die
 * with its parent: a crash of ours does not leave it behind, holding the namespace.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LinkType, PcapngWriter, TcpdumpToPcapng } from '../../capture/index.js';
import { messageOf, RunError } from '../../errors.js';
import type { Topology } from '../../scenario/topology.js';
import type { CaptureRequest, CaptureResult, RunningCapture } from '../fabric.js';
import type { Namespace } from './namespace.js';

/** Kernel memory for packets that tcpdump has not read yet, KiB. */
const KERNEL_BUFFER_KIB = 65_536;

/** The kernel hands tcpdump its packets in blocks up to a second old; at a signal tcpdump leaves the last block. */
const KERNEL_DELAY_MS = 1200;

export interface TcpdumpOptions extends CaptureRequest {
  readonly tcpdump: string;
  readonly namespace: Namespace;
  readonly interface: string;
  readonly topology: Topology;
}

/** Starts tcpdump in a namespace; resolves once it is capturing. */
export async function startTcpdump(options: TcpdumpOptions): Promise<RunningCapture> {
  const writer = new PcapngWriter(options.file, {
    interfaces: [{ name: options.interface, linkType: LinkType.ethernet, snaplen: options.snaplen }],
    comment: options.comment,
    names: new Map(options.topology.nodes.map((node) => [node.address, node.name])),
  });
  const child = options.namespace.inside(() => launch(options));
  const session = new Session(child, writer, options);
  await session.capturing();
  return session;
}

function launch(options: TcpdumpOptions): ChildProcessByStdio<null, Readable, Readable> {
  const command = [options.tcpdump, ...tcpdumpArguments(options)];
  // setpriv is of util-linux, as unshare is: present wherever this fabric works.
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
}

function tcpdumpArguments(options: TcpdumpOptions): string[] {
  const list = ['-i', options.interface, '-n', '-w', '-', '-s', String(options.snaplen)];
  list.push('-B', String(KERNEL_BUFFER_KIB), '--time-stamp-precision=nano');
  // As root tcpdump changes user, which would undo pdeathsig; what it may do ends at this namespace anyway.
  if (process.geteuid?.() === 0) list.push('-Z', 'root');
  return [...list, 'ip'];
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
