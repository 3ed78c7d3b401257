/** `meshbeat verify` as a user has it: a page or a document, an exit status, and nothing left behind. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { verificationSchema } from '../../src/run/files.js';
import { meshbeat, MESHBEAT, start, TINY } from '../support/meshbeat.js';
import { netns } from '../support/needs.js';
import { describeIf } from '../support/requires.js';

describe('meshbeat verify', () => {
  test('prints one document, and its exit status says the same', async () => {
    const { status, stdout, stderr } = await meshbeat(
      ...['verify', TINY, '--nodes', '2', '--fabric', 'threads', '--quick', '--json'],
    );
    const document = verificationSchema.parse(JSON.parse(stdout));
    expect(document).toMatchObject({ scenario: 'tiny', nodes: 2, fabric: 'threads' });
    expect(status, stderr).toBe(document.verdict === 'faithful' ? 0 : 1);
    expect(document.checks.map(({ property }) => property)).toContain('round trip, mean');
    expect(document.unmeasured.map(({ property }) => property)).toContain('loss');
    expect(stderr).toContain('round trips: 0 of 1');
  });

  test('wrong input is named, and measures nothing', async () => {
    for (const [words, complaint] of [
      [['nowhere.yaml'], /nowhere\.yaml/],
      [[TINY, '--fabric', 'token-ring'], /token-ring/],
      [[TINY, '--set', 'wan.reorder=1 %', '--fabric', 'threads'], /wan\.reorder.*allowed: 0 %/],
    ] as const) {
      const { status, stdout, stderr } = await meshbeat('verify', ...words);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(complaint);
    }
  });
});

describeIf(netns(), 'meshbeat verify of packets', () => {
  test('Ctrl-C ends it at once, with the reason', async () => {
    const running = start([...MESHBEAT, 'verify', TINY, '--fabric', 'netns']);
    await running.said(/round trips/);
    running.kill('SIGINT');
    const { status, stdout, stderr } = await running.ended;
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/meshbeat: interrupted by SIGINT\n$/);
    expect(readdirSync('/proc').filter((name) => name === String(running.pid))).toEqual([]);
  });
});
