import { defineConfig } from 'vitest/config';

// Tests run as compiled by tsc, the same JavaScript that users run: worker threads, which no test
// transform reaches, then load exactly the files under test.
export default defineConfig({
  test: {
    include: ['dist/test/**/*.test.js'],
    pool: 'forks',
    // Two suites that shape packets at once would disturb each other's timing on a small machine.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './dist/test/support/skipped-reporter.js'],
  },
});
