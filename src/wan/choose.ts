/**
 * Which fabric: what the user asked for, or the best that works here, and why.
 */
import { InputError } from '../errors.js';
import type { DriverName } from '../scenario/schema.js';
import type { Topology } from '../scenario/topology.js';
import type { Fabric } from './fabric.js';
import { netemObstacle } from './netem/feasible.js';
import { netnsFeasibility } from './netns/feasible.js';

export type FabricChoice = 'auto' | 'netns' | 'threads';

export interface Choice {
  readonly kind: 'netns' | 'threads';
  /** Whether the process must first be started anew inside a user namespace (netns without root). */
  readonly rootless: boolean;
  /** Completes "chosen because …". */
  readonly reason: string;
}

/** Throws an InputError that says what is missing when the fabric asked for can't work here. */
export function chooseFabric(asked: FabricChoice): Choice {
  if (asked === 'threads') return { kind: 'threads', rootless: false, reason: 'it was asked for' };
  const feasibility = netnsFeasibility();
  if (feasibility.way !== 'none') {
    const how = feasibility.way === 'rootless' ? ', without root, in a user namespace' : '';
    const reason = asked === 'netns' ? `it was asked for${how}` : `genuine packets are possible here${how}`;
    return { kind: 'netns', rootless: feasibility.way === 'rootless', reason };
  }
  if (asked === 'netns') {
    throw new InputError(
      `--fabric: found netns, which can't work here: it needs ${feasibility.missing}; allowed here: threads, auto`,
    );
  }
  return { kind: 'threads', rootless: false, reason: `netns would need ${feasibility.missing}` };
}

/** Throws an InputError that says what is missing when the driver asked for, at a place of a scenario, can't work here. */
export function requireDriver(driver: DriverName, { kind, rootless }: Choice, place: string): void {
  if (driver !== 'netem' || kind !== 'netns') return;
  const missing = netemObstacle(rootless ? 'rootless' : 'direct');
  if (missing === undefined) return;
  throw new InputError(
    `${place}: found netem, which can't work here: it needs ${missing}; allowed here: tun`,
  );
}

export interface FabricOptions {
  /** What shapes packets on netns. */
  readonly driver: DriverName;
  readonly topology: Topology;
  readonly seed: number;
  readonly congestion: 'cubic' | 'reno' | 'bbr';
  readonly slowStartAfterIdle: boolean;
  readonly initialWindow: number;
  /** Whether nodes will carry control traffic. */
  readonly control?: boolean;
}

/** Builds a fabric; the module of the other kind, with its system calls, is never loaded. */
export async function openFabric(kind: Choice['kind'], options: FabricOptions): Promise<Fabric> {
  if (kind === 'netns') {
    if (options.driver === 'netem') {
      const { NetemFabric } = await import('./netem/fabric.js');
      return NetemFabric.create(options);
    }
    const { NetnsFabric } = await import('./netns/fabric.js');
    return NetnsFabric.create(options);
  }
  const { createThreadsFabric } = await import('./threads/index.js');
  return createThreadsFabric(options);
}
