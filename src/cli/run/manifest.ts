/** The manifest of a run: what was run, on what, how it ended, and which files are evidence of it. */
import os from 'node:os';
import type { RunDirectory } from '../../run/directory.js';
import type { GateVerdict, RunManifest } from '../../run/files.js';
import { hostsOf, type AnyScenario, type Topology } from '../../scenario/index.js';
import { version } from '../version.js';
import type { Site } from './site.js';

/** What is known of a run whichever way it ended. */
export interface RunFacts {
  readonly scenario: AnyScenario;
  readonly topology: Topology;
  readonly site: Site;
  /** Null without a capture, or before it began. */
  readonly captureKind: RunManifest['captureKind'];
  /** What carries its tunnels; empty if there are none, or if none was built. */
  readonly tunnel: string;
}

export interface Ending {
  readonly startedAt: Date;
  /** Why it broke off, if it did. */
  readonly failure?: string;
  readonly gate?: GateVerdict;
}

/** Lists every file that is in the directory by now. */
export async function manifestOf(
  facts: RunFacts,
  directory: RunDirectory,
  { startedAt, failure, gate }: Ending,
): Promise<RunManifest> {
  const { scenario, site, captureKind } = facts;
  return {
    meshbeat: version,
    id: directory.id,
    scenario: scenario.name,
    seed: scenario.seed,
    startedAt: startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    fabric: site.fabric,
    fabricReason: site.reason,
    wanDriver: site.fabric === 'threads' ? 'relay' : scenario.wan.driver,
    tunnel: tunnelOf(facts),
    captureKind,
    outcome: failure ?? 'done',
    gate: gate ?? { verdict: 'invalid', checks: [] },
    host: {
      platform: process.platform,
      kernel: os.release(),
      cores: os.availableParallelism(),
      node: process.version,
    },
    files: await directory.files(),
  };
}

function tunnelOf({ topology, tunnel: implementation }: RunFacts): RunManifest['tunnel'] {
  const { tunnel } = topology;
  if (tunnel === undefined) return null;
  const nameOf = (position: number) => hostsOf(topology)[position]!.name;
  return {
    kind: tunnel.kind,
    implementation,
    hub: tunnel.hub === undefined ? null : nameOf(tunnel.hub),
    relays: tunnel.relays.map(nameOf),
  };
}
