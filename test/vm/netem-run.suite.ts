/** A whole run with `wan.driver: netem`: its weights are the reference's, and it says what shaped its packets. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { RunManifest, RunSummary } from '../../src/run/files.js';
import { loadScenario } from '../../src/scenario/index.js';
import { netemObstacle } from '../../src/wan/netem/feasible.js';
import { scratchFolder } from '../support/files.js';
import { MESHBEAT, TINY } from '../support/meshbeat.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';
import { SLOWNESS } from '../wan/slowness.js';

const LIMIT_MS = 100_000 * SLOWNESS;
const folder = scratchFolder();
/** Inner steps take as much longer as the machine does; so the gate may still be asked. */
const SETS = ['wan.driver=netem', 'wan.loss=0.1 %', 'wan.jitter=0.5 ms', `pace=${SLOWNESS} s`, 'rounds=2'];

describeIf(netemObstacle('direct'), 'a run that the kernel shapes', () => {
  test(
    'has the weights of the reference, and a manifest that names its driver',
    { timeout: 2 * LIMIT_MS },
    async () => {
      const scenario = loadScenario(TINY, { sets: SETS });
      const expected = await referenceOf(scenario);
      const [program = '', ...words] = MESHBEAT;
      const sets = SETS.flatMap((set) => ['--set', set]);
      const ended = await promisify(execFile)(
        program,
        [...words, 'run', TINY, '--fabric', 'netns', '--out', folder, '--json', ...sets],
        { timeout: LIMIT_MS, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 },
      ).catch((error: { stdout?: string; stderr?: string; code?: number }) => {
        // Status 1 is the gate's word on a machine that may be slow; the run itself has come to its end.
        expect(error.code, error.stderr).toBe(1);
        return { stdout: error.stdout ?? '' };
      });
      const summary = JSON.parse(ended.stdout) as RunSummary;
      expect(summary.training?.weightsSha256).toBe(expected.weightsSha256);
      const manifest = JSON.parse(
        readFileSync(join(folder, 'latest', 'manifest.json'), 'utf8'),
      ) as RunManifest;
      expect(manifest).toMatchObject({ fabric: 'netns', wanDriver: 'netem', captureKind: 'tcpdump' });
      const names = summary.gate.checks.map(({ name }) => name);
      expect(names.filter((name) => name.startsWith('lateness'))).toEqual([]);
      for (const { name, ok, measured, expected: set } of summary.gate.checks)
        if (/different final weights|captured TCP payload|round trip/.test(name))
          expect(ok, `${name}: ${measured}, expected ${set}`).toBe(true);
    },
  );
});
