/**
 * summary.json: a run in one document, and what `meshbeat run --json` prints. `heartbeat` is measured from the
 * capture, `expected` computed from the schedule, so that the two can be held against each other; their
 * figures are defined in src/traffic/heartbeat.ts and src/simulation/expected.ts.
 */
import { z } from 'zod';
import { controlSummarySchema } from './control.js';
import { gateVerdictSchema } from './gate.js';
import { eventSummarySchema } from './trace.js';
import { captureKindSchema, count, quantity, sha256, share, text, type Document } from './quantities.js';

const heartbeatSchema = z
  .object({
    periodSeconds: quantity('Median interval between the starts of successive bursts, seconds.'),
    periodCv: quantity('Coefficient of variation of these intervals: standard deviation over mean.'),
    burstBytesPerNode: quantity(
      'Mean bytes of the frames a node sent in one burst, acknowledgements included.',
    ),
    burstSeconds: quantity('Mean length of a burst of the mesh, seconds.'),
    dutyCycle: share('Share of the time in which a burst was under way.'),
    count: count('Number of bursts.'),
  })
  .describe('The heartbeat as measured from the capture.');

/** The heartbeat as measured from packets: see src/traffic/heartbeat.ts for each figure's definition. */
export type Heartbeat = Document<typeof heartbeatSchema>;

const captureFactsSchema = z
  .object({
    file: text('Name of the file in the run directory.'),
    kind: captureKindSchema,
    packets: count('Packets in the capture.'),
    bytes: count("Sum of the packets' lengths on the wire, bytes; not the size of the file."),
  })
  .describe('The packet capture.');

export type CaptureFacts = Document<typeof captureFactsSchema>;

const observationSchema = z
  .object({
    point: text('Name of the observation point, e.g. "exchange-us-east".'),
    kind: z
      .enum(['exchange', 'isp', 'link'])
      .describe('The exchange of a region; an internet provider; the access link of one node.'),
    hosts: z.array(text('Name of a node.')).describe('Those whose packets are seen there.'),
    file: text('Its capture: name of the file in the run directory.'),
    packets: count('Packets seen there.'),
    bytes: count("Sum of these packets' lengths on the wire, bytes."),
    heartbeat: heartbeatSchema
      .nullable()
      .describe('As measured from these packets alone; null where they show no beat.'),
  })
  .describe('What one observer sees of the run.');

/** What one observer sees of a run. */
export type ObservationSummary = Document<typeof observationSchema>;

const observationsSchema = z
  .array(observationSchema)
  .describe('By observation point of the scenario; empty without points, or without a capture.');

const expectedSchema = z
  .object({
    periodSeconds: quantity('Mean time between the starts of successive bursts of a node, seconds.'),
    burstSeconds: quantity('Mean length of a burst of the mesh, seconds.'),
    burstBytesPerNode: quantity(
      'Mean bytes a node sends in a burst: Ethernet frames, acknowledgements included.',
    ),
    dutyCycle: share('Share of the time in which a burst is under way.'),
  })
  .describe('The heartbeat to expect, from the schedule alone.');

const trainingSchema = z
  .object({
    parameters: count('Parameters of the model.'),
    initialLoss: z.number().describe('Loss on held-out text before the first round, nats per byte.'),
    finalLoss: z.number().describe('The same after the last round.'),
    weightsSha256: sha256('SHA-256 of the final weights as little-endian float32.'),
  })
  .describe('What came of the training.');

const programSchema = z.object({
  name: text('Name of its host.'),
  kind: text('What its traffic is.'),
  stopped: z.boolean().describe('Whether it ran until it was stopped, rather than ending by itself.'),
  status: count('Its exit status; 128 and the number of the signal, if one ended it.'),
});

const programsSchema = z
  .array(programSchema)
  .describe('What ran beside or instead of training: each program, as it ended for the last time.');

export const runSummarySchema = z.object({
  scenario: text('Name of the scenario.'),
  protocol: text('Kind of the protocol: diloco or ddp.'),
  nodes: count('World size.'),
  rounds: count('Rounds played: outer steps (for ddp: optimizer steps).'),
  seed: count('Seed of all randomness.'),
  fabric: text('What the network was built of: netns, containers or threads.'),
  tunnel: z
    .string()
    .nullable()
    .describe('What the mesh talked through: wireguard or openvpn-udp; null in the open.'),
  durationSeconds: quantity(
    'Wall-clock time of the whole run, seconds: building the network, probing, training, analysing.',
  ),
  heartbeat: heartbeatSchema
    .nullable()
    .describe('As measured from the capture; null without a capture or where it shows no beat.'),
  expected: expectedSchema,
  training: trainingSchema,
  utilization: share('Time at compute operations over wall-clock time of training, mean over nodes.'),
  capture: captureFactsSchema.nullable().describe('The packet capture; null without one.'),
  observations: observationsSchema,
  control: controlSummarySchema
    .nullable()
    .describe('What nodes said besides tensors, as their persona has it; null without a persona.'),
  programs: programsSchema,
  events: z
    .array(eventSummarySchema)
    .describe('What the events of the scenario came to, in order. `expected` does not know of them.'),
  gate: gateVerdictSchema,
});

/** Of a scenario without training: what has no meaning there is null. */
export const programsSummarySchema = runSummarySchema.extend({
  protocol: z.null().describe('There is none without training.'),
  expected: z.null().describe('There is no schedule to expect anything from.'),
  training: z.null().describe('There was none.'),
  utilization: z.null().describe('Nobody computed.'),
  control: z.null().describe('There are no personas without training.'),
});

/** summary.json of either kind of run. */
export const anySummarySchema = z.union([runSummarySchema, programsSummarySchema]);

/** summary.json of a run without training. */
export type ProgramsSummary = Document<typeof programsSummarySchema>;
export type AnySummary = RunSummary | ProgramsSummary;
export type ProgramSummary = RunSummary['programs'][number];

/** summary.json of a run with training. Heartbeat figures are null where the capture shows none (fewer than three bursts, no capture). */
export type RunSummary = Document<typeof runSummarySchema>;
