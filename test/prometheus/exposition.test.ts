/** What we serve, judged by Prometheus' own linter: names, units, help, reserved labels. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { Board } from '../../orchestrator/board.js';
import { Metrics } from '../../orchestrator/metrics.js';
import { story, topologyOf } from '../orchestrator/run-story.js';
import { describeWith } from '../support/requires.js';

describeWith(['promtool'], 'the exposition', () => {
  it('satisfies promtool', async () => {
    const run = { scenario: 'diloco', protocol: 'diloco', fabric: 'netns' };
    const topology = topologyOf('ada', 'bob');
    const board = new Board(topology, { ...run, rounds: 3, stepsPerRound: 2, pace: 0.5 });
    const metrics = new Metrics(topology, run);
    metrics.watch(board);
    const checks = [{ name: 'a', ok: true, expected: 1, measured: 1, tolerance: 0, unit: 's' }];
    for (const event of [...story, { type: 'gate', checks, final: true } as const]) {
      board.apply(event);
      metrics.apply(event);
    }
    // The names of prom-client's own process metrics are not ours to choose.
    const families = (await metrics.text()).split(/\n\n/).filter((text) => text.includes('# HELP meshbeat_'));
    expect(families.length).toBeGreaterThan(30);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: families.join('\n') + '\n',
      encoding: 'utf8',
    });
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  });
});
