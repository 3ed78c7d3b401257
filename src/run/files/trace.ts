/**
 * trace.jsonl, the ground truth of a run: what each node played, and when. One JSON object per line, a header
 * first and then operations, in the order in which nodes finished their rounds.
 */
import { z } from 'zod';
import { count, nodeName, quantity, rank, text, type Document } from './quantities.js';

const traceHeaderSchema = z
  .object({
    type: z.literal('header'),
    version: z.literal(1).describe('Of this format.'),
    originNs: z
      .string()
      .regex(/^\d+$/)
      .describe(
        'Zero of all times in trace.jsonl and metrics.jsonl: nanoseconds since 1970-01-01 UTC in decimal digits, on the clock that stamps the capture.',
      ),
    nodes: z
      .array(z.object({ rank, name: nodeName, address: z.ipv4().describe('On the shaped network.') }))
      .describe('All nodes, by rank.'),
  })
  .describe('The first line of trace.jsonl.');

/** First line of trace.jsonl: `time` fields of later lines count seconds from this instant. */
export type TraceHeader = Document<typeof traceHeaderSchema>;

const playedSchema = z.object({
  type: z.literal('operation'),
  node: nodeName,
  rank,
  round: count('Round of the schedule, counting from 0.'),
  id: count("Position in the node's part of that round; `meshbeat schedule --json` lists the same."),
  stream: text('compute, send:PEER or recv:PEER; operations of one stream never overlap.'),
  start: quantity("When it started: seconds since the trace's origin."),
  end: quantity("When it ended: seconds since the trace's origin."),
});

const workSchema = playedSchema
  .extend({
    kind: z
      .enum(['compute', 'outer'])
      .describe('Inner steps, or the optimizer update on the reduced buffer.'),
  })
  .describe('Work on the device, waiting for the pace included.');

const transferSchema = playedSchema
  .extend({
    kind: z
      .enum(['send', 'recv'])
      .describe('Until the stream to the peer had taken the slice; or until it was there and used.'),
    peer: count('Rank at the other end.'),
    bytes: count('Payload of the slice before any framing, bytes.'),
  })
  .describe('A slice of a tensor, sent to a peer or received from one.');

const traceOperationSchema = z.discriminatedUnion('kind', [workSchema, transferSchema]);

type Work = Document<typeof workSchema>;
type Transfer = Document<typeof transferSchema>;

/** One operation as it was played. Seconds since the origin. `peer` and `bytes` belong to transfers. */
export interface TraceOperation extends Omit<Work, 'kind'>, Partial<Pick<Transfer, 'peer' | 'bytes'>> {
  readonly kind: Work['kind'] | Transfer['kind'];
}

/** Any line of trace.jsonl. */
export const traceLineSchema = z.discriminatedUnion('type', [traceHeaderSchema, traceOperationSchema]);
