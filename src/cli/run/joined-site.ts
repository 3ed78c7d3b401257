/**
 * A run of nodes that came by themselves: from containers here, or from other machines.
 *
 * They wait in the lobby, which the command that serves it has closed; here they get their seats.
 */
import { JoinedFabric } from '../../../orchestrator/joined-fabric.js';
import type { Gathered } from '../../../orchestrator/lobby.js';
import { Members } from '../../../orchestrator/members.js';
import { Observer } from '../../../orchestrator/observer.js';
import type { AnyScenario } from '../../scenario/index.js';
import type { RunContext, Site } from './site.js';
import { authorityFor, welcomeTo } from './welcome.js';

/** How often nodes report their meters, seconds: as often as the sampler reads them. */
const METER_SECONDS = 0.25;

export class JoinedSite implements Site {
  readonly fabric = 'containers';
  readonly reason = 'the nodes joined by themselves';
  readonly #gathered: Gathered;
  readonly #observer: Observer | undefined;
  #members: Members | undefined;

  constructor(gathered: Gathered) {
    this.#gathered = gathered;
    this.#observer = gathered.observer === undefined ? undefined : new Observer(gathered.observer);
  }

  openFabric({ topology, breakOff }: RunContext<AnyScenario>): Promise<JoinedFabric> {
    this.#observer?.failure.catch(breakOff);
    return Promise.resolve(new JoinedFabric(topology, this.#observer));
  }

  async openMembers(context: RunContext, fabric: JoinedFabric): Promise<Members> {
    const members = new Members({
      names: context.topology.nodes.map(({ name }) => name),
      welcome: welcomeTo(context, {
        meterSeconds: METER_SECONDS,
        authority: await authorityFor(context.scenario),
        accounts: [],
        tunnelKeys: this.#tunnelKeys(context),
      }),
    });
    members.failure.catch(context.breakOff);
    // They stay until the door is closed: whoever watches over containers may take the first that ends for a sign
    // that all is over, while the capture is still being analysed.
    context.own(() => members.release());
    fabric.follow(members);
    this.#members = members;
    return members;
  }

  /** Nobody needs to be started, only seated. */
  startNodes({ stage }: RunContext): Promise<void> {
    stage('the nodes take their seats');
    this.#gathered.nodes.forEach((guest, rank) => this.#members?.seat(rank, guest));
    return Promise.resolve();
  }

  #tunnelKeys({ topology: { tunnel } }: RunContext): string[] {
    if (tunnel === undefined) return [];
    return this.#gathered.nodes.map(({ hello }) =>
      tunnel.kind === 'wireguard' ? hello.wireguardKey : hello.openvpnFingerprint,
    );
  }

  takeWeights(session: string, weights: Buffer): boolean {
    return this.#members?.takeWeights(session, weights) ?? false;
  }
}
