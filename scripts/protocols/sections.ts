/**
 * The sections of docs/protocols.md: their order, what is said at the head of each, and which scenario belongs where.
 * A new scenario finds its place by what sets it apart, so nothing here need be touched for it.
 */
import type { Scenario } from '../../src/scenario/index.js';

export interface Section {
  readonly title: string;
  readonly introduction: string;
  /** A scenario belongs to the last section that claims it: what comes later is more special. */
  readonly claims: (scenario: Scenario) => boolean;
}

export const sections: readonly Section[] = [
  {
    title: 'Data parallelism',
    introduction: `Every node holds the whole model and its own share of the text. What differs is how often they
      come together: after every step (DDP), or after many (DiLoCo, also called local SGD with an outer optimizer).
      The bytes of one exchange are the same; the silence between two exchanges is the whole difference.`,
    claims: ({ protocol }) => protocol.kind === 'diloco' || protocol.kind === 'ddp',
  },
  {
    title: 'Collectives',
    introduction: `The same sum can be made by many routes. Each node must send and receive about twice the buffer in
      all of them but the star. Yet who talks to whom differs, and with it the number of flows, how large the
      messages are, and how many round trips a burst is long: a ring has one heavy neighbour on each side, a butterfly
      is a clique of equal flows, a parameter server a star whose hub carries everything.`,
    claims: (scenario) => collectiveOf(scenario) !== 'ring',
  },
  {
    title: 'Compression',
    introduction: `Fewer bits for each number, or fewer numbers. Dense encodings keep every element and shrink the
      burst by a factor that is known beforehand. Sparse ones keep a few elements of each chunk, which can't be
      summed on the way: contributions are gathered, so bytes grow with the number of nodes. The period hardly
      changes, only how loud the beat is.`,
    claims: (scenario) => compressionOf(scenario) !== 'none',
  },
  {
    title: 'Streaming and eager exchange',
    introduction: `Nothing says that the exchange must wait for the work to stop. Streaming DiLoCo sends the model in
      fragments, a part at a time, and uses what comes back some steps later; an eager outer step overlaps the whole
      exchange with the whole next round. The bytes are those of DiLoCo, spread over time. This is what flattens the
      peaks that a detector listens for.`,
    claims: ({ protocol }) =>
      protocol.kind === 'streaming' || (protocol.kind === 'diloco' && protocol.overlap === 'eager'),
  },
  {
    title: 'Gossip',
    introduction: `No sum over all nodes at all. Each node averages with one other, another one each round, and the
      replicas stay close together instead of equal. A burst needs one round trip, whatever the number of nodes, and
      the pairs change: no flow lives longer than a round.`,
    claims: ({ protocol }) => protocol.kind === 'noloco',
  },
  {
    title: 'Object store',
    introduction: `Peers that don't know each other meet at a store. Each puts what it has learnt there, compressed,
      by the end of a window of time, and gets what a chosen few have put. On the wire there are only star-shaped
      flows between nodes and a cloud provider; that nodes train together shows in their timing alone.`,
    claims: ({ protocol }) => protocol.kind === 'object-store',
  },
  {
    title: 'Pipeline parallelism',
    introduction: `The model is cut into stages, and each node holds one or a few. Activations pass forward and their
      gradients backward with every microbatch, so there is no burst but a hum, and every message waits for the one
      before. What matters is the bubble: the share of time in which devices wait. Its formulas assume that messages
      take no time; over a wide area they do. \`meshbeat schedule\` prints both figures.`,
    claims: ({ protocol }) => protocol.kind === 'pipeline',
  },
  {
    title: 'Personas',
    introduction: `What a known system looks like on the wire: its connections per peer, its chunk sizes, its collective
      and its control traffic, with constants taken from its source code: [personas.md](personas.md) names the source of each. What is trained is
      the same small model in all of them.`,
    claims: ({ persona }) => persona !== 'none',
  },
];

export function sectionOf(scenario: Scenario): Section {
  const found = sections.findLast(({ claims }) => claims(scenario));
  if (!found) throw new Error(`no section for a scenario of protocol ${scenario.protocol.kind}`);
  return found;
}

function collectiveOf({ protocol }: Scenario): string {
  return 'collective' in protocol ? protocol.collective : 'ring';
}

function compressionOf({ protocol }: Scenario): string {
  return protocol.compression.kind;
}
