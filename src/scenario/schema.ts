/**
 * What a scenario file may say.
 *
 * The schema has two sides. On the outside a scenario is YAML with units a person writes ("40 Mbit/s",
 * "500 ms", "0.1 %"); on the inside every quantity is a plain number in a base unit that its name or its
 * comment states: bit/s, seconds, bytes, a probability. Unknown keys are errors, for a misspelt key
 * that is silently ignored would falsify a run.
 *
 * Units are codecs, so the schema runs both ways: `parse` reads a file's values, `z.encode` writes them.
 * Defaults are therefore given as output values. A message that begins with "allowed:" completes the phrase
 * "found X; allowed: Y" (see problems.ts). What needs more than one field is checked in checks.ts.
 *
 * The protocol, the training, tunnels and weather have files of their own, named *-schema.ts.
 */
import { z } from 'zod';
import { eventText } from './events/codec.js';
import { pointSchema } from './points.js';
import { protocolSchema } from './protocol-schema.js';
import { positiveInteger, text } from './schema-parts.js';
import { innerSchema, modelSchema } from './training-schema.js';
import { tunnelSchema } from './tunnel-schema.js';
import { duration, positiveDuration, queueLimit } from './units.js';
import {
  bottleneckSchema,
  linkRate,
  pair,
  region,
  regionalWeatherSchema,
  weatherShape,
} from './weather-schema.js';

const name = text(
  /^[a-z0-9][a-z0-9-]{0,30}$/,
  'allowed: a name of 1 to 31 of a-z, 0-9 and -, not starting with -',
);

const driverName = z.enum(['tun', 'netem']);

const congestion = z.enum(['cubic', 'reno', 'bbr']);

const words = 'allowed: a program and its arguments, each a text that is not empty; numbers in quotes';
const word = z.string({ error: words }).min(1, { error: words }).max(4096);

/**
 * Nodes of one kind. `count` of them are named `NAME-0`, `NAME-1`, …; a single one is named `NAME`. With `exec` they
 * run a program and train nothing; the keys after it then say more of it.
 */
export const nodeSchema = z.strictObject({
  name: name
    .optional()
    .describe('Name of the node; default: its region. With a count above 1, -0, -1, … is added.'),
  count: positiveInteger(256).default(1),
  region: region.describe('Region of the node: a preset, or one named under "regions".'),
  uplink: linkRate.describe('Rate from the node to the network, e.g. "40 Mbit/s", or trace: FILE.'),
  downlink: linkRate.optional().describe('Rate from the network to the node; default: as the uplink.'),
  congestion: congestion
    .optional()
    .describe('Congestion control of the TCP of this node; default: wan.congestion.'),
  genre: z.string().optional().describe('With data.shards "genres": the genre of text this node holds.'),
  exec: z
    .array(word, { error: words })
    .min(1, { error: words })
    .max(256)
    .optional()
    .describe('A program and its arguments, run here instead of the trainer: see docs/scenarios.md.'),
  kind: name
    .optional()
    .describe("With exec: what the program's traffic is, for the trace; default: the program's name."),
  environment: z
    .record(
      text(
        /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
        'allowed: a name of letters, digits and _, not starting with a digit',
      ),
      z.string().max(4096),
    )
    .optional()
    .describe('With exec: environment variables that the program has besides those of every program.'),
  mayFail: z
    .boolean()
    .optional()
    .describe('With exec: whether the run is still valid if the program ends by itself with an error.'),
});

export const scenarioSchema = z.strictObject({
  name: name.describe('Name of the scenario.'),
  description: z.string().default(''),
  seed: z
    .number()
    .int()
    .min(0)
    .max(0xffffffff)
    .default(1)
    .describe('Of all randomness: the same scenario and seed give the same weights, bit for bit.'),
  rounds: positiveInteger(100_000).describe('Outer steps (for ddp: optimizer steps) to run.'),
  protocol: protocolSchema,
  persona: z
    .enum(['none', 'opendiloco', 'prime', 'pccl', 'torchft', 'psyche', 'templar'])
    .default('none')
    .describe('Whose habits on the wire to take on: connections, sizes, collective and control traffic.'),
  pace: positiveDuration.describe('Wall-clock time of one inner step; real compute is padded to it.'),
  outerPace: positiveDuration
    .default(0.3)
    .describe(
      "Wall-clock time of each of the device's tasks around an exchange: compressing, summing what was gathered, " +
        'the update; padded likewise.',
    ),
  model: modelSchema.prefault({}),
  training: z
    .strictObject({
      batch: positiveInteger(1024).default(4).describe('Sequences per node and inner step.'),
      inner: innerSchema.prefault({}).describe('The inner optimizer.'),
    })
    .prefault({}),
  data: z
    .strictObject({
      text: z.literal('brown').default('brown').describe('The Brown corpus: 500 documents in 15 genres.'),
      shards: z
        .enum(['mixed', 'genres'])
        .default('mixed')
        .describe('mixed: documents dealt out at random; genres: each node holds one genre only.'),
    })
    .prefault({}),
  nodes: z
    .array(nodeSchema)
    .min(1, { error: 'allowed: 2 to 1024 nodes in all' })
    .max(1024, { error: 'allowed: 2 to 1024 nodes in all' })
    .describe('The nodes, in ring order: rank order is the order of this list.'),
  regions: z
    .strictObject({
      delays: z
        .record(pair, duration)
        .default({})
        .describe(
          'One-way delay of a pair of regions, "A--B: 20 ms", or of one way, "A->B: 25 ms"; adds to or replaces the presets.',
        ),
      weather: z
        .record(pair, regionalWeatherSchema)
        .default({})
        .describe('Weather between two regions, "A--B" or one way "A->B", where it is not that of wan.'),
      bottlenecks: z
        .array(bottleneckSchema)
        .max(256, { error: 'allowed: at most 256 shared queues' })
        .default([])
        .describe('Queues in the core of the network that all flows across them share.'),
      local: duration.default(0.0005).describe('One-way delay between nodes of the same region.'),
    })
    .prefault({}),
  wan: z
    .strictObject({
      driver: driverName
        .default('tun')
        .describe('What shapes packets: tun, a thread of meshbeat; netem, the kernel.'),
      ...weatherShape,
      queue: queueLimit
        .default({ seconds: 0.2 })
        .describe('Drop-tail limit of each queue: a time at its rate, or bytes.'),
      mtu: z.number().int().min(576).max(9000).default(1500),
      congestion: congestion.default('cubic'),
      slowStartAfterIdle: z
        .boolean()
        .default(false)
        .describe('Linux default is true: TCP then forgets its window between bursts.'),
      initialWindow: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .default(10)
        .describe('Segments that a new TCP connection sends before it has heard anything; 10 as in Linux.'),
    })
    .prefault({}),
  tunnel: tunnelSchema
    .default('none')
    .describe('VPN that all traffic of the mesh takes: its kind, or a map with kind and how it is built.'),
  transport: z
    .strictObject({
      tls: z
        .boolean()
        .default(true)
        .describe('Mutual TLS between nodes, with a certificate authority made for the run.'),
      connections: positiveInteger(64)
        .default(1)
        .describe('TCP connections for each direction of a pair; slices take them in turn.'),
    })
    .prefault({}),
  control: z
    .strictObject({
      probe: duration
        .default(1)
        .describe(
          'Longest time that the bandwidth probe of a persona takes for each peer; 0 leaves probes out. A persona whose system takes less stays with that.',
        ),
      join: z
        .boolean()
        .default(true)
        .describe('Whether nodes that join, as the persona has it, download the model before training.'),
    })
    .prefault({})
    .describe('How much of the control traffic of a persona there is.'),
  events: z
    .array(eventText)
    .max(1000, { error: 'allowed: at most 1000 events' })
    .default([])
    .describe('What happens to the network during training, e.g. "at 20 s partition [us-east] | [eu-west]".'),
  gate: z
    .strictObject({
      attempts: positiveInteger(20)
        .default(5)
        .describe(
          'How often a path whose round trip, rate or loss is off is measured at most; the last time counts.',
        ),
    })
    .prefault({}),
  capture: z
    .strictObject({
      kind: z.enum(['auto', 'tcpdump', 'shaper', 'none']).default('auto'),
      snaplen: z.number().int().min(64).max(262144).default(262144).describe('Bytes kept of each packet.'),
      points: z
        .array(pointSchema)
        .max(32, { error: 'allowed: at most 32 observation points' })
        .default([])
        .describe('Observers besides the bridge, each with a capture of what it would see.'),
    })
    .prefault({}),
});

/** A network without training: every node runs a program, for so long. */
export const programsSchema = scenarioSchema
  .pick({
    name: true,
    description: true,
    seed: true,
    nodes: true,
    regions: true,
    wan: true,
    tunnel: true,
    events: true,
    capture: true,
  })
  .extend({
    duration: positiveDuration.describe('How long the programs run, in a scenario without training.'),
  });

/** A scenario with training. Some of its nodes may run programs instead. */
export type Scenario = z.output<typeof scenarioSchema>;
/** A scenario in which nobody trains: all nodes run programs. */
export type ProgramsScenario = z.output<typeof programsSchema>;
/** Whatever can be run. */
export type AnyScenario = Scenario | ProgramsScenario;
export type NodeEntry = AnyScenario['nodes'][number];
export type Persona = Scenario['persona'];
/** Drop-tail limit of a queue: a time at the queue's own rate, or bytes. */
export type QueueLimit = Scenario['wan']['queue'];
export type CongestionControl = Scenario['wan']['congestion'];
export type DriverName = Scenario['wan']['driver'];

export type { CompressionSettings, DenseCompressionSettings } from './compression-schema.js';
export type {
  CollectiveName,
  DdpProtocol,
  DilocoProtocol,
  NolocoProtocol,
  ObjectStoreProtocol,
  PipelineProtocol,
  Protocol,
  StreamingProtocol,
} from './protocol-schema.js';
export type { AdamwSettings, InnerSettings, ModelShape } from './training-schema.js';
export type { TunnelKind } from './tunnel-schema.js';
