/**
 * Tests that need a program of the system: they run where it is installed, and say so where it is not.
 *
 * A skip is never silent: it prints `skipped: <name>: needs <tool>` to standard error. With
 * MESHBEAT_REQUIRE_ALL=1 in the environment, as on a machine that is meant to have everything, a missing
 * tool is a failure.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';

/** Like vitest's `describe`, for tests that call the given programs. */
export function describeWith(tools: readonly string[], name: string, define: () => void): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  describeIf(missing.length === 0 ? undefined : missing.join(', '), name, define);
}

/** Like vitest's `describe`, unless there is an obstacle: what is missing, in words that follow "needs". */
export function describeIf(obstacle: string | undefined, name: string, define: () => void): void {
  if (obstacle === undefined) {
    describe(name, define);
    return;
  }
  const message = `${name}: needs ${obstacle}`;
  if (process.env['MESHBEAT_REQUIRE_ALL'] === '1') {
    test(name, () => {
      throw new Error(`MESHBEAT_REQUIRE_ALL=1, but ${message}`);
    });
    return;
  }
  process.stderr.write(`skipped: ${message}\n`);
  describe.skip(message, define);
}

/** Whether a program of this name is on the PATH and may be executed. */
export function isInstalled(tool: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
