/**
 * Sixteen node containers on this machine: `--scale node=16` of a scenario for 32, whose mix of regions is kept.
 *
 * Repeated where others kept the machine too busy, as in run.test.ts.
 */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { RunSummary } from '../../src/run/files.js';
import { ComposeProject, DOWN_LIMIT_MS, gateLineOf } from '../support/compose.js';
import { BUILD_LIMIT_MS, dockerNeeds, imagesReady } from '../support/docker.js';
import { newestRun, readJson } from '../support/meshbeat.js';
import { describeIf } from '../support/requires.js';

const RUN_LIMIT_MS = 300_000;
const ATTEMPTS = 4;
/** Sixteen GPUs' work on as few as two cores: less of it, so that it is the network that is judged. */
const LIGHTER = '--set rounds=5 --set training.batch=1 --set pace="1500 ms"';

describeIf(dockerNeeds(), 'sixteen node containers', () => {
  let project: ComposeProject;
  let status: number;
  let logs: string;

  beforeAll(
    async () => {
      await imagesReady();
      for (let tries = 0; tries < ATTEMPTS; tries++) {
        project = await ComposeProject.create({
          env: { MESHBEAT_SCENARIO: 'scenarios/diloco-32.yaml' },
          options: LIGHTER,
        });
        await project.up(['orchestrator', 'node', 'capture'], '--scale', 'node=16');
        [status = NaN] = await project.ended('orchestrator', RUN_LIMIT_MS);
        logs = await project.logs('orchestrator');
        if (status === 0) break;
        process.stderr.write(`a run was disturbed: ${gateLineOf(logs)}\n`);
        if (tries < ATTEMPTS - 1) await project.close();
      }
    },
    BUILD_LIMIT_MS + ATTEMPTS * (RUN_LIMIT_MS + DOWN_LIMIT_MS),
  );

  test('run valid, and end with one set of weights', () => {
    expect(status, logs).toBe(0);
    const summary = readJson<RunSummary>(join(newestRun(project.runs), 'summary.json'));
    expect(summary).toMatchObject({ nodes: 16, fabric: 'containers', gate: { verdict: 'valid' } });
    const hashes = summary.gate.checks.find(({ name }) => name === 'different final weights');
    expect(hashes).toMatchObject({ measured: 1, ok: true });
    expect(summary.heartbeat?.count).toBe(summary.rounds);
  });

  test(
    'and down leaves nothing',
    async () => {
      await project.down();
      expect(await project.leftovers()).toEqual([]);
    },
    DOWN_LIMIT_MS,
  );
});
