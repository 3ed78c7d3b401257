/**
 * `meshbeat capture`: the observer. It sits where the mesh's bridge is and captures when the orchestrator
 * says so, into the run directory that both can reach.
 */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { knock, toldBy } from '../../nodes/join.js';
import { isServiceError, messagesOf, tell } from '../../nodes/node.js';
import type { NodeMessage } from '../../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorMessage__Output } from '../../proto/types/meshbeat/control/v1/OrchestratorMessage.js';
import type { StartCapture__Output } from '../../proto/types/meshbeat/control/v1/StartCapture.js';
import { InputError, messageOf, RunError } from '../errors.js';
import { controlContract, Role } from '../transport/contracts.js';
import type { RunningCapture } from '../wan/fabric.js';
import { askIp } from '../wan/netns/ip.js';
import { findProgram } from '../wan/netns/programs.js';
import { filterBetween, startTcpdump } from '../wan/tcpdump.js';
import { hostAndPortOption, hostAndPortText, type HostAndPort } from './host-and-port.js';
import { listenForInterruption } from './interruption.js';
import { startLog } from './log.js';
import { TOKEN_FILE } from './node.js';

interface CaptureFlags {
  readonly join: HostAndPort;
  readonly tokenFile: string;
  readonly interface: string;
  readonly out: string;
}

export function captureCommand(): Command {
  return new Command('capture')
    .description('capture the packets of a run whose nodes joined, at the bridge between them')
    .requiredOption('--join <host:port>', 'the orchestrator', hostAndPortOption('--join'))
    .option('--token-file <file>', 'holds the join token', TOKEN_FILE)
    .requiredOption('--interface <name>', 'the bridge, or another interface that all packets pass')
    .option('--out <dir>', 'folder for run directories, the same as the orchestrator’s', 'runs')
    .action(capture);
}

async function capture(flags: CaptureFlags): Promise<void> {
  const interruption = listenForInterruption();
  const log = startLog();
  const { signal } = interruption;
  try {
    checkInterface(flags.interface);
    const door = await knock({
      orchestrator: flags.join,
      tokenFile: flags.tokenFile,
      onWaiting: (reason) => log(`waiting: ${reason}`),
      signal,
    });
    if (door === undefined) return;
    const address = hostAndPortText(flags.join);
    const client = new controlContract(address, door.credentials, door.options);
    const control = client.attach();
    const leave = (): void => control.cancel();
    signal.addEventListener('abort', leave, { once: true });
    const say = (message: NodeMessage): void => void control.write(message);
    const observing = new Observing(flags, say, log);
    try {
      say({ hello: { token: door.token.secret, role: Role.OBSERVER, name: hostname() } });
      for await (const message of messagesOf(control)) await observing.obey(message);
    } catch (error) {
      if (signal.aborted || observing.isDone) return;
      if (isServiceError(error)) throw toldBy(address, error);
      await tell(control, { failed: { reason: messageOf(error) } });
      throw error;
    } finally {
      await observing.close();
      control.cancel();
      client.close();
    }
    if (!observing.isDone) throw new RunError('the run ended before its capture');
  } finally {
    interruption.close();
  }
}

/** Better now than when all the others wait for the capture. */
function checkInterface(device: string): void {
  const links = (askIp(['link', 'show'], 'the observer') as { ifname: string }[]).map(({ ifname }) => ifname);
  if (links.includes(device)) return;
  throw new InputError(`--interface: found ${device}, no interface here; allowed: ${links.join(', ')}`);
}

/** What the observer does when it is told. */
class Observing {
  readonly #flags: CaptureFlags;
  readonly #say: (message: NodeMessage) => void;
  readonly #log: (line: string) => void;
  #running: RunningCapture | undefined;
  #isDone = false;

  constructor(flags: CaptureFlags, say: (message: NodeMessage) => void, log: (line: string) => void) {
    this.#flags = flags;
    this.#say = say;
    this.#log = log;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  async obey(message: OrchestratorMessage__Output): Promise<void> {
    if (message.message === 'admitted') this.#log('let in; waiting for the run');
    else if (message.message === 'startCapture') {
      this.#running = await this.#start(message.startCapture!);
      this.#say({ captureStarted: {} });
    } else if (message.message === 'stopCapture') {
      const { packets = 0, missed = null } = (await this.#running?.stop()) ?? {};
      this.#isDone = true;
      this.#log(`${packets} packets captured, ${missed ?? 'an unknown number of'} missed`);
      this.#say({ captureStopped: { packets, ...(missed === null ? {} : { missed }) } });
    } else throw new Error(`the orchestrator sent '${message.message}', which is not for observers`);
  }

  /** Ends a capture that goes on, its file whole. */
  async close(): Promise<void> {
    await this.#running?.stop();
  }

  #start({ run, file, snaplen, comment, nodes }: StartCapture__Output): Promise<RunningCapture> {
    const { out, interface: device } = this.#flags;
    // The orchestrator names a folder and a file in it, and nothing beside them.
    const folder = path.join(out, path.basename(run));
    mkdirSync(folder, { recursive: true });
    const tcpdump = findProgram('tcpdump');
    if (tcpdump === undefined) throw new RunError('tcpdump is not installed here');
    this.#log(`run ${run}: capturing on ${device}`);
    return startTcpdump({
      tcpdump,
      interface: device,
      filter: filterBetween(nodes.map(({ address }) => address)),
      names: new Map(nodes.map(({ address, name }) => [address, name])),
      file: path.join(folder, path.basename(file)),
      snaplen,
      comment,
      onFailure: (error) => this.#say({ failed: { reason: error.message } }),
    });
  }
}
