/**
 * Can the netns fabric work here, and how? Every answer names what is missing, so that a user can mend it.
 *
 * Two ways lead to it: as root directly, and as any user inside a user namespace of one's own, where the
 * kernel grants the same powers over networks that belong to it. The second needs a process started by
 * `unshare`, which is the launcher's business (src/cli/rootless.ts).
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { findProgram } from './programs.js';

/** Words after `unshare` that make the namespaces of a rootless run; a command follows. */
export const UNSHARE_ARGUMENTS = ['--user', '--map-current-user', '--keep-caps', '--net', '--mount', '--'];

export type Feasibility =
  | { readonly way: 'direct' }
  | { readonly way: 'rootless' }
  /** `missing` completes the sentence "it needs …". */
  | { readonly way: 'none'; readonly missing: string };

export function netnsFeasibility(): Feasibility {
  const missing = missingPart();
  if (missing !== undefined) return { way: 'none', missing };
  if (succeeds('unshare', ['--net', '--', 'true'])) return { way: 'direct' };
  if (succeeds('unshare', [...UNSHARE_ARGUMENTS, 'ip', 'link', 'add', 'probe0', 'type', 'bridge'])) {
    return { way: 'rootless' };
  }
  return {
    way: 'none',
    missing:
      'root, or a kernel that lets users make user namespaces (sysctl user.max_user_namespaces above 0)',
  };
}

function missingPart(): string | undefined {
  if (process.platform !== 'linux') return `Linux (this is ${process.platform})`;
  for (const [program, source] of [
    ['ip', 'iproute2'],
    ['unshare', 'util-linux'],
    ['setpriv', 'util-linux'],
  ] as const) {
    if (findProgram(program) === undefined) return `the program '${program}' (package ${source})`;
  }
  try {
    // Opened and not only looked at: the file may be there without the module, or barred by a container's rules.
    closeSync(openSync('/dev/net/tun', 'r+'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO'
      ? 'the device /dev/net/tun (kernel module tun)'
      : 'read and write access to /dev/net/tun (as root: chmod 666 /dev/net/tun)';
  }
  return undefined;
}

function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, [...args], { stdio: 'ignore' }).status === 0;
}
