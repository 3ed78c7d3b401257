/**
 * One GPU node: attaches to the orchestrator, takes its place in the mesh, plays its part round by round.
 *
 * The same for a thread in a namespace and for a container: what differs (where to listen, what to dial,
 * whose device) comes in as arguments. The control stream is the node's lifeline: when it ends, for whatever
 * reason, the node closes everything it opened and returns.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as grpc from '@grpc/grpc-js';
import type { NodeMessage } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorClient } from '../proto/types/meshbeat/control/v1/Orchestrator.js';
import type { OrchestratorMessage__Output } from '../proto/types/meshbeat/control/v1/OrchestratorMessage.js';
import type { Round__Output } from '../proto/types/meshbeat/control/v1/Round.js';
import type { Welcome__Output } from '../proto/types/meshbeat/control/v1/Welcome.js';
import { messageOf } from '../src/errors.js';
import type { Scenario, Topology } from '../src/scenario/index.js';
import { allocateReplica, parameterCount, weightsSha256, type ReplicaMemory } from '../src/training/index.js';
import { controlContract } from '../src/transport/contracts.js';
import { Mesh } from '../src/transport/mesh.js';
import { fromWire } from '../src/transport/wire-operation.js';
import type { Placement } from '../src/wan/fabric.js';
import type { DeviceTasks } from './device-port.js';
import { play } from './player.js';
import { Prober } from './prober.js';
import { Replica } from './replica.js';

export interface NodeOptions {
  /** gRPC address of the orchestrator: `unix:PATH` or `HOST:PORT`. */
  readonly orchestrator: string;
  readonly token: string;
  readonly placement: Placement;
  readonly device: DeviceTasks;
}

type Control = grpc.ClientDuplexStream<NodeMessage, OrchestratorMessage__Output>;

/** Runs a node to its end; rejects when it failed, after it has told the orchestrator so. */
export async function runNode(options: NodeOptions): Promise<void> {
  const client = new controlContract(options.orchestrator, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });
  const control = client.attach();
  const say = (message: NodeMessage): void => void control.write(message);
  let member: Member | undefined;
  try {
    say({ hello: { token: options.token } });
    for await (const message of control as AsyncIterable<OrchestratorMessage__Output>) {
      if (message.message === 'welcome') member = await Member.join(message.welcome!, options, client, say);
      else if (member === undefined) throw new Error(`'${message.message}' before 'welcome'`);
      else await member.obey(message);
    }
  } catch (error) {
    if (isServiceError(error)) return; // The orchestrator is gone, and with it whom to tell.
    await tell(control, { failed: { reason: messageOf(error) } });
    throw error;
  } finally {
    member?.close();
    control.cancel();
    client.close();
  }
}

function isServiceError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}

/** Writes a last message and waits until it is on its way. */
async function tell(control: Control, message: NodeMessage): Promise<void> {
  await new Promise<void>((resolve) => control.write(message, () => resolve()));
  control.end();
}

/** A node that has its place. */
class Member {
  readonly #rank: number;
  readonly #options: NodeOptions;
  readonly #client: OrchestratorClient;
  readonly #say: (message: NodeMessage) => void;
  readonly #memory: ReplicaMemory;
  readonly #mesh: Mesh;
  readonly #prober: Prober;
  readonly #replica: Replica;
  readonly #lag = monitorEventLoopDelay({ resolution: 5 });
  /** The rounds, played one after the other while messages keep coming. */
  #rounds: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  private constructor(parts: {
    rank: number;
    options: NodeOptions;
    client: OrchestratorClient;
    say: (message: NodeMessage) => void;
    memory: ReplicaMemory;
    mesh: Mesh;
    prober: Prober;
    replica: Replica;
  }) {
    this.#rank = parts.rank;
    this.#options = parts.options;
    this.#client = parts.client;
    this.#say = parts.say;
    this.#memory = parts.memory;
    this.#mesh = parts.mesh;
    this.#prober = parts.prober;
    this.#replica = parts.replica;
    this.#lag.enable();
  }

  static async join(
    welcome: Welcome__Output,
    options: NodeOptions,
    client: OrchestratorClient,
    say: (message: NodeMessage) => void,
  ): Promise<Member> {
    const { rank } = welcome;
    const { placement, device } = options;
    const scenario = JSON.parse(welcome.scenarioJson) as Scenario;
    const topology = JSON.parse(welcome.topologyJson) as Topology;
    const mesh = await Mesh.start({
      rank,
      listen: placement.listen,
      peers: placement.peers.map((address, peer) => ({ ...address, name: topology.nodes[peer]!.name })),
      ...(welcome.certificate === '' ? {} : { identity: welcome }),
    });
    try {
      const prober = await Prober.start({ rank, placement, topology, mesh, tls: scenario.transport.tls });
      const memory = allocateReplica(parameterCount(scenario.model));
      await device.initialise({ memory: memory.shared });
      const worldSize = topology.nodes.length;
      const onStep = (stepDone: Parameters<ConstructorParameters<typeof Replica>[0]['onStep']>[0]): void =>
        say({ stepDone });
      const replica = new Replica({ rank, worldSize, scenario, memory, device, mesh, onStep });
      const ready = rank === 0 ? { initialLoss: await device.evaluate({ memory: memory.shared }) } : {};
      say({ ready });
      return new Member({ rank, options, client, say, memory, mesh, prober, replica });
    } catch (error) {
      mesh.close();
      throw error;
    }
  }

  /** Does what the orchestrator says. Rounds are only queued here, so that the next can come meanwhile. */
  async obey(message: OrchestratorMessage__Output): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    switch (message.message) {
      case 'probe':
        this.#say({ probed: { measurements: await this.#prober.measure(message.probe!) } });
        return;
      case 'connect':
        await Promise.all(message.connect!.receiveFrom.map((peer) => this.#mesh.connect(peer)));
        this.#say({ connected: {} });
        return;
      case 'round': {
        const round = message.round!;
        this.#rounds = this.#rounds
          .then(() => this.#play(round))
          .catch((error: unknown) => this.#fail(error));
        return;
      }
      case 'finish':
        await this.#rounds;
        await this.#finish(message.finish!.deliverWeights);
        return;
      case 'welcome':
        throw new Error('welcomed twice');
      case undefined:
        throw new Error('the orchestrator sent an empty message');
    }
  }

  close(): void {
    this.#lag.disable();
    this.#prober.close();
    this.#mesh.close();
  }

  async #play(round: Round__Output): Promise<void> {
    this.#lag.reset(); // What held it up before, connecting for one, is not in the round's traffic.
    const played = await play(round.operations.map(fromWire), this.#replica.stage(round.round));
    this.#say({
      roundDone: {
        round: round.round,
        ids: played.map(({ id }) => id),
        starts: played.map(({ start }) => start),
        ends: played.map(({ end }) => end),
        eventLoopLagSeconds: this.#lag.max / 1e9,
        outerOverrunSeconds: this.#replica.takeOuterOverrun(),
      },
    });
  }

  /** A round failed while the node waits for messages: tell at once, stop at the next message. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#say({ failed: { reason: messageOf(error) } });
  }

  async #finish(deliverWeights: boolean): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { parameters, shared } = this.#memory;
    const finalLoss =
      this.#rank === 0 ? { finalLoss: await this.#options.device.evaluate({ memory: shared }) } : {};
    if (deliverWeights) await deliver(this.#client, this.#options.token, parameters);
    this.#say({ finished: { weightsSha256: weightsSha256(parameters), ...finalLoss } });
  }
}

const CHUNK_BYTES = 1 << 20;

/** Hands the weights in as little-endian bytes, which is what every machine Node runs on has in memory. */
async function deliver(client: OrchestratorClient, token: string, parameters: Float32Array): Promise<void> {
  const bytes = Buffer.from(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  await new Promise<void>((resolve, reject) => {
    const call = client.deliverWeights((error) => (error === null ? resolve() : reject(error)));
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      call.write({ session: token, data: bytes.subarray(at, at + CHUNK_BYTES) });
    }
    call.end();
  });
}
