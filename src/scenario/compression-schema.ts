/** What a scenario file may say of how exchanged tensors are compressed: part of schema.ts. */
import { z } from 'zod';
import { positiveInteger } from './schema-parts.js';

const rounding = z
  .enum(['nearest', 'stochastic'])
  .default('nearest')
  .describe('stochastic: up or down at random, so that the mean is right.');
const feedback = z
  .boolean()
  .default(false)
  .describe('Error feedback: what rounding left out is added the next time.');
const block = positiveInteger(65_536).default(64).describe('Elements that share a scale.');

/** Keeps every element, in fewer bits. */
const denseCompressions = [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('float16'), errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('bfloat16'), errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('int8'), rounding, errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('int8-blockwise'), block, rounding, errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('e3m0'), block, rounding, errorFeedback: feedback }),
] as const;

/** Keeps a few elements of each chunk; what is left out is always remembered. */
const sparseCompressions = [
  z.strictObject({
    kind: z.literal('top-k'),
    chunk: positiveInteger(4096).default(4096).describe('Elements of a chunk; their places take 12 bits.'),
    keep: positiveInteger(4096).default(64).describe('Elements kept of each chunk.'),
    decay: z.number().min(0).max(1).default(0.95).describe('Share of the residual that is kept each round.'),
  }),
  z.strictObject({
    kind: z.literal('dct-sign'),
    chunk: positiveInteger(4096)
      .refine((size) => Number.isInteger(Math.log2(size)), {
        error: 'allowed: a power of two, from 1 to 4096',
      })
      .default(64)
      .describe('Elements that are transformed at once: a power of two.'),
    keep: positiveInteger(4096).default(8).describe('Coefficients kept of each chunk.'),
    decay: z.number().min(0).max(1).default(0.999).describe('Share of the residual that is kept each round.'),
  }),
] as const;

export const denseCompressionSchema = z.discriminatedUnion('kind', denseCompressions);
export const sparseCompressionSchema = z.discriminatedUnion('kind', sparseCompressions);
export const compressionSchema = z.discriminatedUnion('kind', [...denseCompressions, ...sparseCompressions]);

export type CompressionSettings = z.output<typeof compressionSchema>;
export type DenseCompressionSettings = z.output<typeof denseCompressionSchema>;
