/**
 * trace.jsonl, the ground truth of a run: what each node played, and when. One JSON object per line, a header
 * first and then operations, in the order in which nodes finished their rounds; what ran beside them comes last.
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
    hosts: z
      .array(
        z.object({
          name: z.string().describe('Name of the host.'),
          address: z.ipv4().describe('On the shaped network.'),
          kind: text('Of a program: what its traffic is; absent of an object store.').optional(),
        }),
      )
      .optional()
      .describe('Others on the shaped network: an object store, programs; absent where there are none.'),
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
  stream: text('compute, send:PEER, recv:PEER, put or get:OWNER; operations of one stream never overlap.'),
  start: quantity("When it started: seconds since the trace's origin."),
  end: quantity("When it ended: seconds since the trace's origin."),
});

const workSchema = playedSchema
  .extend({
    kind: z
      .enum(['compute', 'stage', 'compress', 'aggregate', 'outer', 'wait'])
      .describe(
        'Inner steps; work on a microbatch of a pipeline stage; compressing, or summing what others compressed; the optimizer update on the reduced buffer; a rest.',
      ),
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

const objectSchema = playedSchema
  .extend({
    kind: z
      .enum(['put', 'get'])
      .describe('Until it was stored; or from when it was asked for until it was here.'),
    owner: count('Rank whose object it is.'),
    bytes: count('Size of the object, bytes.'),
  })
  .describe('An object, put into the object store or got from it.');

const traceOperationSchema = z.discriminatedUnion('kind', [workSchema, transferSchema, objectSchema]);

type Work = Document<typeof workSchema>;
type Transfer = Document<typeof transferSchema>;
type ObjectTransfer = Document<typeof objectSchema>;

/** One operation as it was played. Seconds since the origin. `peer`, `owner` and `bytes` belong to transfers. */
export interface TraceOperation
  extends Omit<Work, 'kind'>, Partial<Pick<Transfer, 'peer' | 'bytes'> & Pick<ObjectTransfer, 'owner'>> {
  readonly kind: Work['kind'] | Transfer['kind'] | ObjectTransfer['kind'];
}

const traceControlSchema = z
  .object({
    type: z.literal('control'),
    node: nodeName,
    rank,
    kind: z
      .enum(['heartbeat', 'remark', 'probe', 'download'])
      .describe('At regular intervals; when training comes to a certain point; before training.'),
    habit: text('Name of the habit of the persona: docs/personas.md tells what each is.'),
    peer: count('Rank it was said to.'),
    exchanges: count('Messages sent; transfers, of a probe or a download.'),
    sentBytes: count('Payload of TCP or UDP that was sent, bytes.'),
    receivedBytes: count('Payload of the answers, bytes.'),
    start: quantity("When the first was sent: seconds since the trace's origin."),
    end: quantity("When the last was sent, or the last transfer ended: seconds since the trace's origin."),
  })
  .describe('What a node said to a peer by one habit of the persona, in the whole run.');

export type TraceControl = Document<typeof traceControlSchema>;

const traceProgramSchema = z
  .object({
    type: z.literal('program'),
    node: nodeName,
    address: z.ipv4().describe('On the shaped network: all its traffic is from and to there.'),
    kind: text("What the program's traffic is, as the scenario calls it."),
    exec: z.array(z.string()).describe('The program and its arguments, as it was started.'),
    start: quantity("When it was started: seconds since the trace's origin."),
    end: quantity("When it had ended: seconds since the trace's origin."),
    stopped: z.boolean().describe('Whether it ran until it was stopped, rather than ending by itself.'),
    status: count('Its exit status; 128 and the number of the signal, if one ended it.'),
  })
  .describe('A program that ran at a host, once for each time it was started.');

export type TraceProgram = Document<typeof traceProgramSchema>;

const changeKindSchema = z
  .enum(['partition', 'heal', 'down', 'up', 'set', 'crash', 'return'])
  .describe('down and up are those of a flap, crash and return those of hosts.');

const position = count(
  "Position of a host: its rank, or after the ranks its place among the header's hosts.",
);
const positions = (description: string) => z.array(z.tuple([position, position])).describe(description);

const traceEventSchema = z
  .object({
    type: z.literal('event'),
    kind: changeKindSchema,
    event: text('The event of the scenario that it belongs to.'),
    planned: quantity("When it was to happen: seconds since the trace's origin."),
    time: quantity("When it was applied, everywhere: seconds since the trace's origin."),
    cut: positions('Pairs between which nothing passes from then on, in either direction.'),
    joined: positions('Pairs between which packets pass again.'),
    changed: positions('Paths, from one to the other, that have other properties from then on.'),
    hosts: z.array(position).describe('Whose access link has another rate; or who went down or came back.'),
  })
  .describe('A change of the network, as an event of the scenario has it.');

export type TraceEvent = Document<typeof traceEventSchema>;

export const eventSummarySchema = z.object({
  kind: changeKindSchema,
  event: text('The event of the scenario that it belongs to.'),
  planned: quantity('When it was to happen, seconds after time zero of the events.'),
  applied: quantity('When it was applied, seconds after time zero.')
    .nullable()
    .describe('null if it lay after the end.'),
});

export type EventSummary = Document<typeof eventSummarySchema>;

/** Any line of trace.jsonl. */
export const traceLineSchema = z.discriminatedUnion('type', [
  traceHeaderSchema,
  traceOperationSchema,
  traceControlSchema,
  traceProgramSchema,
  traceEventSchema,
]);
