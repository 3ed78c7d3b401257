/**
 * A site: the ground on which a run takes place. It provides the network and the members; where they come
 * from is what sites differ in.
 *
 * `local-site.ts` builds a fabric on this machine and hosts the nodes as threads; `joined-site.ts` has nodes
 * that came by themselves, in containers. The run (perform.ts) sees neither.
 */
import type { Reviver } from '../../../orchestrator/recovery.js';
import type { Members } from '../../../orchestrator/members.js';
import type { AnyScenario, Scenario, Topology } from '../../scenario/index.js';
import type { Fabric, FabricKind } from '../../wan/fabric.js';

/** What a site may know of the run, and do to it. */
export interface RunContext<S extends AnyScenario = Scenario> {
  readonly scenario: S;
  readonly topology: Topology;
  /** Name of the run's directory. */
  readonly run: string;
  /** Says what is going on, for people. */
  readonly stage: (text: string) => void;
  /** Has something ended when the run ends; the newest first. */
  readonly own: (close: () => Promise<void> | void) => void;
  /** Ends the run for a reason; the first reason stays. */
  readonly breakOff: (reason: unknown) => void;
}

export interface Site {
  readonly fabric: FabricKind;
  /** Why this fabric, for the manifest. */
  readonly reason: string;
  openFabric(context: RunContext<AnyScenario>): Promise<Fabric>;
  /** The members, who are on their way to their seats. */
  openMembers(context: RunContext, fabric: Fabric): Promise<Members>;
  /** Who ends and starts nodes while the run goes on; absent where nobody can. */
  readonly reviver?: Reviver;
  /** Has the nodes start, if it is this site that starts them. */
  startNodes(context: RunContext, fabric: Fabric, members: Members): Promise<void>;
}
