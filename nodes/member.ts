/**
 * A node that has its seat: does what the orchestrator says, with a replica, a mesh and a prober of its own.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { NodeMessage } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorClient } from '../proto/types/meshbeat/control/v1/Orchestrator.js';
import type { OrchestratorMessage__Output } from '../proto/types/meshbeat/control/v1/OrchestratorMessage.js';
import type { Round__Output } from '../proto/types/meshbeat/control/v1/Round.js';
import type { Welcome__Output } from '../proto/types/meshbeat/control/v1/Welcome.js';
import { messageOf } from '../src/errors.js';
import { traceOperations } from '../src/run/trace-operations.js';
import { allocateReplica, parameterCount, weightsSha256, type ReplicaMemory } from '../src/training/index.js';
import { Mesh } from '../src/transport/mesh.js';
import { fromWire } from '../src/transport/wire-operation.js';
import type { Part, Settlement } from './node.js';
import { play } from './player.js';
import { Prober } from './prober.js';
import { Replica, type StepDone } from './replica.js';
import type { NodeWatcher } from './watcher.js';

export interface MemberOptions {
  readonly part: Part;
  readonly welcome: Pick<
    Welcome__Output,
    'certificate' | 'privateKey' | 'authority' | 'session' | 'meterSeconds'
  >;
  readonly settlement: Settlement;
  readonly client: OrchestratorClient;
  readonly say: (message: NodeMessage) => void;
  readonly watcher?: NodeWatcher;
}

export class Member {
  readonly #options: MemberOptions;
  readonly #memory: ReplicaMemory;
  readonly #mesh: Mesh;
  readonly #prober: Prober;
  readonly #replica: Replica;
  readonly #lag = monitorEventLoopDelay({ resolution: 5 });
  readonly #meterTimer: NodeJS.Timeout | undefined;
  /** The rounds, played one after the other while messages keep coming. */
  #rounds: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #finished = false;

  private constructor(
    options: MemberOptions,
    parts: { memory: ReplicaMemory; mesh: Mesh; prober: Prober; replica: Replica },
  ) {
    this.#options = options;
    this.#memory = parts.memory;
    this.#mesh = parts.mesh;
    this.#prober = parts.prober;
    this.#replica = parts.replica;
    this.#lag.enable();
    const { meterSeconds } = options.welcome;
    if (meterSeconds > 0 && options.settlement.meters !== undefined)
      this.#meterTimer = setInterval(() => this.#meter(), 1000 * meterSeconds);
  }

  /** Starts to listen, loads the replica and says that it is ready. */
  static async join(options: MemberOptions): Promise<Member> {
    const { part, welcome, settlement, say, watcher } = options;
    const { rank, scenario, topology } = part;
    const { placement, device } = settlement;
    const mesh = await Mesh.start({
      rank,
      listen: placement.listen,
      peers: placement.peers.map((address, peer) => ({ ...address, name: topology.nodes[peer]!.name })),
      ...(welcome.certificate === '' ? {} : { identity: welcome }),
    });
    let prober: Prober | undefined;
    try {
      prober = await Prober.start({ rank, placement, topology, mesh, tls: scenario.transport.tls });
      const memory = allocateReplica(parameterCount(scenario.model));
      await device.initialise({ memory: memory.shared });
      const worldSize = topology.nodes.length;
      const onStep = (stepDone: StepDone): void => {
        say({ stepDone });
        watcher?.happened({ type: 'step', rank, ...stepDone });
      };
      const replica = new Replica({ rank, worldSize, scenario, memory, device, mesh, onStep });
      const ready = rank === 0 ? { initialLoss: await device.evaluate({ memory: memory.shared }) } : {};
      const member = new Member(options, { memory, mesh, prober, replica });
      say({ ready });
      watcher?.ready();
      return member;
    } catch (error) {
      prober?.close();
      mesh.close();
      throw error;
    }
  }

  /** Whether the node has played its part to the end. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Does what the orchestrator says. Rounds are only queued here, so that the next can come meanwhile. */
  async obey(message: OrchestratorMessage__Output): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { say } = this.#options;
    switch (message.message) {
      case 'probe':
        say({ probed: { measurements: await this.#prober.measure(message.probe!) } });
        return;
      case 'connect':
        await Promise.all(message.connect!.receiveFrom.map((peer) => this.#mesh.connect(peer)));
        say({ connected: {} });
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
      case 'admitted':
        throw new Error(`'${message.message}' twice`);
      case 'startCapture':
      case 'stopCapture':
        throw new Error(`'${message.message}' is for observers`);
      case undefined:
        throw new Error('the orchestrator sent an empty message');
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#meterTimer);
    this.#lag.disable();
    this.#prober.close();
    this.#mesh.close();
    await this.#options.settlement.close();
  }

  async #play(round: Round__Output): Promise<void> {
    const { part, say, watcher } = this.#options;
    this.#lag.reset(); // What held it up before, connecting for one, is not in the round's traffic.
    const operations = round.operations.map(fromWire);
    const played = await play(operations, this.#replica.stage(round.round));
    const roundDone = {
      round: round.round,
      ids: played.map(({ id }) => id),
      starts: played.map(({ start }) => start),
      ends: played.map(({ end }) => end),
      eventLoopLagSeconds: this.#lag.max / 1e9,
      outerOverrunSeconds: this.#replica.takeOuterOverrun(),
    };
    say({ roundDone });
    if (watcher === undefined) return;
    const { rank, topology } = part;
    const node = topology.nodes[rank]!.name;
    const traced = traceOperations({ ...roundDone, node, rank, operations, origin: 0 });
    watcher.happened({ ...roundDone, type: 'round', rank, operations: traced });
  }

  #meter(): void {
    const { settlement, say, watcher } = this.#options;
    if (settlement.meters === undefined) return;
    try {
      const { counters, lateness } = settlement.meters();
      say({ metered: { ...counters, lateness: Array.from(lateness) } });
      watcher?.metered(counters, lateness);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A round failed while the node waits for messages: tell at once, stop at the next message. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.say({ failed: { reason: messageOf(error) } });
  }

  async #finish(deliverWeights: boolean): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { part, welcome, settlement, client, say, watcher } = this.#options;
    const { parameters, shared } = this.#memory;
    const finalLoss =
      part.rank === 0 ? { finalLoss: await settlement.device.evaluate({ memory: shared }) } : {};
    if (deliverWeights) await deliver(client, welcome.session, parameters);
    this.#meter();
    const sha256 = weightsSha256(parameters);
    say({ finished: { weightsSha256: sha256, ...finalLoss } });
    this.#finished = true;
    watcher?.finished(sha256);
  }
}

const CHUNK_BYTES = 1 << 20;

/** Hands the weights in as little-endian bytes, which is what every machine Node runs on has in memory. */
async function deliver(client: OrchestratorClient, session: string, parameters: Float32Array): Promise<void> {
  const bytes = Buffer.from(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  await new Promise<void>((resolve, reject) => {
    const call = client.deliverWeights((error) => (error === null ? resolve() : reject(error)));
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      call.write({ session, data: bytes.subarray(at, at + CHUNK_BYTES) });
    }
    call.end();
  });
}
