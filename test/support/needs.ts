/**
 * What a test may need of the machine besides Node, as obstacles for `describeIf`: undefined where the need
 * is met, else the words that follow "needs". The fabric's own question, whether it can work here, is asked
 * as a user's run asks it, so that tests and runs never disagree.
 */
import { spawnSync } from 'node:child_process';
import { netnsFeasibility } from '../../src/wan/netns/feasible.js';
import { isInstalled } from './requires.js';

/** The ordinary user that tests become where root must not help: `nobody`, who owns nothing. */
export const NOBODY = 65_534;
export const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];

/** All that stands in the way, in one phrase. */
export function all(...obstacles: readonly (string | undefined)[]): string | undefined {
  const found = [...new Set(obstacles.filter((obstacle) => obstacle !== undefined))];
  return found.length === 0 ? undefined : found.join(', ');
}

/** Programs of the system. */
export function tools(...names: readonly string[]): string | undefined {
  return all(...names.map((name) => (isInstalled(name) ? undefined : name)));
}

/** The fabric `netns`, as root or without. */
export function netns(): string | undefined {
  const feasibility = netnsFeasibility();
  return feasibility.way === 'none' ? feasibility.missing : undefined;
}

/** To be root, with the power to mount. */
export function root(): string | undefined {
  if (process.geteuid?.() !== 0) return 'root';
  return succeeds('unshare', '--mount', '--', 'true') ? undefined : 'root with the capability SYS_ADMIN';
}

/** A kernel that lets an ordinary user make namespaces. */
export function userNamespaces(): string | undefined {
  const words = [...AS_NOBODY.slice(1), 'unshare', '--user', '--net', '--', 'true'];
  return succeeds('setpriv', ...words) ? undefined : 'user namespaces for ordinary users';
}

function succeeds(program: string, ...words: readonly string[]): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0;
}
