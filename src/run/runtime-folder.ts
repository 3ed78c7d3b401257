/**
 * A private folder for the sockets of a running process, gone when it ends.
 *
 * Only `kill -9` can leave one behind; its name holds the process id, so the next start can tell and sweep.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const PREFIX = 'meshbeat-';

/** Makes a folder that only this user can enter. */
export function makeRuntimeFolder(): string {
  return mkdtempSync(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
}

export function removeRuntimeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Removes the folders of processes that are no more; their names. */
export function sweepRuntimeFolders(): string[] {
  const parent = os.tmpdir();
  const left = readdirSync(parent).filter((name) => {
    const pid = /^meshbeat-(\d+)-\w+$/.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
  for (const name of left) rmSync(path.join(parent, name), { recursive: true, force: true });
  return left;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // Another user's: not ours to judge.
  }
}

/** Whether a process is over and only waits for its parent to take note, which after kill -9 may be long. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    // proc(5): the state follows the program's name, which is in parentheses and may hold some itself.
    return /\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true; // Gone meanwhile.
  }
}
