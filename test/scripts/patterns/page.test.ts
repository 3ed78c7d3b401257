/** docs/known-patterns.md: its answer follows the scores, and what could not be run is in the table. */
import { describe, expect, test } from 'vitest';
import { pageOf, type Chapter } from '../../../scripts/patterns/page.js';
import type { Result, Row } from '../../../scripts/patterns/results.js';
import { RUNS, VIEWS } from '../../../scripts/patterns/runs.js';

function row(pattern: string, on: Row['on'], fires: boolean, score: number | null = 1): Row {
  return {
    pattern,
    title: pattern,
    on,
    threshold: '≥ 0.5',
    fires,
    examined: score === null ? 0 : 2,
    firing: fires ? 1 : 0,
    score,
    subject: null,
    why: 'because of 7',
  };
}

function chapters(rows: readonly Row[], verdict: Result['verdict'] = 'valid'): Chapter[] {
  const view = { packets: 10, records: 2, connections: 1, samplesPerBurst: 12, rows: [...rows] };
  return RUNS.map((planned) => ({
    planned,
    result: {
      command: 'meshbeat run x',
      verdict,
      reasons: verdict === 'valid' ? [] : ['lateness was 9 ms'],
      durationSeconds: 60,
      packets: 10,
      bytes: 1000,
      heartbeat: null,
      views: Object.fromEntries(VIEWS.map(({ name }) => [name, view])),
    },
  }));
}

describe('the answer', () => {
  test('no, where RITA has nothing to score', () => {
    const page = pageOf(chapters([row('rita-bursts', 'bursts', true)]));
    expect(page).toContain('**By its beat: no.**');
    expect(page).toContain('fires on 0 of 6 captures of training, and can score 0 of them');
    expect(page).toContain('of bursts, fires on 6 of 6 (ordinary: 2 of 2)');
  });

  test('yes, where it fires on all', () => {
    const page = pageOf(chapters([row('rita-connections', 'connections', true)]));
    expect(page).toContain('**By its beat: yes.**');
  });

  test('invalid runs are told, with their reasons', () => {
    const page = pageOf(chapters([], 'invalid'));
    expect(page).toContain('The gate calls 6 of 6 runs of training invalid');
    expect(page).toContain('- diloco: lateness was 9 ms');
    expect(pageOf(chapters([]))).not.toContain('The gate calls');
  });
});

test('cells: fires or not, the score, and of how many pairs how many', () => {
  const page = pageOf(chapters([row('one', 'bursts', true, 0.973), row('other', 'hosts', false, 0.1)]));
  expect(page).toContain('| one | bursts | ≥ 0.5 | **yes** 0.973 (1/2) |');
  expect(page).toContain('| other | hosts | ≥ 0.5 | no 0.1 (0/2) |');
});

test('a program that could not be asked has its reason in the cell', () => {
  expect(pageOf(chapters([row('ndpi', 'packets', false, null)]))).toContain('| because of 7 |');
});

test('nothing run, nothing claimed', () => {
  const page = pageOf(RUNS.map((planned) => ({ planned, result: undefined })));
  expect(page).toContain('Nothing has been run yet');
  expect(page).not.toContain('## The answer');
});
