/** Events unrolled: in order, each down with its up, and after a heal all is as it was. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseScenario, topologyOf } from '../../../src/scenario/index.js';
import type { Change } from '../../../src/scenario/events/change.js';
import { parseEvent } from '../../../src/scenario/events/parse.js';
import { timelineOf } from '../../../src/scenario/events/timeline.js';

const topology = topologyOf(
  parseScenario(
    `name: events
rounds: 1
pace: 1 s
protocol: { kind: ddp }
nodes:
  - { region: us-east, count: 2, uplink: 40 Mbit/s }
  - { region: eu-west, uplink: 40 Mbit/s }
  - { region: us-west, name: home, uplink: 40 Mbit/s }
`,
    'events.yaml',
  ),
);
const timeline = (...lines: string[]) => timelineOf(lines.map(parseEvent), topology, 7);
const brief = ({ at, kind, cut, joined }: Change) => [at, kind, cut.join(' '), joined.join(' ')];

it('a partition cuts between groups, and nobody else; a heal joins the same', () => {
  expect(timeline('at 20 s partition [us-east] | [eu-west]', 'at 30 s heal').map(brief)).toEqual([
    [20, 'partition', '0,2 1,2', ''],
    [30, 'heal', '', '0,2 1,2'],
  ]);
});

it('a heal of groups leaves the rest cut', () => {
  const changes = timeline(
    'at 1 s partition [us-east] | [eu-west] | home',
    'at 2 s heal us-east | home',
    'at 3 s heal',
  );
  expect(changes.map(brief)).toEqual([
    [1, 'partition', '0,2 0,3 1,2 1,3 2,3', ''],
    [2, 'heal', '', '0,3 1,3'],
    [3, 'heal', '', '0,2 1,2 2,3'],
  ]);
});

it('a flap goes down and up, and is up at its end', () => {
  expect(timeline('from 1 s to 6 s flap eu-west--home every 2 s').map(brief)).toEqual([
    [1, 'down', '2,3', ''],
    [3, 'up', '', '2,3'],
    [5, 'down', '2,3', ''],
    [6, 'up', '', '2,3'],
  ]);
});

it('a heal ends a flap that goes on, not one that comes later', () => {
  const changes = timeline(
    'from 1 s to 9 s flap eu-west--home every 2 s',
    'at 2 s heal',
    'from 10 s to 12 s flap eu-west--home every 2 s',
  );
  expect(changes.map(brief)).toEqual([
    [1, 'down', '2,3', ''],
    [2, 'heal', '', '2,3'],
    [10, 'down', '2,3', ''],
    [12, 'up', '', '2,3'],
  ]);
});

it('what two have cut is joined when both let go', () => {
  const changes = timeline(
    'at 1 s partition eu-west | home',
    'from 2 s to 5 s flap eu-west--home every 2 s',
    'at 4.5 s heal',
  );
  expect(changes.map(brief)).toEqual([
    [1, 'partition', '2,3', ''],
    [2, 'down', '', ''],
    [4, 'up', '', ''],
    [4.5, 'heal', '', '2,3'],
  ]);
});

it('a crash cuts a host off, and no heal brings it back', () => {
  expect(timeline('at 1 s crash home for 5 s', 'at 2 s heal').map(brief)).toEqual([
    [1, 'crash', '0,3 1,3 2,3', ''],
    [2, 'heal', '', ''],
    [6, 'return', '', '0,3 1,3 2,3'],
  ]);
});

it('churn takes one host at a time, by lot', () => {
  const line = 'from 10 s to 1000 s churn [us-east, home] every 10 s for 2 s';
  const changes = timeline(line);
  expect(changes.map(({ at, kind }) => [at, kind]).slice(0, 4)).toEqual([
    [10, 'crash'],
    [12, 'return'],
    [20, 'crash'],
    [22, 'return'],
  ]);
  const crashed = changes.filter(({ kind }) => kind === 'crash').map(({ hosts }) => hosts.join());
  expect(new Set(crashed)).toEqual(new Set(['0', '1', '3']));
  expect(timelineOf([parseEvent(line)], topology, 7)).toEqual(changes);
  expect(timelineOf([parseEvent(line)], topology, 8)).not.toEqual(changes);
});

it('set changes one property of a path both ways, and keeps what an earlier one set', () => {
  const [, second] = timeline('at 1 s set eu-west--home.loss 1 %', 'at 2 s set eu-west--home.delay 5 ms');
  const before = topology.paths[2]![3]!;
  expect(second?.paths.map(({ from, to }) => [from, to])).toEqual([
    [2, 3],
    [3, 2],
  ]);
  expect(second?.paths[0]?.path).toEqual({
    ...before,
    loss: { kind: 'bernoulli', probability: 0.01 },
    delay: 0.005,
  });
  expect(timeline('at 1 s set us-east.downlink 1 Mbit/s')[0]?.links).toEqual([
    { host: 0, property: 'downlink', rate: 1e6 },
    { host: 1, property: 'downlink', rate: 1e6 },
  ]);
});

it('whatever is cut was whole, whatever is joined was cut, and nothing stays cut after a last heal', () => {
  const when = fc.integer({ min: 0, max: 60 });
  const who = fc.constantFrom('us-east', 'eu-west', 'home');
  const line = fc.oneof(
    fc
      .tuple(when, who, who)
      .filter(([, a, b]) => a !== b)
      .map(([at, a, b]) => `at ${at} s partition ${a} | ${b}`),
    when.map((at) => `at ${at} s heal`),
    fc
      .tuple(when, who, who)
      .filter(([, a, b]) => a !== b)
      .map(([at, a, b]) => `at ${at} s heal ${a} | ${b}`),
    fc
      .tuple(when, when, who, who, fc.integer({ min: 1, max: 9 }))
      .filter(([, length, a, b]) => a !== b && length > 0)
      .map(
        ([at, length, a, b, every]) => `from ${at} s to ${at + length} s flap ${a}--${b} every ${every} s`,
      ),
    fc
      .tuple(when, fc.integer({ min: 1, max: 9 }))
      .map(([at, outage]) => `at ${at} s crash us-west for ${outage} s`),
    fc
      .tuple(when, fc.integer({ min: 1, max: 2 }))
      .map(([at, outage]) => `from ${at} s to ${at + 30} s churn [us-east] every 3 s for ${outage} s`),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const changes = timeline(...lines, 'at 200 s heal');
      const cut = new Set<string>();
      let last = 0;
      for (const change of changes) {
        expect(change.at).toBeGreaterThanOrEqual(last);
        last = change.at;
        for (const pair of change.cut) {
          expect(cut.has(pair.join())).toBe(false);
          cut.add(pair.join());
        }
        for (const pair of change.joined) expect(cut.delete(pair.join())).toBe(true);
      }
      expect(cut.size).toBe(0);
    }),
    { numRuns: 500 },
  );
});
