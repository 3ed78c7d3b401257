/** Any event, of names that a network may have. */
import fc from 'fast-check';
import type { ScenarioEvent } from '../../../src/scenario/events/event.js';

const time = fc
  .oneof(fc.integer({ min: 0, max: 1000 }), fc.double({ min: 0, max: 1e5, noNaN: true }))
  .map((value) => value + 0);
const span = time.map((value) => value + 0.001);
const name = fc.constantFrom('us-east', 'us-west', 'eu-west', 'node-0', 'a', 'b2');
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 });
const groups = fc.array(names, { minLength: 2, maxLength: 3 });
const pair = fc.tuple(name, name);
const rate = fc.double({ min: 1, max: 1e10, noNaN: true });
const probability = fc.double({ min: 0, max: 0.999, noNaN: true }).map((value) => value + 0);

export const anyEvent: fc.Arbitrary<ScenarioEvent> = fc.oneof(
  fc.record({ kind: fc.constant('partition' as const), at: time, groups }),
  fc.record({ kind: fc.constant('heal' as const), at: time, groups: fc.oneof(groups, fc.constant([])) }),
  fc.record({ kind: fc.constant('flap' as const), from: time, to: time, pair, every: span }),
  fc.record({
    kind: fc.constant('set-link' as const),
    at: time,
    name,
    property: fc.constantFrom('uplink' as const, 'downlink' as const),
    value: rate,
  }),
  fc.record({
    kind: fc.constant('set-path' as const),
    at: time,
    pair,
    property: fc.constantFrom('delay' as const, 'jitter' as const),
    value: time,
  }),
  fc.record({
    kind: fc.constant('set-path' as const),
    at: time,
    pair,
    property: fc.constantFrom('loss' as const, 'duplicate' as const, 'reorder' as const, 'corrupt' as const),
    value: probability,
  }),
  fc.record({ kind: fc.constant('crash' as const), at: time, names, outage: span }),
  fc.record({ kind: fc.constant('churn' as const), from: time, to: time, names, every: span, outage: span }),
);
