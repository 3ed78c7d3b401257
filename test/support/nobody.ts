/**
 * meshbeat as an ordinary user has it, started by root: as `nobody`, with a TUN device that all may open, and
 * with the project where anyone can read it, wherever the clone is. The device and the view of the project are
 * mounts in a mount namespace of the process, so nothing of this machine is changed.
 */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { MESHBEAT, PROJECT } from './meshbeat.js';
import { AS_NOBODY, NOBODY } from './needs.js';

export interface Place {
  /** Words that start meshbeat. */
  readonly command: readonly string[];
  /** The name of a file of the project there. */
  readonly see: (file: string) => string;
  /** Folders that the user may write: for run directories, and for what is temporary (TMPDIR). */
  readonly out: string;
  readonly temporary: string;
}

/** For who runs the tests. */
export function ownPlace(folder: string): Place {
  const [out, temporary] = [join(folder, 'out'), join(folder, 'tmp')];
  for (const made of [out, temporary]) mkdirSync(made);
  return { command: MESHBEAT, see: (file) => file, out, temporary };
}

/** Arranges a folder, which must be empty and in one that anyone may enter, for `nobody`. */
export function nobodysPlace(folder: string): Place {
  chmodSync(folder, 0o755);
  const [project, node, device] = [join(folder, 'project'), join(folder, 'node'), join(folder, 'device')];
  const place = ownPlace(folder);
  for (const made of [project, device]) mkdirSync(made);
  for (const owned of [place.out, place.temporary]) chownSync(owned, NOBODY, NOBODY);
  writeFileSync(node, '');
  const script = [
    'set -e',
    // On a file system of its own, since the one of the folder may forbid devices.
    `mount -t tmpfs -o mode=755 tmpfs '${device}'`,
    `mknod '${device}/tun' c 10 200`,
    `chmod 666 '${device}/tun'`,
    `mount --bind '${device}/tun' /dev/net/tun`,
    `mount --bind '${PROJECT}' '${project}'`,
    `mount --bind '${process.execPath}' '${node}'`,
    `cd '${folder}'`,
    'exec "$@"',
  ].join('\n');
  const see = (file: string): string => join(project, relative(PROJECT, file));
  const [, entry = ''] = MESHBEAT;
  const command = ['unshare', '--mount', '--', 'sh', '-c', script, 'sh', ...AS_NOBODY, node, see(entry)];
  return { ...place, command, see };
}
