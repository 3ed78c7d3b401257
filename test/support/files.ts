/** A folder of its own for the tests of one file, gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes the folder now and removes it after the file's tests; call it at the top of a test file. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'meshbeat-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
