/**
 * Wrong input to `meshbeat run`: exit status 2, one message that names the place, what was found and what is
 * allowed, nothing on standard output, and nothing begun.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/files.js';
import { meshbeat, MESHBEAT, start, TINY, type Ended } from '../support/meshbeat.js';
import { root } from '../support/needs.js';
import { describeIf } from '../support/requires.js';

const folder = scratchFolder();
const out = join(folder, 'runs');
const tiny = readFileSync(TINY, 'utf8');

function expectRefusal({ status, stdout, stderr }: Ended): void {
  expect(status, stderr).toBe(2);
  expect(stdout).toBe('');
  expect(existsSync(out)).toBe(false);
  expect(stderr).not.toContain('at async');
}

interface Mistake {
  readonly what: string;
  /** What of the scenario is replaced, and by what; the mistake is in the line that then has the marker. */
  readonly right: string | RegExp;
  readonly wrong: string;
  readonly marker: string;
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

const mistakes: readonly Mistake[] = [
  {
    what: 'an unknown key',
    ...{ right: 'rounds: 4', wrong: 'rounds: 4\nround: 5', marker: 'round: 5' },
    ...{ path: 'round', found: 'an unknown key', allowed: 'did you mean rounds?' },
  },
  {
    what: 'a wrong unit',
    ...{ right: 'pace: 200 ms', wrong: 'pace: 200 kg', marker: 'pace:' },
    ...{ path: 'pace', found: '"200 kg"', allowed: 'a time above 0 with a unit' },
  },
  {
    what: 'a rate of 0',
    ...{ right: '20 Mbit/s', wrong: '0 Mbit/s', marker: 'us-east' },
    ...{ path: 'nodes.0.uplink', found: '"0 Mbit/s"', allowed: 'a rate above 0 with a unit' },
  },
  {
    what: 'a region without a delay',
    ...{ right: 'us-west', wrong: 'atlantis', marker: 'atlantis' },
    ...{ path: 'nodes.1.region', found: '"atlantis"', allowed: 'regions.delays "us-east--atlantis: 20 ms"' },
  },
  {
    what: 'one node',
    ...{ right: /.*us-west.*\n.*eu-west.*\n/, wrong: '', marker: 'nodes:' },
    ...{ path: 'nodes', found: '1 node', allowed: '2 to 1024 nodes' },
  },
  {
    what: 'H = 0',
    ...{ right: 'innerSteps: 2', wrong: 'innerSteps: 0', marker: 'innerSteps' },
    ...{ path: 'protocol.innerSteps', found: '0', allowed: 'an integer from 1' },
  },
];

describe('a scenario file with a mistake', () => {
  test.each(mistakes)('$what', async ({ what, right, wrong, marker, path, found, allowed }) => {
    const text = tiny.replace(right, wrong);
    expect(text).not.toBe(tiny);
    const file = join(folder, `${what}.yaml`);
    writeFileSync(file, text);
    const line = text.split('\n').findIndex((content) => content.includes(marker)) + 1;
    const ended = await meshbeat('run', file, '--out', out);
    expectRefusal(ended);
    expect(ended.stderr).toMatch(new RegExp(`^meshbeat: .*: ${path}: found .*; allowed: .*\n$`));
    expect(ended.stderr).toContain(`${file}:${line}: ${path}: found ${found}`);
    expect(ended.stderr.slice(ended.stderr.indexOf('allowed:'))).toContain(allowed);
  });

  test('not YAML', async () => {
    const file = join(folder, 'syntax.yaml');
    writeFileSync(file, tiny.replace('rounds: 4', 'rounds: [4'));
    const ended = await meshbeat('run', file, '--out', out);
    expectRefusal(ended);
    // The parser notices in the line after the bracket that is never closed.
    const line = tiny.split('\n').indexOf('rounds: 4') + 2;
    expect(ended.stderr).toMatch(new RegExp(`^meshbeat: ${file}:${line}:\\d+: .*allowed: valid YAML`));
  });
});

describe('a command line with a mistake', () => {
  test.each([
    [
      'a missing file',
      [join(folder, 'none.yaml')],
      /none\.yaml: found no such file; allowed: a scenario file/,
    ],
    ['a folder for a file', [folder], /found a directory; allowed: a scenario file/],
    [
      '--set of an unknown path',
      [TINY, '--set', 'rounds.x=1'],
      /^meshbeat: --set rounds\.x=1: rounds\.x: found no such path; allowed/,
    ],
    [
      '--set of a wrong value',
      [TINY, '--set', 'rounds=none'],
      /^meshbeat: --set rounds=none: rounds: found "none"; allowed: an integer/,
    ],
    [
      'an unknown fabric',
      [TINY, '--fabric', 'bogus'],
      /'bogus' is invalid\. Allowed choices are auto, netns, threads/,
    ],
    ['an unknown option', [TINY, '--bogus'], /unknown option '--bogus'/],
    [
      'a port out of range',
      [TINY, '--metrics', '65536'],
      /--metrics: found "65536"; allowed: a whole number from 1 to 65535/,
    ],
    ['a seed that is none', [TINY, '--seed', 'x'], /--seed: found "x"; allowed: a whole number/],
    ['no scenario', [], /missing required argument 'scenario'/],
  ])('%s', async (_, words, message) => {
    const ended = await meshbeat('run', ...words, '--out', out);
    expectRefusal(ended);
    expect(ended.stderr).toMatch(message);
  });
});

describeIf(root(), 'a machine without a TUN device', () => {
  // An empty /dev/net, seen by this command alone.
  const without = [
    'unshare',
    '--mount',
    '--',
    'sh',
    '-c',
    'mount -t tmpfs tmpfs /dev/net && exec "$@"',
    'sh',
  ];

  test('--fabric netns says what is missing', async () => {
    const ended = await start([...without, ...MESHBEAT, 'run', TINY, '--fabric', 'netns', '--out', out])
      .ended;
    expectRefusal(ended);
    expect(ended.stderr).toMatch(
      /^meshbeat: --fabric: found netns, .* needs the device \/dev\/net\/tun .*allowed here: threads/,
    );
  });
});
