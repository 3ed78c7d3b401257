/** Containers that end before their time: the run ends with the reason, and everything else ends with it. */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readCapture } from '../../src/capture/index.js';
import { ComposeProject, DOWN_LIMIT_MS } from '../support/compose.js';
import { BUILD_LIMIT_MS, docker, dockerNeeds, imagesReady } from '../support/docker.js';
import { manifestOf, newestRun } from '../support/meshbeat.js';
import { describeIf } from '../support/requires.js';
import { until } from '../support/until.js';

const LIMIT_MS = 180_000;

describeIf(dockerNeeds(), 'docker kill of one node', () => {
  let project: ComposeProject;
  let logs: string;
  let victim: string;

  beforeAll(async () => {
    await imagesReady();
    project = await ComposeProject.create({ options: '--set rounds=100' });
    await project.up(['orchestrator', 'node', 'capture']);
    await until('the first round is done', async () => /round 1\/100 done/.test(await project.logs('node')));
    const [node] = await project.containers('node');
    victim = node!.id;
    await docker('kill', victim);
    await project.ended('orchestrator', LIMIT_MS);
    logs = await project.logs();
  }, BUILD_LIMIT_MS + LIMIT_MS);

  test('ends the run with a reason that names the container', async () => {
    expect(await project.ended('orchestrator', LIMIT_MS)).toEqual([1]);
    const reason = new RegExp(`run failed: node [a-z-]+ \\(${victim.slice(0, 12)}\\): left the run`);
    expect(logs).toMatch(reason);
    expect(manifestOf(newestRun(project.runs)).outcome).toMatch(/^node [a-z-]+ \(.*\): left the run/);
  });

  test('ends the other nodes, which say that they were not done, and leaves a whole capture', async () => {
    const statuses = await project.ended('node');
    expect(statuses.sort((a, b) => a - b)).toEqual([1, 1, 1, 137]);
    expect(logs.match(/the run ended before this node had played its part/g)?.length).toBe(3);
    await project.ended('capture');
    const file = join(newestRun(project.runs), 'capture.pcapng');
    const { packets, truncatedAt } = await readCapture(file, () => undefined);
    expect(packets).toBeGreaterThan(100);
    expect(truncatedAt).toBeUndefined();
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
