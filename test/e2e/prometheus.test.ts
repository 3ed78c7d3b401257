/**
 * A real Prometheus, with our configuration, watches a real run: the rules find the heartbeat that the capture
 * has, and every query of every dashboard has an answer.
 */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import type { RunSummary } from '../../src/run/files.js';
import { unansweredQueries } from '../support/dashboard-queries.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { completed, freePort, MESHBEAT, newestRun, start } from '../support/meshbeat.js';
import type { RuleHealth, Series } from '../support/prometheus-api.js';
import { startPrometheus } from '../support/prometheus.js';
import { describeWith } from '../support/requires.js';

const BEAT = fixture('scenarios/beat.yaml');
const ROUNDS = 6;

describeWith(['prometheus'], 'Prometheus, watching a run', () => {
  const folder = scratchFolder();
  let summary: RunSummary;
  let unanswered: string[] = [];
  let rules: RuleHealth[];
  let period: Series[];
  let burstBytes: Series[];
  let alerts: Series[];

  beforeAll(async () => {
    const port = await freePort();
    const words = ['run', BEAT, '--fabric', 'threads', '--metrics', String(port), '--json', '--out', folder];
    const run = start([...MESHBEAT, ...words]);
    const prometheus = await startPrometheus(folder, { orchestrator: [`127.0.0.1:${port}`] });
    const { api } = prometheus;
    await run.said(new RegExp(`round ${ROUNDS - 2}/${ROUNDS}`));
    const variables = { run: basename(newestRun(folder)), node: '.+' };
    // What comes with the next burst may take a moment more; what does not come at all takes until the end.
    let isTraining = true;
    const last = run.said(new RegExp(`round ${ROUNDS}/${ROUNDS}`)).then(() => (isTraining = false));
    do {
      unanswered = await unansweredQueries(prometheus.url, variables);
      await sleep(500);
    } while (unanswered.length > 0 && isTraining);
    await last;
    rules = await api.rules();
    const ofRun = `{run="${variables.run}"}`;
    [period, burstBytes, alerts] = await Promise.all([
      api.query(`mesh:meshbeat_burst_period_seconds:median${ofRun}`),
      api.query(`mesh:meshbeat_burst_bytes:avg${ofRun}`),
      api.query('ALERTS{alertstate="firing", alertname="MeshHeartbeatSeen"}'),
    ]);
    ({ summary } = completed(await run.ended, folder));
    await prometheus.close();
  });

  test('every query and every variable of every dashboard has an answer', () => {
    expect(unanswered).toEqual([]);
  });

  test('every rule is evaluated without error', () => {
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  test('the recorded period and burst are those of the capture', () => {
    const { periodSeconds = NaN, burstBytesPerNode = NaN } = summary.heartbeat ?? {};
    const [recordedPeriod = NaN] = period[0]?.values ?? [];
    const [recordedBytes = NaN] = burstBytes[0]?.values ?? [];
    // The meters are read four times a second, and what is asked here is the median of half a dozen intervals.
    expect(Math.abs(recordedPeriod / periodSeconds - 1)).toBeLessThan(0.1);
    // The capture's bytes are whole frames, the meters' those of the streams in this fabric.
    expect(recordedBytes / burstBytesPerNode).toBeGreaterThan(0.8);
    expect(recordedBytes / burstBytesPerNode).toBeLessThan(1.1);
  });

  test('the alert says that a heartbeat is seen', () => {
    expect(alerts).toHaveLength(1);
  });
});
