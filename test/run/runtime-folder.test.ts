import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeRuntimeFolder, removeRuntimeFolder, sweepRuntimeFolders } from '../../src/run/runtime-folder.js';

let before: string | undefined;
let place: string;

beforeEach(() => {
  before = process.env['TMPDIR'];
  place = mkdtempSync(join(tmpdir(), 'sweep-'));
  process.env['TMPDIR'] = place;
});

afterEach(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  rmSync(place, { recursive: true });
});

/** A folder as another process would have made it. */
function folderOf(pid: number): string {
  const folder = join(place, `meshbeat-${pid}-abc123`);
  mkdirSync(folder);
  return folder;
}

describe('runtime folders', () => {
  test('a process keeps its own and sweeps those of the dead, and nothing else', () => {
    const own = makeRuntimeFolder();
    const dead = folderOf(spawnSync('true').pid);
    const other = join(place, 'meshbeat-notes');
    mkdirSync(other);
    sweepRuntimeFolders();
    expect([own, dead, other].map((folder) => existsSync(folder))).toEqual([true, false, true]);
    removeRuntimeFolder(own);
    expect(existsSync(own)).toBe(false);
  });

  test.runIf(process.platform === 'linux')(
    'a process that is dead but not yet buried counts as dead',
    async () => {
      // The shell becomes a sleep, which never asks after the child it inherits; the child outlives the change.
      const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 30'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const [text] = (await once(parent.stdout, 'data')) as [Buffer];
        const pid = Number(text.toString());
        while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
          await new Promise((next) => setTimeout(next, 5));
        const folder = folderOf(pid);
        sweepRuntimeFolders();
        expect(existsSync(folder)).toBe(false);
      } finally {
        parent.kill();
      }
    },
  );
});
