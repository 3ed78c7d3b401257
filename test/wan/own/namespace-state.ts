/** What a namespace is like, so that a test can ask whether it is as it was; and what such tests need. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Namespace } from '../../../src/wan/netns/namespace.js';
import { netnsFeasibility } from '../../../src/wan/netns/feasible.js';
import { all, root, tools } from '../../support/needs.js';

const feasibility = netnsFeasibility();

/** For `describeIf`: what stands in the way of tests that make namespaces and live in them. */
export const obstacle = all(
  feasibility.way === 'none' ? feasibility.missing : root(),
  tools('tcpdump', 'nsenter', 'setpriv'),
);

export interface State {
  readonly devices: string[];
  readonly rules: string[];
  readonly routes: string[];
  /** Kernel settings by name. */
  readonly settings: Record<string, string>;
}

export function stateOf(namespace: Namespace): State {
  return namespace.inside(() => ({
    devices: lines('-br', 'link'),
    rules: lines('rule'),
    routes: lines('route', 'show', 'table', 'all'),
    settings: Object.fromEntries(
      ['/proc/sys/net/ipv4', '/proc/sys/net/ipv4/conf/all', '/proc/sys/net/ipv4/conf/eth0'].flatMap(files),
    ),
  }));
}

function lines(...words: readonly string[]): string[] {
  return spawnSync('ip', [...words], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
}

function files(folder: string): [string, string][] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return names.flatMap(({ name }) => {
    try {
      return [[`${folder}/${name}`, readFileSync(`${folder}/${name}`, 'utf8')] as [string, string]];
    } catch {
      return []; // some can only be written
    }
  });
}
