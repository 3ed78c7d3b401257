/**
 * One GPU node: attaches to the orchestrator, takes its seat in the mesh, plays its part round by round.
 *
 * The same for a thread in a namespace and for a container: what differs (how to reach the orchestrator,
 * where to listen and what to dial, whose device) comes in as options. The control stream is the node's
 * lifeline: when it ends, for whatever reason, the node closes everything it opened and returns. What a node
 * needs to train is loaded when it is welcomed, so that one that waits takes little memory.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type * as grpc from '@grpc/grpc-js';
import type { Hello } from '../proto/types/meshbeat/control/v1/Hello.js';
import type { NodeMessage } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorMessage__Output } from '../proto/types/meshbeat/control/v1/OrchestratorMessage.js';
import type { Welcome__Output } from '../proto/types/meshbeat/control/v1/Welcome.js';
import { messageOf } from '../src/errors.js';
import type { Scenario, Topology } from '../src/scenario/index.js';
import type { Checkpoints } from '../src/training/checkpoints.js';
import { controlContract } from '../src/transport/contracts.js';
import type { Fabric, NodeCounters, Placement } from '../src/wan/fabric.js';
import type { DeviceTasks } from './device-port.js';
import type { Member } from './member.js';
import type { NodeWatcher } from './watcher.js';

/** How to reach the orchestrator. */
export interface ControlChannel {
  /** gRPC address: `unix:PATH` or `HOST:PORT`. */
  readonly address: string;
  readonly credentials: grpc.ChannelCredentials;
  readonly options?: grpc.ChannelOptions;
}

/** A node's part in a run. */
export interface Part {
  readonly rank: number;
  /** Name of the run. */
  readonly run: string;
  readonly scenario: Scenario;
  readonly topology: Topology;
  /** What the ends of tunnels are known by, by rank. */
  readonly tunnelKeys: readonly string[];
}

/** Where a node has settled once it knows its part. */
export interface Settlement {
  readonly placement: Placement;
  readonly device: DeviceTasks;
  /** What carries the node's tunnels, where it has brought its own. */
  readonly tunnel?: string;
  /** Of a node that brings its own network: what it has counted, and its histogram of lateness. */
  readonly meters?: () => { readonly counters: NodeCounters; readonly lateness: ArrayLike<number> };
  /** Where the node's checkpoints are kept, in a run in which nodes crash. */
  readonly checkpoints?: Checkpoints;
  /** Of a node that brings its own network: has it change, see Fabric.play(). */
  readonly play?: Fabric['play'];
  close(): Promise<void>;
}

export interface NodeOptions {
  readonly channel: ControlChannel;
  readonly hello: Hello;
  readonly settle: (part: Part) => Promise<Settlement>;
  /** Is told what the node does. */
  readonly watcher?: NodeWatcher;
  /** Aborted when the node is to leave. */
  readonly signal?: AbortSignal;
}

/** How a node's life with the orchestrator ended. */
export interface NodeEnd {
  /** Whether it played its part to the end. */
  readonly finished: boolean;
  /** The error of the control stream, if it did not just end. */
  readonly error?: grpc.ServiceError;
}

export type Control = grpc.ClientDuplexStream<NodeMessage, OrchestratorMessage__Output>;

/** Runs a node to its end; rejects when it failed, after it has told the orchestrator so. */
export async function runNode(options: NodeOptions): Promise<NodeEnd> {
  const { channel, hello, watcher, signal } = options;
  const client = new controlContract(channel.address, channel.credentials, {
    'grpc.max_receive_message_length': -1,
    ...channel.options,
  });
  const control = client.attach();
  const leave = (): void => control.cancel();
  if (signal?.aborted === true) leave();
  signal?.addEventListener('abort', leave, { once: true });
  const say = (message: NodeMessage): void => void control.write(message);
  let member: Member | undefined;
  try {
    say({ hello });
    for await (const message of messagesOf(control)) {
      if (message.message === 'admitted') watcher?.admitted();
      else if (message.message === 'welcome') member = await join(message.welcome!, options, client, say);
      else if (member === undefined) throw new Error(`'${message.message}' before 'welcome'`);
      else await member.obey(message);
    }
    return { finished: member?.finished ?? false };
  } catch (error) {
    // The orchestrator is gone, and with it whom to tell.
    if (isServiceError(error)) return { finished: member?.finished ?? false, error };
    await tell(control, { failed: { reason: messageOf(error) } });
    throw error;
  } finally {
    signal?.removeEventListener('abort', leave);
    await member?.close();
    control.cancel();
    client.close();
  }
}

/** Takes the seat: settles, then loads and starts what trains. */
async function join(
  welcome: Welcome__Output,
  options: NodeOptions,
  client: InstanceType<typeof controlContract>,
  say: (message: NodeMessage) => void,
): Promise<Member> {
  const { Member } = await import('./member.js');
  const { watcher } = options;
  const part: Part = {
    rank: welcome.rank,
    run: welcome.run,
    scenario: JSON.parse(welcome.scenarioJson) as Scenario,
    topology: JSON.parse(welcome.topologyJson) as Topology,
    tunnelKeys: welcome.tunnelKeys,
  };
  watcher?.welcomed(part);
  const settlement = await options.settle(part);
  try {
    return await Member.join({ part, welcome, settlement, client, say, ...(watcher ? { watcher } : {}) });
  } catch (error) {
    await settlement.close();
    throw error;
  }
}

/** Whether it is how a stream ended, and no failure of our own. */
export function isServiceError(error: unknown): error is grpc.ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}

/** What the orchestrator says. Who stops listening, because of an error, can still speak: tell it, for one. */
export function messagesOf(control: Control): AsyncIterable<OrchestratorMessage__Output> {
  const iterator = control.iterator({ destroyOnReturn: false });
  return iterator as AsyncIterable<OrchestratorMessage__Output>;
}

/** How long the orchestrator has to take note of a last message, ms. */
const LAST_WORDS_MS = 1000;

/** Writes a last message and waits until the other end has heard it, which it says by ending the stream too. */
export async function tell(control: Control, message: NodeMessage): Promise<void> {
  const heard = new Promise<void>((resolve) => control.once('status', () => resolve()));
  control.on('error', () => undefined).resume();
  control.write(message);
  control.end();
  const patience = new AbortController();
  const waited = sleep(LAST_WORDS_MS, undefined, { signal: patience.signal }).catch(() => undefined);
  await Promise.race([heard, waited]);
  patience.abort();
}
