import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// What test/vm/run.mjs runs in its machine, and no other: see there.
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['dist/test/vm/*.suite.js'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    // An emulated machine is as much slower as it says.
    testTimeout: 60_000 * Number(process.env.MESHBEAT_TEST_SLOWNESS ?? '1'),
    hookTimeout: 60_000 * Number(process.env.MESHBEAT_TEST_SLOWNESS ?? '1'),
    reporters: ['verbose', './dist/test/support/skipped-reporter.js'],
  },
});
