/**
 * What a scenario file may say of weather, of queues that paths share, and of rates that vary: the part of schema.ts
 * that describes the network's ill behaviour. What the values mean is in weather.ts and rate-trace.ts.
 *
 * Simple weather has a short form ("2 ms", "0.1 %"), which is also how it is written; other weather is a map with a
 * `kind`. Files that a scenario names are not read here: their values are empty until load.ts has filled them in.
 */
import { z } from 'zod';
import { BOTH_WAYS_FORM, PAIR_FORM } from './pair.js';
import { text } from './schema-parts.js';
import {
  duration,
  positiveDuration,
  probability,
  probabilityError,
  queueLimit,
  rate,
  rateError,
  share,
} from './units.js';

/** Like a name, and with single hyphens only, since "--" separates the two regions of a pair. */
export const region = text(
  /^(?=.{1,31}$)[a-z0-9]+(?:-[a-z0-9]+)*$/,
  'allowed: a region, 1 to 31 of a-z, 0-9 and single - between them',
);

export const pair = text(
  PAIR_FORM,
  'allowed: a pair of regions, e.g. "us-east--eu-west", or "us-east->eu-west" for one way',
);

const bothWays = text(BOTH_WAYS_FORM, 'allowed: a pair of regions, e.g. "us-east--eu-west"');

const file = text(
  /^[^\0]{1,1000}$/,
  'allowed: the name of a text file, relative to the folder of the scenario',
);

const jitterError =
  'allowed: a time of at least 0 with a unit, e.g. "2 ms", or a map with kind uniform, normal, pareto or trace';

/** "2 ms" ⇄ uniform; "0 s" ⇄ none. */
const plainJitter = z.codec(
  duration,
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('uniform'), halfWidth: z.number() }),
  ]),
  {
    decode: (halfWidth) =>
      halfWidth === 0 ? { kind: 'none' as const } : { kind: 'uniform' as const, halfWidth },
    encode: (jitter) => (jitter.kind === 'none' ? 0 : jitter.halfWidth),
  },
);

const deviation = positiveDuration.describe('Standard deviation of the variation.');

/** `{ kind: trace, file }` ⇄ the same with the file's variations, which are still to be read. */
const traceJitter = z.codec(
  z.strictObject({
    kind: z.literal('trace'),
    file: file.describe('Text file of variations of the delay: a number of milliseconds in each line.'),
  }),
  z.strictObject({ kind: z.literal('trace'), file: z.string(), variations: z.array(z.number()) }),
  {
    decode: (jitter) => ({ ...jitter, variations: [] }),
    encode: ({ kind, file }) => ({ kind, file }),
  },
);

export const jitterKinds = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('uniform'),
    halfWidth: positiveDuration.describe('Largest variation; written as a time alone.'),
  }),
  z.strictObject({ kind: z.literal('normal'), deviation }),
  z.strictObject({ kind: z.literal('pareto'), deviation }),
  traceJitter,
]);

export const jitterSchema = z.union([plainJitter, jitterKinds], { error: jitterError });

const lossError = `${probabilityError}, or a map with kind bernoulli or gilbert-elliott`;

/** "0.1 %" ⇄ Bernoulli. */
const plainLoss = z.codec(
  probability,
  z.strictObject({ kind: z.literal('bernoulli'), probability: z.number() }),
  {
    decode: (one) => ({ kind: 'bernoulli' as const, probability: one }),
    encode: (loss) => loss.probability,
  },
);

const gilbertElliott = z.strictObject({
  kind: z.literal('gilbert-elliott'),
  p: share.describe('Probability, before each packet, that a good path becomes bad.'),
  r: share
    .refine((value) => value > 0, { error: 'allowed: above 0 %, or a path that became bad would stay so' })
    .describe('Probability, before each packet, that a bad path becomes good: bursts last 1/r packets.'),
  lossGood: share.default(0).describe('Loss while the path is good: 1-k of the literature.'),
  lossBad: share.default(1).describe('Loss while the path is bad: 1-h of the literature.'),
});

export const lossKinds = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('bernoulli'),
    probability: probability.describe('Loss of each packet by itself; written as a probability alone.'),
  }),
  gilbertElliott,
]);

export const lossSchema = z.union([plainLoss, lossKinds], { error: lossError });

const jitter = jitterSchema.describe(
  'How the one-way delay varies: the half-width of a uniform variation, or a map. Order is kept.',
);
const loss = lossSchema.describe(
  'Loss of packets on each path: the probability of independent loss, or a map.',
);
const duplicate = probability.describe('Probability that a packet arrives twice.');
const reorder = probability.describe(
  'Probability that a packet spends no time on the path, and so overtakes those before it.',
);
const corrupt = probability.describe('Probability that one bit of what a packet carries arrives flipped.');

/** Of the whole mesh, under `wan`. */
export const weatherShape = {
  jitter: jitter.default({ kind: 'none' }),
  loss: loss.default({ kind: 'bernoulli', probability: 0 }),
  duplicate: duplicate.default(0),
  reorder: reorder.default(0),
  corrupt: corrupt.default(0),
};

/** Of the paths between two regions, in place of what `wan` says. */
export const regionalWeatherSchema = z.strictObject({
  jitter: jitter.optional(),
  loss: loss.optional(),
  duplicate: duplicate.optional(),
  reorder: reorder.optional(),
  corrupt: corrupt.optional(),
});

export const bottleneckSchema = z.strictObject({
  name: text(
    /^[a-z0-9][a-z0-9-]{0,30}$/,
    'allowed: a name of 1 to 31 of a-z, 0-9 and -, not starting with -',
  ).describe('Name of the shared queue.'),
  region: region.optional().describe('All that leaves this region shares it, and all that enters it.'),
  between: bothWays
    .optional()
    .describe('Instead of region: all traffic from one of two regions to the other shares it, each way.'),
  rate: rate.describe('Rate of each direction.'),
  queue: queueLimit.optional().describe('Drop-tail limit; default: wan.queue.'),
});

const linkError = `${rateError}, or a map with trace, the name of a file in mahimahi's format`;

/** "40 Mbit/s" ⇄ bit/s; `{ trace: FILE }` ⇄ a trace, which is still to be read. */
export const linkRate = z.union(
  [
    rate,
    z.codec(
      z.strictObject({
        trace: file.describe('File in the format of mahimahi: the instants at which 1500 bytes may leave.'),
      }),
      z.strictObject({ file: z.string(), opportunities: z.array(z.number()) }),
      {
        decode: ({ trace }) => ({ file: trace, opportunities: [] }),
        encode: (trace) => ({ trace: trace.file }),
      },
    ),
  ],
  { error: linkError },
);
