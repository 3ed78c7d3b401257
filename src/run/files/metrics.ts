/**
 * metrics.jsonl: one line per node and second, from before the nodes have joined until the end. Counters are
 * since the start of the run and only grow, so a rate is the difference of two lines. Bytes are those of
 * Ethernet frames, without preamble and checksum; on the `threads` fabric they are TCP payload.
 */
import { z } from 'zod';
import { count, nodeName, quantity, rank, type Document } from './quantities.js';

export const metricsLineSchema = z
  .object({
    time: quantity("Seconds since the trace's origin."),
    node: nodeName,
    rank,
    egressBytes: count("Left the node's uplink since the start, bytes."),
    egressPackets: count("Left the node's uplink since the start, packets."),
    ingressBytes: count("Left the node's downlink since the start, bytes."),
    ingressPackets: count("Left the node's downlink since the start, packets."),
    droppedPackets: count("Found one of the node's queues full since the start, packets."),
    lostPackets: count('Lost on a path as configured, since the start, packets.'),
    queuedBytes: count("Waiting now in the node's uplink and downlink queue, bytes."),
    steps: count('Inner steps done since the start.'),
    loss: z
      .number()
      .nullable()
      .describe(
        'Training loss of the last inner step, nats per byte; null before the first, and where the node has none.',
      ),
  })
  .describe('One node in one second. Counters are since the start of the run.');

/** One line of metrics.jsonl: one node in one second. Counters are since the start of the run. */
export type MetricsLine = Document<typeof metricsLineSchema>;
