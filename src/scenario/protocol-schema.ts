/**
 * What a scenario file may say of its protocol: a kind, and the parameters of that kind. Part of schema.ts.
 *
 * What the kinds do is in orchestrator/schedules, what they have in common is spread into them here, so that each
 * reads as the map that a person writes.
 */
import { z } from 'zod';
import { compressionSchema, denseCompressionSchema } from './compression-schema.js';
import { positiveInteger } from './schema-parts.js';
import { bytes, rate } from './units.js';
import { region } from './weather-schema.js';

const sliceError = 'allowed: from 256 B to 64 MiB, e.g. "64 KiB"';
const slice = bytes.refine((size) => size >= 256 && size <= 64 * 2 ** 20, { error: sliceError });

export const outerSchema = z.strictObject({
  learningRate: z.number().positive().default(0.7),
  momentum: z.number().min(0).lt(1).default(0.9),
});

export const collectiveName = z
  .enum(['ring', 'butterfly', 'halving-doubling', 'parameter-server', 'hierarchical'])
  .default('ring')
  .describe('How sums are made: who sends what to whom.');

/** What all protocols that exchange slices between nodes have in common. */
const exchange = {
  slice: slice
    .default(65536)
    .describe(
      'Largest piece of a chunk sent as one message, before compression; smaller ones pipeline better.',
    ),
};
const reduction = {
  collective: collectiveName,
  compression: compressionSchema
    .default({ kind: 'none' })
    .describe('Of what nodes exchange; the sparse ones are gathered from all instead of summed on the way.'),
  ...exchange,
};
const denseReduction = { ...reduction, compression: denseCompressionSchema.default({ kind: 'none' }) };
const innerSteps = positiveInteger(100_000).describe('H: inner steps between two outer steps.');

export const dilocoSchema = z.strictObject({
  kind: z.literal('diloco'),
  innerSteps,
  outer: outerSchema.prefault({}),
  overlap: z
    .enum(['none', 'eager'])
    .default('none')
    .describe('eager: the exchange overlaps the whole next round; others\u2019 part comes one round late.'),
  ...reduction,
});

export const ddpSchema = z.strictObject({ kind: z.literal('ddp'), ...reduction });

export const streamingSchema = z.strictObject({
  kind: z.literal('streaming'),
  innerSteps: innerSteps.describe('H: inner steps between two outer steps of the same fragment.'),
  fragments: positiveInteger(64).describe('P: groups of layers that are exchanged in turn.'),
  pattern: z
    .enum(['strided', 'sequential'])
    .default('strided')
    .describe('Which layers make a fragment: every P-th, or neighbours.'),
  delay: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .default(1)
    .describe('\u03c4: inner steps between the start of an exchange and the use of its result.'),
  mix: z
    .number()
    .min(0)
    .lt(1)
    .default(0.5)
    .describe('\u03b1: share of the local parameters that is kept when a result is merged.'),
  outer: outerSchema.prefault({}),
  ...denseReduction,
});

export const nolocoSchema = z.strictObject({
  kind: z.literal('noloco'),
  innerSteps,
  outer: outerSchema
    .extend({
      learningRate: z.number().positive().default(0.7),
      momentum: z.number().min(0).lt(1).default(0.5),
      pull: z.number().min(0).max(1).default(0.7).describe('\u03b3: pull towards the mean of the pair.'),
    })
    .prefault({}),
  compression: denseCompressionSchema.default({ kind: 'none' }),
  ...exchange,
});

export const objectStoreSchema = z.strictObject({
  kind: z.literal('object-store'),
  innerSteps,
  windowSteps: positiveInteger(100_000).describe(
    'Length of a window of block time, in paces: a round begins with each window and ends with it.',
  ),
  gather: positiveInteger(1023)
    .default(20)
    .describe('Peers whose objects a node downloads each round, at most.'),
  outer: outerSchema
    .extend({
      learningRate: z.number().positive().default(1),
      momentum: z.number().min(0).lt(1).default(0),
    })
    .prefault({}),
  compression: compressionSchema.default({ kind: 'top-k', chunk: 4096, keep: 64, decay: 0.95 }),
  store: z
    .strictObject({
      region: region.default('us-east').describe('Region of the object store.'),
      uplink: rate.default(1e9).describe('Rate from the store to the network.'),
      downlink: rate.default(1e9).describe('Rate from the network to the store.'),
      part: bytes
        .refine((size) => size >= 5 * 2 ** 20 && size <= 5 * 2 ** 30, {
          error: 'allowed: from 5 MiB to 5 GiB',
        })
        .default(64 * 2 ** 20)
        .describe('Objects larger than this are uploaded and downloaded in parts of this size.'),
    })
    .prefault({}),
});

export const pipelineSchema = z.strictObject({
  kind: z.literal('pipeline'),
  schedule: z.enum(['gpipe', '1f1b', 'interleaved', 'zb-h1']).default('1f1b'),
  stages: positiveInteger(64)
    .min(2)
    .describe('Nodes in a row that hold one model; nodes are a multiple of it.'),
  microbatches: positiveInteger(1024).describe('Pieces that the sequences of a step are cut into.'),
  chunks: positiveInteger(64)
    .default(1)
    .describe('Model chunks per node; above 1 with schedule "interleaved" only.'),
  innerSteps: positiveInteger(100_000)
    .default(1)
    .describe('H: steps between two exchanges of the pipelines; with 1 and no outer they average gradients.'),
  outer: outerSchema
    .optional()
    .describe('DiLoCo between pipelines. Absent: their gradients are averaged in every step.'),
  activations: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('none') }),
      z.strictObject({ kind: z.literal('int8') }),
      z.strictObject({
        kind: z.literal('subspace'),
        rank: positiveInteger(4096).describe('Dimensions of the subspace that all stages share.'),
      }),
    ])
    .default({ kind: 'none' })
    .describe('How what stages hand to each other is compressed.'),
  ...denseReduction,
});

export const protocolSchema = z.discriminatedUnion('kind', [
  dilocoSchema,
  ddpSchema,
  streamingSchema,
  nolocoSchema,
  objectStoreSchema,
  pipelineSchema,
]);

export type Protocol = z.output<typeof protocolSchema>;
export type DilocoProtocol = z.output<typeof dilocoSchema>;
export type DdpProtocol = z.output<typeof ddpSchema>;
export type StreamingProtocol = z.output<typeof streamingSchema>;
export type NolocoProtocol = z.output<typeof nolocoSchema>;
export type ObjectStoreProtocol = z.output<typeof objectStoreSchema>;
export type PipelineProtocol = z.output<typeof pipelineSchema>;
export type CollectiveName = z.output<typeof collectiveName>;
