/**
 * NoLoCo (Kolehmainen et al., arXiv:2506.10911): DiLoCo without an all-reduce. After H inner steps each node meets one
 * other, drawn by lot, and only these two exchange what they have found; next time each meets another. What is found
 * so spreads as gossip does. Nobody waits for all, and on the wire one sees pairs, new ones with every beat.
 *
 * Each node keeps outer parameters of its own and sends two things: its pseudo-gradient, and its outer parameters, by
 * which the pair is pulled together (src/training/noloco.ts). Only the first is compressed. The second are weights:
 * to round them would be to round the model itself, anew in every round.
 *
 * With an odd number of nodes one rests, and takes its own pseudo-gradient for the mean. The paper also sends
 * activations by random routes through a pipeline; nodes here hold whole models, so there is none.
 */
import type { DenseCompressionSettings, NolocoProtocol } from '../../src/scenario/schema.js';
import type { Range } from '../../src/schedule/operation.js';
import { slicesOf } from '../collectives/divide.js';
import { decayOf, encodingOf } from './compression.js';
import { drawPairs, peerIn } from './pairs.js';
import { PartBuilder } from './part-builder.js';
import { eachItsOwn, type CompileRound, type ProtocolCompiler } from './request.js';
import { sendersInPairs } from './senders.js';
import { checkedSliceElements } from './slice-size.js';

export const noloco: ProtocolCompiler<NolocoProtocol> = {
  compile: (request) => nolocoRound(request),
  holdings: eachItsOwn,
  stepsPerRound: ({ innerSteps }) => innerSteps,
  senders: ({ worldSize, seed }, rounds) => sendersInPairs(worldSize, seed, rounds),
};

const nolocoRound: CompileRound<NolocoProtocol> = ({ protocol, worldSize, parameterCount, seed, round }) => {
  const { kind, innerSteps, outer, slice, compression } = protocol;
  const range: Range = { offset: 0, length: parameterCount };
  // Each rank sends two buffers, and receives two.
  const slices = slicesOf(range, checkedSliceElements(slice, parameterCount, 4 * worldSize));
  const parts = Array.from({ length: worldSize }, (_, rank) => new PartBuilder(rank));
  const pairs = drawPairs(worldSize, seed, round);
  for (const part of parts) {
    const peer = peerIn(pairs, part.rank);
    const computed = part.innerSteps({
      firstStep: round * innerSteps,
      steps: innerSteps,
      contribution: [range],
    });
    part.device({
      kind: 'outer',
      after: peer === undefined ? [computed] : meet(part, peer, { slices, compression, computed }),
      update: { optimizer: 'noloco', ...outer },
      ranges: [range],
      contributors: peer === undefined ? 1 : 2,
      cost: 1,
    });
  }
  return { protocol: kind, round, worldSize, parts: parts.map((part) => part.part()) };
};

interface Meeting {
  readonly slices: readonly Range[];
  readonly compression: DenseCompressionSettings;
  /** The operation that left the pseudo-gradient. */
  readonly computed: number;
}

/** One side of a meeting; with the operations returned the peer's anchor is in `exchange`, the sum in `reduction`. */
function meet(part: PartBuilder, peer: number, { slices, compression, computed }: Meeting): number[] {
  const encoding = encodingOf(compression);
  const lossy = encoding.kind !== 'float32';
  const decay = decayOf(compression);
  const given =
    decay === 0
      ? computed
      : part.device({ kind: 'compress', after: [computed], slices, encoding, decay, cost: 1 });
  let last: number[] = [];
  for (const slice of slices) {
    const of = { peer, range: slice };
    part.send({ ...of, after: [computed], buffer: 'anchor' });
    const sent = part.send({ ...of, after: [given], encoding, settle: lossy });
    part.recv({ ...of, after: [computed], buffer: 'exchange', into: 'copy' });
    const added = part.recv({ ...of, after: [sent], encoding, into: 'sum' });
    last = [sent, added];
  }
  return last;
}
