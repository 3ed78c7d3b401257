/**
 * A run on this machine: a fabric built for it, and its nodes as threads of this process.
 *
 * The threads attach through a Unix socket that nobody else can reach, each with a token for its own rank,
 * for it is the rank that says into which namespace a thread has moved.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { NodeHost } from '../../../nodes/host.js';
import { Door } from '../../../orchestrator/door.js';
import { Members } from '../../../orchestrator/members.js';
import type { Reviver } from '../../../orchestrator/recovery.js';
import { makeRuntimeFolder, removeRuntimeFolder } from '../../run/runtime-folder.js';
import {
  crashingHosts,
  isTraining,
  storePosition,
  type AnyScenario,
  type Scenario,
  type Topology,
} from '../../scenario/index.js';
import { Checkpoints, parameterCount, replicaBytes, trainingSettingsOf } from '../../training/index.js';
import { openFabric, type Choice } from '../../wan/choose.js';
import type { Fabric } from '../../wan/fabric.js';
import type { RunContext, Site } from './site.js';
import { newAccounts, openStore } from './store.js';
import { authorityFor, welcomeTo } from './welcome.js';

export class LocalSite implements Site {
  readonly #choice: Choice;
  readonly #onNodes: (host: NodeHost) => void;
  #address = '';
  #tokens: readonly string[] = [];
  #host: NodeHost | undefined;
  readonly reviver: Reviver = {
    crash: async (rank) => this.#host?.crash(rank),
    revive: (rank) => this.#host?.revive(rank),
  };

  /** @param onNodes called when nodes are running; lets a test kill one. */
  constructor(choice: Choice, onNodes: (host: NodeHost) => void = () => undefined) {
    this.#choice = choice;
    this.#onNodes = onNodes;
  }

  get fabric(): Choice['kind'] {
    return this.#choice.kind;
  }

  get reason(): string {
    return this.#choice.reason;
  }

  async openFabric({ scenario, topology, stage, own, breakOff }: RunContext<AnyScenario>): Promise<Fabric> {
    const { kind, reason } = this.#choice;
    stage(`building the network: ${kind} (${reason})`);
    const { driver, congestion, slowStartAfterIdle, initialWindow } = scenario.wan;
    const wan = { driver, congestion, slowStartAfterIdle, initialWindow };
    const control = isTraining(scenario) && scenario.persona !== 'none';
    const fabric = await openFabric(kind, { topology, seed: scenario.seed, ...wan, control });
    own(() => fabric.close());
    fabric.failure?.catch(breakOff);
    return fabric;
  }

  async openMembers(context: RunContext, fabric: Fabric): Promise<Members> {
    const { scenario, topology, own, breakOff } = context;
    const folder = makeRuntimeFolder();
    own(() => removeRuntimeFolder(folder));
    this.#address = `unix:${path.join(folder, 'control.sock')}`;
    const tokens = topology.nodes.map(() => randomBytes(24).toString('base64url'));
    this.#tokens = tokens;
    const authority = await authorityFor(scenario);
    const position = storePosition(topology);
    const store = position === undefined ? undefined : fabric.placements[position];
    const accounts = store === undefined ? [] : newAccounts(topology.nodes.length);
    if (store !== undefined) await openStore(context, { placement: store, accounts, authority });
    const members = new Members({
      names: topology.nodes.map(({ name }) => name),
      welcome: welcomeTo(context, { meterSeconds: 0, authority, accounts }),
    });
    members.failure.catch(breakOff);
    const door = await Door.listen({
      address: this.#address,
      credentials: grpc.ServerCredentials.createInsecure(),
      admit: (guest) => {
        const rank = tokens.indexOf(guest.hello.token);
        return rank === -1 ? 'wrong or missing token' : members.seat(rank, guest);
      },
      takeWeights: (session, weights) => members.takeWeights(session, weights),
    });
    own(() => door.close());
    return members;
  }

  async startNodes(
    { scenario, topology, stage, own }: RunContext,
    fabric: Fabric,
    members: Members,
  ): Promise<void> {
    stage('starting the devices');
    const host = await NodeHost.start({
      orchestrator: this.#address,
      tokens: this.#tokens,
      placements: fabric.placements.slice(0, topology.nodes.length),
      training: trainingSettingsOf(scenario),
      ...checkpointsFor(scenario, topology),
      onDeath: (rank, reason) => members.fail(rank, reason),
    });
    this.#host = host;
    own(async () => {
      members.close(); // A node whose stream has ended ends by itself.
      await host.close();
    });
    this.#onNodes(host);
  }
}

/** By rank: memory that outlives a node's thread; none in a run in which no node crashes. */
function checkpointsFor(
  { model, events }: Scenario,
  topology: Topology,
): { readonly checkpoints?: readonly SharedArrayBuffer[] } {
  const { nodes } = topology;
  if (!crashingHosts(events, topology).some((host) => host < nodes.length)) return {};
  const bytes = replicaBytes(parameterCount(model));
  return { checkpoints: nodes.map(() => Checkpoints.allocate(bytes)) };
}
