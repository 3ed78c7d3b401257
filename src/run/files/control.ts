/** Control traffic, as summary.json has it: by the nodes' own count, and as the capture saw it. */
import { z } from 'zod';
import { count, text, type Document } from './quantities.js';

const habitSchema = z
  .object({
    name: text('Name of the habit: docs/personas.md tells what each is.'),
    kind: z
      .enum(['heartbeat', 'remark', 'probe', 'download'])
      .describe('At regular intervals; when training comes to a certain point; before training.'),
    nodes: count('Nodes that had something to say by it.'),
    exchanges: count('Messages sent by all nodes; transfers, of a probe or a download.'),
    sentBytes: count('Payload of TCP or UDP that was sent, bytes.'),
    receivedBytes: count('Payload of the answers, bytes.'),
  })
  .describe('A habit of the persona, over all nodes.');

const leftOutSchema = z.object({
  name: text('Name of the habit.'),
  reason: text('Why this run is without it.'),
});

const capturedSchema = z
  .object({
    packets: count('Packets from or to a control port.'),
    bytes: count('Their frames, as `capture.bytes` counts them.'),
    tcpPayloadBytes: count('What TCP carried in them, each byte once.'),
    udpPayloadBytes: count('What UDP carried in them.'),
  })
  .describe('Control traffic in the capture.');

export const controlSummarySchema = z
  .object({
    persona: text('The persona.'),
    habits: z.array(habitSchema).describe('What the nodes counted.'),
    leftOut: z.array(leftOutSchema).describe('Habits of the persona that this run is without.'),
    captured: capturedSchema.nullable().describe('Null without a capture.'),
  })
  .describe('What nodes said besides tensors.');

export type ControlSummary = Document<typeof controlSummarySchema>;
