/**
 * All patterns there are, in the order in which they are shown.
 *
 * A new one is a file of its own and a line here; test/detection/patterns/compliance.test.ts then holds it to what all
 * of them promise.
 */
import { baywatch } from './baywatch.js';
import { dispersionGraph } from './dispersion-graph.js';
import { eventPattern } from './event-pattern.js';
import type { EventTest } from './event-pattern.js';
import { fisherMinute, fisherScaled } from './fisher.js';
import { jitterNear, jitterVariation } from './jitter.js';
import { lombScargleStarts, lombScargleValues } from './lomb-scargle.js';
import { longConnection } from './long-connection.js';
import { ndpi } from './ndpi.js';
import type { EventKind, Pattern } from './pattern.js';
import { rita } from './rita.js';
import { fastnetmon, lowVolume } from './volume.js';
import { walker } from './walker.js';

export const eventTests: readonly EventTest[] = [
  rita,
  fisherMinute,
  fisherScaled,
  walker,
  lombScargleStarts,
  lombScargleValues,
  baywatch,
  jitterVariation,
  jitterNear,
];

const kinds: readonly EventKind[] = ['connections', 'records', 'bursts', 'day'];

export const patterns: readonly Pattern[] = [
  ...kinds.flatMap((kind) => [
    ...eventTests.filter((test) => test.kinds.includes(kind)).map((test) => eventPattern(test, kind)),
    ...(kind === 'connections' ? [longConnection] : []),
  ]),
  fastnetmon,
  lowVolume,
  dispersionGraph,
  ndpi,
];
