/** What is kept of a run of a background scenario for the page: docs/background.json has it, by name. */
import { z } from 'zod';
import { programsSummarySchema } from '../../src/run/files.js';

const tallySchema = z.object({
  name: z.string().describe('What tshark calls the protocol.'),
  packets: z.int().min(0),
  bytes: z.int().min(0).describe('Of their frames.'),
});

export const resultSchema = programsSummarySchema
  .pick({ fabric: true, heartbeat: true, capture: true, programs: true })
  .extend({
    verdict: z.enum(['valid', 'invalid']),
    latenessP99: z.number().describe('Of shaped packets, seconds.'),
    durationSeconds: z.number().describe('From the first packet to the last.'),
    connections: z.object({
      tcp: z.int().min(0).describe('TCP connections in the capture.'),
      udp: z.int().min(0).describe('UDP flows in the capture.'),
      pairs: z.int().min(0).describe('Pairs of hosts that talk to each other.'),
    }),
    protocols: z.array(tallySchema).describe('The largest, by bytes.'),
  });

export type Result = z.output<typeof resultSchema>;

export const resultsSchema = z.record(z.string(), resultSchema);

export type Results = z.output<typeof resultsSchema>;
