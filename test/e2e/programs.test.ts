/**
 * The cell that a program runs in: what it is told, what it can see, and how it ends, as root and as an ordinary user.
 * What real programs do there is background.test.ts's matter; these are a few words of shell each.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { ProgramsSummary, TraceHeader, TraceProgram } from '../../src/run/files.js';
import { scratchFolder } from '../support/files.js';
import { meshbeat, newestRun, readJsonLines, start } from '../support/meshbeat.js';
import { all, netns, root, userNamespaces } from '../support/needs.js';
import { nobodysPlace, ownPlace, type Place } from '../support/nobody.js';
import { describeIf } from '../support/requires.js';

const SCENARIO = `name: cell
description: A few words of shell
duration: 3 s
events:
  - at 1 s crash mortal for 500 ms
nodes:
  - name: told
    region: us-east
    uplink: 10 Mbit/s
    kind: talk
    environment: { OTHER: "{address:mortal}" }
    exec:
      - ./told.sh
      - "{name} {address} {index} {other}"
  - { name: deaf, region: us-east, uplink: 10 Mbit/s, exec: [sh, -c, "trap '' TERM; while :; do sleep 0.1; done"] }
  - { name: mortal, region: us-east, uplink: 10 Mbit/s, exec: [sh, -c, "echo again >>runs; cat runs; sleep 100"] }
  - { name: loud, region: us-east, uplink: 10 Mbit/s, exec: [sh, -c, "head -c 3000000 /dev/zero | tr '\\\\0' x; sleep 100"] }
  - { name: done, region: us-east, uplink: 10 Mbit/s, exec: ["true"] }
  - { name: excused, region: us-east, uplink: 10 Mbit/s, mayFail: true, exec: [sh, -c, exit 3] }
  - { name: failed, region: us-east, uplink: 10 Mbit/s, exec: [sh, -c, exit 4] }
`;
const TOLD = `#!/bin/sh
echo "told: $1"
echo "other: $OTHER"
echo "hosts: $MESHBEAT_HOSTS"
echo "found: $(getent hosts deaf | tr -s ' ')"
echo "named: $(hostname)"
echo "alone: $(ls -d /proc/[0-9]* | wc -l)"
echo "secret: \${SECRET-none}"
echo "home: $([ "$HOME" = "$PWD" ] && touch here && ls)"
echo shared >"$MESHBEAT_SHARED/word"
sleep 100
`;

const folder = scratchFolder();
chmodSync(folder, 0o755);

const ways: readonly [string, string | undefined, (folder: string) => Place][] = [
  ['of who runs the tests', netns(), ownPlace],
  ['of an ordinary user', all(netns(), root(), userNamespaces()), nobodysPlace],
];
for (const [whose, obstacle, arrange] of ways) {
  describeIf(obstacle, `programs in a run ${whose}`, () => {
    let place: Place;
    let directory: string;
    let summary: ProgramsSummary;
    let lines: readonly TraceProgram[];
    const logOf = (name: string) => readFileSync(join(directory, 'programs', `${name}.log`), 'utf8');

    beforeAll(async () => {
      place = arrange(mkdtempSync(join(folder, 'run-')));
      const scenario = join(folder, 'cell.yaml');
      writeFileSync(scenario, SCENARIO);
      writeFileSync(join(folder, 'told.sh'), TOLD, { mode: 0o755 });
      const words = ['run', scenario, '--fabric', 'netns', '--out', place.out, '--json'];
      const env = { TMPDIR: place.temporary, SECRET: 'sesame' };
      const { status, stdout } = await start([...place.command, ...words], { env }).ended;
      expect(status).toBe(1); // One of them has failed.
      directory = newestRun(place.out);
      summary = JSON.parse(stdout) as ProgramsSummary;
      lines = readJsonLines<TraceHeader | TraceProgram>(join(directory, 'trace.jsonl')).flatMap((line) =>
        line.type === 'program' ? [line] : [],
      );
    });

    test('a program is told who and where it is, and nothing of our environment', () => {
      const told = logOf('told');
      for (const line of [
        'told: told 10.77.0.1 0 {other}',
        'other: 10.77.0.3',
        'hosts: told deaf mortal loud done excused failed',
        'found: 10.77.0.2 deaf',
        'named: told',
        'secret: none',
        'home: here',
      ])
        expect(told).toContain(`${line}\n`);
      // The first process, the script, the shell of the substitution and what it runs.
      expect(Number(/alone: (\d+)/.exec(told)?.[1])).toBeLessThanOrEqual(5);
    });

    test('how each ended is in the trace, the summary and the gate', () => {
      const ends = summary.programs.map(({ name, stopped, status }) => [name, stopped, status]);
      expect(ends).toEqual([
        ['told', true, 143],
        ['deaf', true, 137],
        ['mortal', true, 143],
        ['loud', true, 143],
        ['done', false, 0],
        ['excused', false, 3],
        ['failed', false, 4],
      ]);
      expect(summary.gate.verdict).toBe('invalid');
      const failures = summary.gate.checks
        .filter(({ ok }) => !ok)
        .map(({ name, measured }) => [name, measured]);
      expect(failures).toContainEqual(['programs that failed (failed)', 1]);
      expect(lines.find(({ node }) => node === 'told')).toMatchObject({
        kind: 'talk',
        address: '10.77.0.1',
        exec: [join(folder, 'told.sh'), 'told 10.77.0.1 0 {other}'],
      });
    });

    test('a host that crashes loses its program, which starts anew and finds its folder', () => {
      expect(
        lines.filter(({ node }) => node === 'mortal').map(({ stopped, status }) => [stopped, status]),
      ).toEqual([
        [true, 137],
        [true, 143],
      ]);
      expect(logOf('mortal')).toContain('again\nagain\nagain\n');
    });

    test('who says too much is cut short, and no folder is left', () => {
      const { size } = statSync(join(directory, 'programs', 'loud.log'));
      expect(size).toBeGreaterThan(1024 * 1024);
      expect(size).toBeLessThan(1024 * 1024 + 100);
      expect(readdirSync(place.temporary)).toEqual([]);
    });
  });
}

describeIf(netns(), 'programs that can not be run', () => {
  test('are named before anything is built', async () => {
    const scenario = join(folder, 'wrong.yaml');
    writeFileSync(scenario, SCENARIO.replace('exec: ["true"]', 'exec: [no-such-program]'));
    const { status, stderr } = await meshbeat('run', scenario, '--out', join(folder, 'none'));
    expect(status).toBe(2);
    expect(stderr).toContain(
      'wrong.yaml:18: nodes.4.exec.0: found "no-such-program", which is not installed; allowed: a program in PATH',
    );
    const threads = await meshbeat('run', scenario, '--fabric', 'threads', '--out', join(folder, 'none'));
    expect(threads.status).toBe(2);
    expect(threads.stderr).toContain(
      'nodes.0.exec: found a program; allowed: nodes that train only, on the fabric threads',
    );
  });
});
