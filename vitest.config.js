import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const here = (folders) => folders.map((folder) => `dist/test/${folder}/**/*.test.js`);

/** Folders whose tests ask no clock and open no socket. */
const PURE = here(
  'capture compression grafana orchestrator/collectives orchestrator/schedules persona scenario detection schedule scripts simulation traffic training web/model'.split(
    ' ',
  ),
);

/** Ends what hangs. No test is meant to notice how fast the machine is, and some are slow. */
const WATCHDOG_MS = 300_000;

/** What both kinds of tests have. */
const common = { pool: 'forks', testTimeout: WATCHDOG_MS, hookTimeout: WATCHDOG_MS };

// Tests run as compiled by tsc, the same JavaScript that users run: worker threads, which no test
// transform reaches, then load exactly the files under test.
export default defineConfig({
  test: {
    reporters: ['default', './dist/test/support/skipped-reporter.js'],
    projects: [
      {
        test: {
          ...common,
          name: 'pure',
          include: PURE,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'timed',
          include: ['dist/test/**/*.test.js'],
          exclude: PURE,
          // Two suites that shape packets at once would disturb each other's timing on a small machine.
          maxWorkers: 1,
          fileParallelism: false,
          // Kernels and clocks of a shared machine have bad moments. A second try is never silent: the reporter
          // names every test that needed it.
          retry: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
