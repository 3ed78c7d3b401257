/** Events as text: what is written reads back, what is wrong is refused with what would be right. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatEvent, type ScenarioEvent } from '../../../src/scenario/events/event.js';
import { EventError, parseEvent } from '../../../src/scenario/events/parse.js';
import { parseScenario, scenarioToYaml } from '../../../src/scenario/index.js';
import { EXAMPLE, refusal } from '../example.js';
import { anyEvent } from './arbitraries.js';

it.each<[string, ScenarioEvent]>([
  [
    'at 20s partition [us-east] | [eu-west, us-west]',
    { kind: 'partition', at: 20, groups: [['us-east'], ['eu-west', 'us-west']] },
  ],
  ['at 20 s partition a|b | [c]', { kind: 'partition', at: 20, groups: [['a'], ['b'], ['c']] }],
  ['at 30s heal', { kind: 'heal', at: 30, groups: [] }],
  ['at 0.5 min heal [a] | [b]', { kind: 'heal', at: 30, groups: [['a'], ['b']] }],
  [
    'from 10s to 30 s flap us-east--eu-west every 2s',
    { kind: 'flap', from: 10, to: 30, pair: ['us-east', 'eu-west'], every: 2 },
  ],
  [
    'at 40s set us-east.uplink 10 Mbit/s',
    { kind: 'set-link', at: 40, name: 'us-east', property: 'uplink', value: 1e7 },
  ],
  [
    'at 1500 ms set a--b.delay 90ms',
    { kind: 'set-path', at: 1.5, pair: ['a', 'b'], property: 'delay', value: 0.09 },
  ],
  [
    'at 1 s set a--b.loss 0.1 %',
    { kind: 'set-path', at: 1, pair: ['a', 'b'], property: 'loss', value: 0.001 },
  ],
  ['at 1 s set a--b.loss 0.5', { kind: 'set-path', at: 1, pair: ['a', 'b'], property: 'loss', value: 0.5 }],
  ['at 15s crash us-west for 5s', { kind: 'crash', at: 15, names: ['us-west'], outage: 5 }],
  [
    'from 10s to 60s churn [us-east, us-west] every 10s for 2s',
    { kind: 'churn', from: 10, to: 60, names: ['us-east', 'us-west'], every: 10, outage: 2 },
  ],
])('reads %s', (text, event) => {
  expect(parseEvent(text)).toEqual(event);
});

it('reads back what it writes', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      expect(parseEvent(formatEvent(event))).toEqual(event);
    }),
    { numRuns: 1000 },
  );
});

it('answers anything with an event or an EventError', () => {
  const words = fc.constantFrom(
    'at',
    'from',
    'to',
    '20 s',
    '20',
    's',
    'heal',
    'set',
    'a.uplink',
    '[',
    ']',
    '|',
    ',',
    'a',
    'a--b',
  );
  const lines = fc.oneof(
    fc.string(),
    fc.array(words).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(lines, (text) => {
      try {
        parseEvent(text);
      } catch (error) {
        expect(error).toBeInstanceOf(EventError);
        expect((error as EventError).message).toMatch(/^allowed: where /);
      }
    }),
    { numRuns: 1000 },
  );
});

const withEvent = (event: string): string =>
  `${EXAMPLE}events:\n  - at 1 s set us-east.uplink 1 Mbit/s\n  - ${event}\n`;

it.each([
  [
    'at 20s partion [us-east] | [eu-west]',
    /example\.yaml:15: events\.1: found "at 20s partion .*where "partion" stands, .*did you mean partition\?/,
  ],
  [
    'at 20s flap us-east--eu-west every 2s',
    /where "flap" stands, partition, heal, set, crash; "from … to …" goes with flap/,
  ],
  ['at soon heal', /where "soon" stands, a time, e\.g\. "20 s"/],
  ['at 20 s partition [us-east]', /where it ends, "\|"/],
  ['at 20 s partition [us-east | [eu-west]', /where "\|" stands, "," or "\]"/],
  ['at 20 s heal now', /where it ends, "\|"/],
  [
    'at 20 s set us-east.uplnk 1 Mbit/s',
    /us-east\.uplink, us-east\.downlink \(did you mean us-east\.uplink\?\)/,
  ],
  [
    'at 20 s set us-east--eu-west.uplink 1 Mbit/s',
    /a pair A--B has delay, jitter, loss, duplicate, reorder, corrupt/,
  ],
  ['at 20 s set us-east.uplink 10 ms', /where "10" stands, a rate, e\.g\. "10 Mbit\/s"/],
  [
    'at 20 s partition [us-est] | [eu-west]\n  - at 21 s heal',
    /instead of us-est, a region or node: us-east, eu-west \(did you mean us-east\?\)/,
  ],
  [
    'at 20 s partition [us-east] | [eu-west, us-east]\n  - at 21 s heal',
    /groups that have nobody in common; us-east would be in two/,
  ],
  ['at 20 s partition [us-east] | [eu-west]', /a partition of training nodes with a heal after it/],
  ['from 5 s to 6 s flap us-east--eu-west every 2 s', /an end at least 2 s after the start/],
  ['from 5 s to 9 s flap us-east--us-east every 2 s', /two different regions or nodes/],
  ['from 0 s to 9999999 s flap us-east--eu-west every 1 ms', /changes in all; allowed: 10000 at most/],
  ['at 5 s set us-east--eu-west.jitter 80 ms', /ms more delay, or less jitter/],
  ['at 5 s crash us-east for 0 s', /where "0" stands, a time above 0/],
])('refuses %s', (event, message) => {
  expect(refusal(withEvent(event))).toMatch(message);
});

it('what only packets can suffer is refused on threads', () => {
  const text = withEvent('at 2 s set us-east--eu-west.reorder 1 %');
  expect(refusal(text, { fabric: 'threads' })).toMatch(/events\.1: .*delay, jitter and loss on threads/);
  expect(() => parseScenario(text, 'example.yaml', { fabric: 'netns' })).not.toThrow();
});

it('nodes crash where they can be started anew, and nowhere else', () => {
  const crash = withEvent('at 5 s crash us-east for 1 s');
  expect(() => parseScenario(crash, 'example.yaml', { fabric: 'netns' })).not.toThrow();
  expect(refusal(crash, { fabric: 'threads' })).toMatch(/neither crash nor churn on threads/);
  expect(refusal(crash, { fabric: 'containers' })).toMatch(/neither crash nor churn with nodes that join/);
  expect(refusal(crash, { sets: ['persona=prime'] })).toMatch(
    /or of nodes too with persona none; us-east would be/,
  );
  expect(refusal(crash, { sets: ['protocol.overlap=eager'] })).toMatch(
    /or of nodes too with protocol\.kind ddp, or diloco without overlap/,
  );
  expect(
    refusal(
      withEvent('from 1 s to 9 s churn [us-east] every 2 s for 1 s\n  - at 3.5 s crash us-east for 1 s'),
    ),
  ).toMatch(/crash of hosts that are there; us-east is down at 3\.5 s by events\.1/);
});

it('a scenario that is written down has its events', () => {
  const text = withEvent('at 2 s set us-east--eu-west.delay 90ms');
  const scenario = parseScenario(text, 'example.yaml');
  const written = scenarioToYaml(scenario);
  expect(written).toContain('- at 2 s set us-east--eu-west.delay 90 ms');
  expect(parseScenario(written, 'written.yaml').events).toEqual(scenario.events);
});
