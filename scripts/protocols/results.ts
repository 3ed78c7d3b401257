/** What is kept of a run for the page: docs/protocols.json has it, by name of the scenario. */
import { z } from 'zod';
import { runSummarySchema } from '../../src/run/files.js';

export const resultSchema = runSummarySchema
  .pick({
    fabric: true,
    rounds: true,
    nodes: true,
    heartbeat: true,
    expected: true,
    training: true,
    utilization: true,
    capture: true,
  })
  .extend({
    gate: z.object({
      verdict: z.enum(['valid', 'invalid']),
      failed: z.array(z.string()).describe('Checks that failed.'),
    }),
    payload: z
      .object({ expected: z.number(), measured: z.number() })
      .nullable()
      .describe('TCP payload, bytes: of all messages by the schedules, and as captured.'),
    durationSeconds: z.number().describe('From the first packet to the last.'),
    connections: z.object({
      tcp: z.int().min(0).describe('TCP connections in the capture.'),
      mostPerPair: z.int().min(0).describe('Most TCP connections between two hosts.'),
      udp: z.int().min(0).describe('UDP flows in the capture.'),
    }),
  });

export type Result = z.output<typeof resultSchema>;

export const resultsSchema = z.record(z.string(), resultSchema);

export type Results = z.output<typeof resultsSchema>;
