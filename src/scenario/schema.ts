/**
 * What a scenario file may say.
 *
 * The schema has two sides. On the outside a scenario is YAML with units a person writes ("40 Mbit/s",
 * "500 ms", "0.1 %"); on the inside every quantity is a plain number in a base unit that its name or its
 * comment states: bit/s, seconds, bytes, a probability. Unknown keys are errors, for a misspelt key
 * that is silently ignored would falsify a run.
 *
 * Units are codecs, so the schema runs both ways: `parse` reads a file's values, `z.encode` writes them.
 * Defaults are therefore given as output values. A message that begins with "allowed:" completes the phrase
 * "found X; allowed: Y" (see problems.ts). What needs more than one field is checked in checks.ts.
 */
import { z } from 'zod';
import { bytes, duration, positiveDuration, probability, queueLimit, rate } from './units.js';

/** Text of one form, with one message for everything that can be wrong with it. */
const text = (form: RegExp, error: string) => z.string({ error }).regex(form, { error });

const name = text(
  /^[a-z0-9][a-z0-9-]{0,30}$/,
  'allowed: a name of 1 to 31 of a-z, 0-9 and -, not starting with -',
);

/** Like a name, and with single hyphens only, since "--" separates the two regions of a pair. */
const region = text(
  /^(?=.{1,31}$)[a-z0-9]+(?:-[a-z0-9]+)*$/,
  'allowed: a region, 1 to 31 of a-z, 0-9 and single - between them',
);

const pair = text(
  /^[a-z0-9]+(?:-[a-z0-9]+)*--[a-z0-9]+(?:-[a-z0-9]+)*$/,
  'allowed: a pair of regions, e.g. "us-east--eu-west"',
);

const sliceError = 'allowed: from 256 B to 64 MiB, e.g. "64 KiB"';
const slice = bytes.refine((size) => size >= 256 && size <= 64 * 2 ** 20, { error: sliceError });

const positiveInteger = (max: number) => z.number().int().min(1).max(max);

/** Nodes of one kind. `count` of them are named `NAME-0`, `NAME-1`, …; a single one is named `NAME`. */
export const nodeSchema = z.strictObject({
  name: name
    .optional()
    .describe('Name of the node; default: its region. With a count above 1, -0, -1, … is added.'),
  count: positiveInteger(256).default(1),
  region: region.describe('Region of the node: a preset, or one named under "regions".'),
  uplink: rate.describe('Rate from the node to the network, e.g. "40 Mbit/s".'),
  downlink: rate.optional().describe('Rate from the network to the node; default: as the uplink.'),
  genre: z.string().optional().describe('With data.shards "genres": the genre of text this node holds.'),
});

export const outerSchema = z.strictObject({
  learningRate: z.number().positive().default(0.7),
  momentum: z.number().min(0).lt(1).default(0.9),
});

export const dilocoSchema = z.strictObject({
  kind: z.literal('diloco'),
  innerSteps: positiveInteger(100_000).describe('H: inner steps between two outer steps.'),
  outer: outerSchema.prefault({}),
  slice: slice
    .default(65536)
    .describe('Largest piece of a chunk sent as one message; smaller pieces pipeline better.'),
});

export const ddpSchema = z.strictObject({
  kind: z.literal('ddp'),
  slice: slice.default(65536).describe('Largest piece of a chunk sent as one message.'),
});

export const protocolSchema = z.discriminatedUnion('kind', [dilocoSchema, ddpSchema]);

export const modelSchema = z
  .strictObject({
    layers: positiveInteger(64).default(4),
    width: positiveInteger(4096).default(128),
    heads: positiveInteger(64).default(4),
    context: positiveInteger(4096).default(32).describe('Bytes of text in one sequence.'),
  })
  .refine((model) => model.width % model.heads === 0, {
    path: ['heads'],
    error: 'allowed: a divisor of model.width',
  });

export const adamwSchema = z.strictObject({
  kind: z.literal('adamw').default('adamw'),
  learningRate: z.number().positive().default(0.002),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.95),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.1),
});

export const scenarioSchema = z.strictObject({
  name: name.describe('Name of the scenario.'),
  description: z.string().default(''),
  seed: z
    .number()
    .int()
    .min(0)
    .max(0xffffffff)
    .default(1)
    .describe('Of all randomness: the same scenario and seed give the same weights, bit for bit.'),
  rounds: positiveInteger(100_000).describe('Outer steps (for ddp: optimizer steps) to run.'),
  protocol: protocolSchema,
  pace: positiveDuration.describe('Wall-clock time of one inner step; real compute is padded to it.'),
  outerPace: positiveDuration
    .default(0.3)
    .describe('Wall-clock time of an optimizer update after a reduction; padded likewise.'),
  model: modelSchema.prefault({}),
  training: z
    .strictObject({
      batch: positiveInteger(1024).default(4).describe('Sequences per node and inner step.'),
      inner: adamwSchema.prefault({}),
    })
    .prefault({}),
  data: z
    .strictObject({
      text: z.literal('brown').default('brown').describe('The Brown corpus: 500 documents in 15 genres.'),
      shards: z
        .enum(['mixed', 'genres'])
        .default('mixed')
        .describe('mixed: documents dealt out at random; genres: each node holds one genre only.'),
    })
    .prefault({}),
  nodes: z
    .array(nodeSchema)
    .min(1, { error: 'allowed: 2 to 1024 nodes in all' })
    .max(1024, { error: 'allowed: 2 to 1024 nodes in all' })
    .describe('The nodes, in ring order: rank order is the order of this list.'),
  regions: z
    .strictObject({
      delays: z
        .record(pair, duration)
        .default({})
        .describe('One-way delay of a pair of regions, "A--B: 20 ms"; adds to or replaces the presets.'),
      local: duration.default(0.0005).describe('One-way delay between nodes of the same region.'),
    })
    .prefault({}),
  wan: z
    .strictObject({
      driver: z.enum(['tun']).default('tun'),
      jitter: duration
        .default(0)
        .describe('Half-width of a uniform variation of the one-way delay; order is kept.'),
      loss: probability.default(0).describe('Independent loss of each packet on each path.'),
      queue: queueLimit
        .default({ seconds: 0.2 })
        .describe('Drop-tail limit of each queue: a time at its rate, or bytes.'),
      mtu: z.number().int().min(576).max(9000).default(1500),
      congestion: z.enum(['cubic', 'reno', 'bbr']).default('cubic'),
      slowStartAfterIdle: z
        .boolean()
        .default(false)
        .describe('Linux default is true: TCP then forgets its window between bursts.'),
      initialWindow: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .default(10)
        .describe('Segments that a new TCP connection sends before it has heard anything; 10 as in Linux.'),
    })
    .prefault({}),
  transport: z
    .strictObject({
      tls: z
        .boolean()
        .default(true)
        .describe('Mutual TLS between nodes, with a certificate authority made for the run.'),
    })
    .prefault({}),
  capture: z
    .strictObject({
      kind: z.enum(['auto', 'tcpdump', 'shaper', 'none']).default('auto'),
      snaplen: z.number().int().min(64).max(262144).default(262144).describe('Bytes kept of each packet.'),
    })
    .prefault({}),
});

export type Scenario = z.output<typeof scenarioSchema>;
export type Protocol = Scenario['protocol'];
export type DilocoProtocol = z.output<typeof dilocoSchema>;
export type DdpProtocol = z.output<typeof ddpSchema>;
export type ModelShape = z.output<typeof modelSchema>;
export type AdamwSettings = z.output<typeof adamwSchema>;
/** Drop-tail limit of a queue: a time at the queue's own rate, or bytes. */
export type QueueLimit = Scenario['wan']['queue'];
