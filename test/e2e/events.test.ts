/**
 * Training lives through what a scenario has happen to its network: it waits, goes on, and ends with the weights that
 * it would have had. What was declared is in the trace at its instants, and does not make a run invalid.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCapture } from '../../src/capture/index.js';
import { traceLineSchema } from '../../src/run/files.js';
import { loadScenario } from '../../src/scenario/index.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { faults } from '../support/gate.js';
import { completeRun } from '../support/meshbeat.js';
import { netns } from '../support/needs.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';
import { attempt } from '../wan/measuring.js';

const NODES_CRASH = fixture('scenarios/tiny-crash.yaml');
const CRASH = fixture('scenarios/crash.yaml');
const SCENARIO = fixture('scenarios/tiny-events.yaml');
const folder = scratchFolder();

async function livesThrough(fabric: string): Promise<void> {
  let runs = 0;
  const run = () => completeRun(SCENARIO, join(folder, `${fabric}-${runs++}`), '--fabric', fabric);
  const { summary, directory } = await attempt(run, ({ summary }) => faults(summary).length === 0);
  expect(faults(summary)).toEqual([]);
  expect(summary.training).toMatchObject(await referenceOf(loadScenario(SCENARIO)));

  const lines = traceOf(directory);
  const events = lines.filter((line) => line.type === 'event');
  expect(
    events.map(({ kind, cut, joined, changed, hosts }) => ({ kind, cut, joined, changed, hosts })),
  ).toEqual([
    { kind: 'down', cut: [[0, 1]], joined: [], changed: [], hosts: [] },
    { kind: 'up', cut: [], joined: [[0, 1]], changed: [], hosts: [] },
    {
      kind: 'partition',
      cut: [
        [0, 2],
        [1, 2],
      ],
      joined: [],
      changed: [],
      hosts: [],
    },
    { kind: 'set', cut: [], joined: [], changed: [], hosts: [1] },
    {
      kind: 'set',
      cut: [],
      joined: [],
      changed: [
        [0, 1],
        [1, 0],
      ],
      hosts: [],
    },
    {
      kind: 'heal',
      cut: [],
      joined: [
        [0, 2],
        [1, 2],
      ],
      changed: [],
      hosts: [],
    },
  ]);
  expect(summary.events.map(({ kind, applied }) => [kind, applied !== null])).toEqual([
    ...events.map(({ kind }) => [kind, true]),
    ['set', false],
  ]);
  // Time zero is the first round's dispatch, and nobody across the partition got anything while it lasted.
  const operations = lines.filter((line) => line.type === 'operation');
  const zero = events[0]!.planned - 0.2;
  expect(Math.min(...operations.map(({ start }) => start)) - zero).toBeGreaterThanOrEqual(0);
  const firstRound = operations.filter(({ round }) => round === 0).map(({ end }) => end - zero);
  expect(Math.max(...firstRound)).toBeGreaterThan(3.4);
}

test('training in threads lives through events', () => livesThrough('threads'));
/** The trace of a run, line by line. */
const traceOf = (directory: string) =>
  readFileSync(join(directory, 'trace.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => traceLineSchema.parse(JSON.parse(line)));

/** When packets were seen in a run's capture, seconds since the trace's origin. */
async function packetTimes(directory: string): Promise<number[]> {
  const header = traceOf(directory).find((line) => line.type === 'header')!;
  const origin = BigInt(header.originNs);
  const times: number[] = [];
  await readCapture(join(directory, 'capture.pcapng'), ({ timestampNs }) => {
    times.push(Number(timestampNs - origin) / 1e9);
  });
  return times;
}

describeIf(netns(), 'among namespaces', () => {
  test('a host that crashes is gone with its program, and starts it anew', async () => {
    let runs = 0;
    const { summary, lines, silence } = await attempt(
      async () => {
        const out = join(folder, `crash-${runs++}`);
        const { summary, directory } = await completeRun(CRASH, out, '--fabric', 'netns');
        const lines = traceOf(directory);
        const [crash, back] = lines.filter((line) => line.type === 'event');
        const times = await packetTimes(directory);
        const [last, first] = [
          times.filter((time) => time < (crash!.time + back!.time) / 2).at(-1)! - crash!.time,
          times.find((time) => time > (crash!.time + back!.time) / 2)! - back!.time,
        ];
        return { summary, lines, silence: { last, first } };
      },
      ({ silence: { last, first } }) => Math.abs(last) < 0.05 && first > -0.05,
    );
    expect(Math.abs(silence.last)).toBeLessThan(0.05);
    expect(silence.first).toBeGreaterThan(-0.05);
    expect(summary.events.map(({ kind }) => kind)).toEqual(['crash', 'return']);
    expect(faults(summary)).toEqual([]);
    const programs = lines.filter((line) => line.type === 'program');
    const ofAnn = programs.filter(({ node }) => node === 'ann').sort((a, b) => a.start - b.start);
    expect(ofAnn.map(({ stopped, status }) => [stopped, status === 137])).toEqual([
      [true, true],
      [true, false],
    ]);
    const [crash, back] = lines.filter((line) => line.type === 'event');
    expect(ofAnn[0]!.end).toBeGreaterThanOrEqual(crash!.time);
    expect(ofAnn[1]!.start).toBeGreaterThanOrEqual(back!.time);
    expect(programs.filter(({ node }) => node === 'bob')).toHaveLength(1);
  });

  test('training lives through events', () => livesThrough('netns'));

  test('nodes that crash are started anew, and the weights are those of a run without', async () => {
    let runs = 0;
    const { summary, directory } = await attempt(
      () => completeRun(NODES_CRASH, join(folder, `nodes-${runs++}`), '--fabric', 'netns'),
      ({ summary }) => faults(summary).length === 0,
    );
    expect(faults(summary)).toEqual([]);
    expect(summary.training).toMatchObject(await referenceOf(loadScenario(NODES_CRASH)));
    const events = traceOf(directory).filter((line) => line.type === 'event');
    expect(events.map(({ kind, hosts }) => ({ kind, hosts }))).toEqual([
      { kind: 'crash', hosts: [1] },
      { kind: 'return', hosts: [1] },
      { kind: 'crash', hosts: [0, 2] },
      { kind: 'return', hosts: [0, 2] },
    ]);
  });
});
