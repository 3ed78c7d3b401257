/** What a scenario file may say of the model and of the inner optimizer: part of schema.ts. */
import { z } from 'zod';
import { positiveInteger } from './schema-parts.js';

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
  // Optional, so that a map without a kind is told apart as this one; it then gets the default.
  kind: z.literal('adamw').optional().default('adamw'),
  learningRate: z.number().positive().default(0.002),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.95),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.1),
});

export const innerSchema = z.discriminatedUnion('kind', [
  adamwSchema,
  z.strictObject({ kind: z.literal('sgd'), learningRate: z.number().positive().default(0.1) }),
  z.strictObject({
    kind: z.literal('sign'),
    learningRate: z
      .number()
      .positive()
      .default(0.001)
      .describe('Step of each parameter, whatever its gradient.'),
  }),
]);

export type ModelShape = z.output<typeof modelSchema>;
export type AdamwSettings = z.output<typeof adamwSchema>;
export type InnerSettings = z.output<typeof innerSchema>;
