/**
 * A node that has its seat: does what the orchestrator says, with a replica, a mesh and a prober of its own.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { NodeMessage } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorClient } from '../proto/types/meshbeat/control/v1/Orchestrator.js';
import type { OrchestratorMessage__Output } from '../proto/types/meshbeat/control/v1/OrchestratorMessage.js';
import type { Play__Output } from '../proto/types/meshbeat/control/v1/Play.js';
import type { Round__Output } from '../proto/types/meshbeat/control/v1/Round.js';
import type { Welcome__Output } from '../proto/types/meshbeat/control/v1/Welcome.js';
import { messageOf, RunError } from '../src/errors.js';
import type { StoreAccess } from '../src/object-store/objects.js';
import { personaOf } from '../src/persona/index.js';
import { traceOperations } from '../src/run/trace-operations.js';
import type { Timeline } from '../src/scenario/index.js';
import type { Range } from '../src/schedule/operation.js';
import {
  allocateReplica,
  heldSha256,
  heldValues,
  parameterCount,
  type ReplicaMemory,
} from '../src/training/index.js';
import type { Checkpoints } from '../src/training/checkpoints.js';
import { Mesh } from '../src/transport/mesh.js';
import { unpackPart } from '../src/transport/wire-operation.js';
import type { Placement } from '../src/wan/fabric.js';
import { Chatter } from './chatter/chatter.js';
import type { Part, Settlement } from './node.js';
import type { ObjectClient } from './object-client.js';
import { play, type Stage } from './player.js';
import { Prober } from './prober.js';
import { Replica, type StepDone } from './replica.js';
import type { NodeWatcher } from './watcher.js';

export interface MemberOptions {
  readonly part: Part;
  readonly welcome: Pick<
    Welcome__Output,
    'certificate' | 'privateKey' | 'authority' | 'session' | 'meterSeconds' | 'rangesJson' | 'storeJson'
  >;
  readonly settlement: Settlement;
  readonly client: OrchestratorClient;
  readonly say: (message: NodeMessage) => void;
  readonly watcher?: NodeWatcher;
}

export class Member {
  readonly #options: MemberOptions;
  readonly #memory: ReplicaMemory;
  /** What of the model it holds. */
  readonly #ranges: readonly Range[];
  readonly #mesh: Mesh;
  readonly #prober: Prober;
  readonly #replica: Replica;
  /** What the node says besides tensors, if the scenario has a persona. */
  readonly #chatter: Chatter | undefined;
  /** Where there is an object store. */
  readonly #objects: ObjectClient | undefined;
  readonly #lag = monitorEventLoopDelay({ resolution: 5 });
  readonly #meterTimer: NodeJS.Timeout | undefined;
  /** The rounds, played one after the other while messages keep coming. */
  #rounds: Promise<void> = Promise.resolve();
  /** Aborted when these rounds are abandoned. */
  #playing = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #finished = false;

  private constructor(
    options: MemberOptions,
    parts: {
      memory: ReplicaMemory;
      ranges: readonly Range[];
      mesh: Mesh;
      prober: Prober;
      replica: Replica;
      chatter: Chatter | undefined;
      objects: ObjectClient | undefined;
    },
  ) {
    this.#options = options;
    this.#chatter = parts.chatter;
    this.#objects = parts.objects;
    this.#memory = parts.memory;
    this.#ranges = parts.ranges;
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
      peers: topology.nodes.map(({ name }, peer) => ({ ...placement.peers[peer]!, name })),
      connections: scenario.transport.connections,
      ...(welcome.certificate === '' ? {} : { identity: welcome }),
    });
    let prober: Prober | undefined;
    let chatter: Chatter | undefined;
    let objects: ObjectClient | undefined;
    try {
      objects = await objectClientFor(part, placement, welcome.storeJson);
      const { tls } = scenario.transport;
      prober = await Prober.start({ rank, placement, topology, mesh, tls, ...(objects ? { objects } : {}) });
      const memory = allocateReplica(parameterCount(scenario.model));
      const ranges = JSON.parse(welcome.rangesJson) as Range[];
      await device.initialise({ memory: memory.shared, ranges });
      settlement.checkpoints?.saveFirst(memory.shared);
      const persona = personaOf(scenario.persona);
      if (persona !== undefined)
        chatter = await Chatter.start({ persona, rank, scenario, topology, placement });
      const onStep = (stepDone: StepDone): void => {
        say({ stepDone });
        chatter?.remark('step');
        watcher?.happened({ type: 'step', rank, ...stepDone });
      };
      const replica = new Replica({
        ...{ rank, scenario, memory, device, mesh, onStep },
        ...(objects ? { objects } : {}),
      });
      const ready = judges(rank, ranges, memory)
        ? { initialLoss: await device.evaluate({ memory: memory.shared }) }
        : {};
      const member = new Member(options, { memory, ranges, mesh, prober, replica, chatter, objects });
      say({ ready: { ...ready, tunnel: settlement.tunnel ?? '' } });
      watcher?.ready();
      return member;
    } catch (error) {
      chatter?.close();
      objects?.close();
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
        this.#dial(message.connect!.receiveFrom, this.#playing.signal);
        return;
      case 'open':
        await this.#chatter?.open(message.open!.habit);
        say({ opened: {} });
        return;
      case 'play':
        await this.#followEvents(message.play!);
        return;
      case 'round': {
        this.#chatter?.begin();
        const round = message.round!;
        const { signal } = this.#playing;
        this.#rounds = this.#rounds
          .then(() => this.#play(round, signal))
          .catch((error: unknown) => {
            if (!signal.aborted) this.#fail(error);
          });
        return;
      }
      case 'abandon':
        await this.#abandon();
        say({ abandoned: {} });
        return;
      case 'restore':
        this.#checkpoints.restore(message.restore!.round, this.#memory.shared);
        say({ restored: {} });
        return;
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
    this.#chatter?.close();
    this.#objects?.close();
    this.#prober.close();
    this.#mesh.close();
    await this.#options.settlement.close();
  }

  get #checkpoints(): Checkpoints {
    const { checkpoints } = this.#options.settlement;
    if (checkpoints === undefined) throw new Error('this node keeps no checkpoints');
    return checkpoints;
  }

  /** Dials peers, and says when all lines stand; meanwhile the node may be told to let go of them. */
  #dial(peers: readonly number[], signal: AbortSignal): void {
    const dialing = async (): Promise<void> => {
      await Promise.all(peers.map((peer) => this.#mesh.connect(peer)));
      await this.#objects?.open();
      await this.#chatter?.connect((error) => this.#fail(error));
      if (!signal.aborted) this.#options.say({ connected: {} });
    };
    dialing().catch((error: unknown) => {
      if (!signal.aborted) this.#fail(error);
    });
  }

  /** Lets go of all that it plays and of all its peers, and leaves its memory alone. */
  async #abandon(): Promise<void> {
    this.#playing.abort(new RunError('the round was abandoned'));
    this.#mesh.reset();
    await this.#rounds;
    await this.#replica.settled();
    this.#playing = new AbortController();
  }

  async #play(round: Round__Output, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { part, say, watcher } = this.#options;
    this.#lag.reset(); // What held it up before, connecting for one, is not in the round's traffic.
    const unpacked = unpackPart(round.part);
    const { operations } = unpacked;
    const stage = this.#remarked(this.#replica.stage(round.round, unpacked, signal));
    const played = await play(operations, stage, signal);
    this.#options.settlement.checkpoints?.save(round.round + 1, this.#memory.shared);
    this.#chatter?.remark('round');
    const roundDone = {
      round: round.round,
      ids: played.map(({ id }) => id),
      starts: played.map(({ start }) => start),
      ends: played.map(({ end }) => end),
      eventLoopLagSeconds: this.#lag.max / 1e9,
      outerOverrunSeconds: this.#replica.takeOuterOverrun(),
      ...this.#objects?.takeTally(),
    };
    say({ roundDone });
    if (watcher === undefined) return;
    const { rank, topology } = part;
    const node = topology.nodes[rank]!.name;
    const traced = traceOperations({ ...roundDone, node, rank, operations, origin: 0 });
    watcher.happened({ ...roundDone, type: 'round', rank, operations: traced });
  }

  /** Has its own network change as the scenario's events have it. */
  async #followEvents({ timelineJson, origin }: Play__Output): Promise<void> {
    const { settlement, say } = this.#options;
    if (settlement.play === undefined) throw new Error("'play' to a node whose network is not its own");
    const timeline = JSON.parse(timelineJson) as Timeline;
    await settlement.play(timeline, origin, (applied) => say({ applied }));
    say({ playing: {} });
  }

  /** A stage on which the persona notices when the node begins to exchange. */
  #remarked(stage: Stage): Stage {
    const chatter = this.#chatter;
    if (chatter === undefined) return stage;
    let exchanging = false;
    return {
      perform: (operation) => {
        const begins = operation.kind === 'send' || operation.kind === 'put';
        if (begins && !exchanging) chatter.remark('exchange');
        exchanging ||= begins;
        return stage.perform(operation);
      },
    };
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
    const control = this.#chatter?.finish() ?? [];
    const finalLoss = judges(part.rank, this.#ranges, this.#memory)
      ? { finalLoss: await settlement.device.evaluate({ memory: shared }) }
      : {};
    const held = { ranges: this.#ranges, parameters };
    if (deliverWeights) await deliver(client, welcome.session, heldValues(held));
    this.#meter();
    const sha256 = heldSha256(held);
    say({ finished: { weightsSha256: sha256, ...finalLoss, control } });
    this.#finished = true;
    watcher?.finished(sha256);
  }
}

/** The way to the object store, if there is one; its module, which is large, is loaded only then. */
async function objectClientFor(
  { scenario, topology }: Part,
  { peers }: Placement,
  storeJson: string,
): Promise<ObjectClient | undefined> {
  const dial = peers[topology.nodes.length];
  if (storeJson === '' || dial === undefined || scenario.protocol.kind !== 'object-store') return undefined;
  const { ObjectClient } = await import('./object-client.js');
  const access = JSON.parse(storeJson) as StoreAccess;
  return new ObjectClient({ access, dial, part: scenario.protocol.store.part });
}

/** Whether this node tells the loss of the whole model. */
function judges(rank: number, ranges: readonly Range[], { parameters }: ReplicaMemory): boolean {
  return rank === 0 && ranges.reduce((sum, { length }) => sum + length, 0) === parameters.length;
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
