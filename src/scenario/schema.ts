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
 */
import { z } from 'zod';
import { eventText } from './events/codec.js';
import { bytes, duration, positiveDuration, queueLimit, rate } from './units.js';
import {
  bottleneckSchema,
  linkRate,
  pair,
  region,
  regionalWeatherSchema,
  weatherShape,
} from './weather-schema.js';
import { pointSchema } from './points.js';

/** Text of one form, with one message for everything that can be wrong with it. */
const text = (form: RegExp, error: string) => z.string({ error }).regex(form, { error });

const name = text(
  /^[a-z0-9][a-z0-9-]{0,30}$/,
  'allowed: a name of 1 to 31 of a-z, 0-9 and -, not starting with -',
);

const sliceError = 'allowed: from 256 B to 64 MiB, e.g. "64 KiB"';
const slice = bytes.refine((size) => size >= 256 && size <= 64 * 2 ** 20, { error: sliceError });

const driverName = z.enum(['tun', 'netem']);

const congestion = z.enum(['cubic', 'reno', 'bbr']);

const positiveInteger = (max: number) => z.number().int().min(1).max(max);

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

export const outerSchema = z.strictObject({
  learningRate: z.number().positive().default(0.7),
  momentum: z.number().min(0).lt(1).default(0.9),
});

const rounding = z
  .enum(['nearest', 'stochastic'])
  .default('nearest')
  .describe('stochastic: up or down at random, so that the mean is right.');
const feedback = z
  .boolean()
  .default(false)
  .describe('Error feedback: what rounding left out is added the next time.');
const block = positiveInteger(65_536).default(64).describe('Elements that share a scale.');

/** Keeps every element, in fewer bits. */
const denseCompressions = [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('float16'), errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('bfloat16'), errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('int8'), rounding, errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('int8-blockwise'), block, rounding, errorFeedback: feedback }),
  z.strictObject({ kind: z.literal('e3m0'), block, rounding, errorFeedback: feedback }),
] as const;

/** Keeps a few elements of each chunk; what is left out is always remembered. */
const sparseCompressions = [
  z.strictObject({
    kind: z.literal('top-k'),
    chunk: positiveInteger(4096).default(4096).describe('Elements of a chunk; their places take 12 bits.'),
    keep: positiveInteger(4096).default(64).describe('Elements kept of each chunk.'),
    decay: z.number().min(0).max(1).default(0.95).describe('Share of the residual that is kept each round.'),
  }),
  z.strictObject({
    kind: z.literal('dct-sign'),
    chunk: positiveInteger(4096)
      .refine((size) => Number.isInteger(Math.log2(size)), {
        error: 'allowed: a power of two, from 1 to 4096',
      })
      .default(64)
      .describe('Elements that are transformed at once: a power of two.'),
    keep: positiveInteger(4096).default(8).describe('Coefficients kept of each chunk.'),
    decay: z.number().min(0).max(1).default(0.999).describe('Share of the residual that is kept each round.'),
  }),
] as const;

export const denseCompressionSchema = z.discriminatedUnion('kind', denseCompressions);
export const sparseCompressionSchema = z.discriminatedUnion('kind', sparseCompressions);
export const compressionSchema = z.discriminatedUnion('kind', [...denseCompressions, ...sparseCompressions]);

export const collectiveName = z
  .enum(['ring', 'butterfly', 'halving-doubling', 'parameter-server', 'hierarchical'])
  .default('ring')
  .describe('How sums are made: who sends what to whom.');

/** What all protocols that exchange slices between nodes have in common. */
const exchange = {
  slice: slice
    .default(65536)
    .describe(
      'Largest piece of a chunk sent as one message, before compression; smaller ones pipeline better.',
    ),
};
const reduction = {
  collective: collectiveName,
  compression: compressionSchema
    .default({ kind: 'none' })
    .describe('Of what nodes exchange; the sparse ones are gathered from all instead of summed on the way.'),
  ...exchange,
};
const denseReduction = { ...reduction, compression: denseCompressionSchema.default({ kind: 'none' }) };
const innerSteps = positiveInteger(100_000).describe('H: inner steps between two outer steps.');

export const dilocoSchema = z.strictObject({
  kind: z.literal('diloco'),
  innerSteps,
  outer: outerSchema.prefault({}),
  overlap: z
    .enum(['none', 'eager'])
    .default('none')
    .describe('eager: the exchange overlaps the whole next round; others\u2019 part comes one round late.'),
  ...reduction,
});

export const ddpSchema = z.strictObject({ kind: z.literal('ddp'), ...reduction });

export const streamingSchema = z.strictObject({
  kind: z.literal('streaming'),
  innerSteps: innerSteps.describe('H: inner steps between two outer steps of the same fragment.'),
  fragments: positiveInteger(64).describe('P: groups of layers that are exchanged in turn.'),
  pattern: z
    .enum(['strided', 'sequential'])
    .default('strided')
    .describe('Which layers make a fragment: every P-th, or neighbours.'),
  delay: z
    .number()
    .int()
    .min(0)
    .max(100_000)
    .default(1)
    .describe('\u03c4: inner steps between the start of an exchange and the use of its result.'),
  mix: z
    .number()
    .min(0)
    .lt(1)
    .default(0.5)
    .describe('\u03b1: share of the local parameters that is kept when a result is merged.'),
  outer: outerSchema.prefault({}),
  ...denseReduction,
});

export const nolocoSchema = z.strictObject({
  kind: z.literal('noloco'),
  innerSteps,
  outer: outerSchema
    .extend({
      learningRate: z.number().positive().default(0.7),
      momentum: z.number().min(0).lt(1).default(0.5),
      pull: z.number().min(0).max(1).default(0.7).describe('\u03b3: pull towards the mean of the pair.'),
    })
    .prefault({}),
  compression: denseCompressionSchema.default({ kind: 'none' }),
  ...exchange,
});

export const objectStoreSchema = z.strictObject({
  kind: z.literal('object-store'),
  innerSteps,
  windowSteps: positiveInteger(100_000).describe(
    'Length of a window of block time, in paces: a round begins with each window and ends with it.',
  ),
  gather: positiveInteger(1023)
    .default(20)
    .describe('Peers whose objects a node downloads each round, at most.'),
  outer: outerSchema
    .extend({
      learningRate: z.number().positive().default(1),
      momentum: z.number().min(0).lt(1).default(0),
    })
    .prefault({}),
  compression: compressionSchema.default({ kind: 'top-k', chunk: 4096, keep: 64, decay: 0.95 }),
  store: z
    .strictObject({
      region: region.default('us-east').describe('Region of the object store.'),
      uplink: rate.default(1e9).describe('Rate from the store to the network.'),
      downlink: rate.default(1e9).describe('Rate from the network to the store.'),
      part: bytes
        .refine((size) => size >= 5 * 2 ** 20 && size <= 5 * 2 ** 30, {
          error: 'allowed: from 5 MiB to 5 GiB',
        })
        .default(64 * 2 ** 20)
        .describe('Objects larger than this are uploaded and downloaded in parts of this size.'),
    })
    .prefault({}),
});

export const pipelineSchema = z.strictObject({
  kind: z.literal('pipeline'),
  schedule: z.enum(['gpipe', '1f1b', 'interleaved', 'zb-h1']).default('1f1b'),
  stages: positiveInteger(64)
    .min(2)
    .describe('Nodes in a row that hold one model; nodes are a multiple of it.'),
  microbatches: positiveInteger(1024).describe('Pieces that the sequences of a step are cut into.'),
  chunks: positiveInteger(64)
    .default(1)
    .describe('Model chunks per node; above 1 with schedule "interleaved" only.'),
  innerSteps: positiveInteger(100_000)
    .default(1)
    .describe('H: steps between two exchanges of the pipelines; with 1 and no outer they average gradients.'),
  outer: outerSchema
    .optional()
    .describe('DiLoCo between pipelines. Absent: their gradients are averaged in every step.'),
  activations: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('none') }),
      z.strictObject({ kind: z.literal('int8') }),
      z.strictObject({
        kind: z.literal('subspace'),
        rank: positiveInteger(4096).describe('Dimensions of the subspace that all stages share.'),
      }),
    ])
    .default({ kind: 'none' })
    .describe('How what stages hand to each other is compressed.'),
  ...denseReduction,
});

export const protocolSchema = z.discriminatedUnion('kind', [
  dilocoSchema,
  ddpSchema,
  streamingSchema,
  nolocoSchema,
  objectStoreSchema,
  pipelineSchema,
]);

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

/** A host that is there for the tunnel only. */
const tunnelHost = z.strictObject({
  region: region.describe('Region of the host: a preset, or one named under "regions".'),
  uplink: rate.default(1e9).describe('Rate from the host to the network.'),
  downlink: rate.default(1e9).describe('Rate from the network to the host.'),
});

export const tunnelKind = z.enum(['wireguard', 'openvpn-udp']);

export const tunnelMapSchema = z.strictObject({
  kind: tunnelKind,
  hub: tunnelHost
    .optional()
    .describe('A VPN server through which all traffic goes; absent: a tunnel between each two hosts.'),
  relays: z
    .array(tunnelHost)
    .max(8, { error: 'allowed: 0 to 8 relays' })
    .default([])
    .describe('Hosts that pass tunnel packets on, one after the other, on the way of every tunnel.'),
  port: z
    .number()
    .int()
    .min(1024)
    .max(65_535)
    .optional()
    .describe(
      'UDP port of the tunnel; default: 51820 of wireguard, 1194 of openvpn-udp. Relays take those from it on.',
    ),
  keepalive: positiveDuration
    .refine((seconds) => Number.isInteger(seconds) && seconds <= 65_535, {
      error: 'allowed: whole seconds, 1 s to 65535 s',
    })
    .default(25)
    .describe('A tunnel that was silent for so long sends an empty packet.'),
});

export const tunnelSchema = z.union([z.enum(['none', ...tunnelKind.options]), tunnelMapSchema], {
  error: 'allowed: none, wireguard, openvpn-udp, or a map with kind, hub, relays, port and keepalive',
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
export type Protocol = Scenario['protocol'];
export type DilocoProtocol = z.output<typeof dilocoSchema>;
export type DdpProtocol = z.output<typeof ddpSchema>;
export type ModelShape = z.output<typeof modelSchema>;
export type StreamingProtocol = z.output<typeof streamingSchema>;
export type NolocoProtocol = z.output<typeof nolocoSchema>;
export type ObjectStoreProtocol = z.output<typeof objectStoreSchema>;
export type PipelineProtocol = z.output<typeof pipelineSchema>;
export type CompressionSettings = z.output<typeof compressionSchema>;
export type DenseCompressionSettings = z.output<typeof denseCompressionSchema>;
export type CollectiveName = z.output<typeof collectiveName>;
export type TunnelKind = z.output<typeof tunnelKind>;
export type Persona = Scenario['persona'];
export type AdamwSettings = z.output<typeof adamwSchema>;
export type InnerSettings = z.output<typeof innerSchema>;
/** Drop-tail limit of a queue: a time at the queue's own rate, or bytes. */
export type QueueLimit = Scenario['wan']['queue'];
export type CongestionControl = Scenario['wan']['congestion'];
export type DriverName = Scenario['wan']['driver'];
