/** What is kept of the runs for the page: docs/known-patterns.json has it, by name. */
import { z } from 'zod';

const rowSchema = z.object({
  pattern: z.string(),
  title: z.string(),
  on: z.enum(['connections', 'records', 'bursts', 'day', 'hosts', 'graph', 'packets']),
  threshold: z.string().describe('Where the tool begins to fire, in words.'),
  fires: z.boolean(),
  examined: z.int().min(0).describe('Pairs, hosts or graphs with a score.'),
  firing: z.int().min(0).describe('Those of them that fire.'),
  score: z.number().nullable().describe('The strongest; null if there is none.'),
  subject: z.string().nullable().describe('Whose it is.'),
  why: z.string().describe('In words, with numbers; or why there is no score.'),
});

export type Row = z.output<typeof rowSchema>;

const viewSchema = z.object({
  packets: z.int().min(0).describe('IP packets looked at; 0 where only records were.'),
  records: z.int().min(0),
  connections: z.int().min(0),
  samplesPerBurst: z.number().nullable(),
  rows: z.array(rowSchema),
});

export const resultSchema = z.object({
  command: z.string().describe('What was run.'),
  verdict: z.enum(['valid', 'invalid']).describe("The gate's."),
  reasons: z.array(z.string()).describe('Why it is invalid.'),
  durationSeconds: z.number(),
  packets: z.int().min(0),
  bytes: z.int().min(0).describe('Of frames.'),
  heartbeat: z
    .object({
      periodSeconds: z.number(),
      periodCv: z.number(),
      burstBytesPerNode: z.number(),
      count: z.int(),
    })
    .nullable()
    .describe('What meshbeat inspect finds.'),
  views: z.record(z.string(), viewSchema),
});

export type Result = z.output<typeof resultSchema>;

export const resultsSchema = z.record(z.string(), resultSchema);

export type Results = z.output<typeof resultsSchema>;
