/** The traces that ship are made up, and this is how. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/files.js';
import { PROJECT } from '../support/meshbeat.js';

const made = scratchFolder();

test('scripts/traces.mjs makes the traces that scenarios name', () => {
  const shipped = join(PROJECT, 'scenarios', 'traces');
  expect(spawnSync(process.execPath, [join(PROJECT, 'scripts', 'traces.mjs'), made]).status).toBe(0);
  expect(readdirSync(made)).toEqual(readdirSync(shipped));
  for (const name of readdirSync(made))
    expect(readFileSync(join(made, name), 'utf8') === readFileSync(join(shipped, name), 'utf8'), name).toBe(
      true,
    );
});
