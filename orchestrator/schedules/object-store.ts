/**
 * Training through an object store, as Templar does with SparseLoCo (Sarfi et al., arXiv:2508.15706): no node ever
 * talks to another. Each takes its inner steps, compresses what it found, and puts it into a bucket of its own.
 * When the window of block time is over, it gets the objects of a chosen few, and applies their mean. On the wire
 * one sees stars: an upload from every node after its steps, and downloads to all of them at the window's end.
 *
 * Whose objects count is chosen anew for each window, and the same for all, as validators choose in Templar. So
 * all nodes apply the same mean and stay alike. Who is among the chosen takes its own contribution from its own
 * memory, as it will be read by the others. Who is not has compressed in vain: what it put into its object is
 * spent for its error feedback, though nobody used it.
 *
 * In Templar windows are the chain's, which no node can delay. Here a window begins when a node has ended the one
 * before, so downloads and the outer step add to its length.
 */
import { encodedBytes } from '../../src/compression/index.js';
import { Random } from '../../src/random.js';
import type { ObjectStoreProtocol } from '../../src/scenario/schema.js';
import { parameterLayout } from '../../src/training/model.js';
import { decayOf, encodingOf } from './compression.js';
import { PartBuilder } from './part-builder.js';
import { allAlike, type CompileRound, type ProtocolCompiler } from './request.js';

export const objectStore: ProtocolCompiler<ObjectStoreProtocol> = {
  compile: (request) => objectStoreRound(request),
  holdings: allAlike,
  stepsPerRound: ({ innerSteps }) => innerSteps,
};

const objectStoreRound: CompileRound<ObjectStoreProtocol> = (request) => {
  const { protocol, worldSize, model, parameterCount, seed, round } = request;
  const { kind, innerSteps, windowSteps, gather, outer, compression } = protocol;
  const whole = [{ offset: 0, length: parameterCount }];
  const encoding = encodingOf(compression);
  // Tensor by tensor, as Templar does.
  const slices = parameterLayout(model).map(({ offset, length }) => ({ offset, length }));
  const bytes = slices.reduce((sum, { length }) => sum + encodedBytes(encoding, length), 0);
  const chosen = chosenOwners({ worldSize, gather, seed, round });

  const parts = Array.from({ length: worldSize }, (_, rank) => {
    const part = new PartBuilder(rank);
    const own = part.contribution(bytes);
    const computed = part.innerSteps({
      firstStep: round * innerSteps,
      steps: innerSteps,
      contribution: whole,
    });
    const decay = decayOf(compression);
    const compressed = part.device({
      kind: 'compress',
      after: [computed],
      slices,
      encoding,
      decay,
      cost: 1,
      slot: own,
    });
    part.put({ kind: 'put', after: [compressed], owner: rank, round, slot: own, bytes });
    const windowEnd = part.device({ kind: 'wait', after: [compressed], paces: windowSteps });
    const objects = chosen.map((owner) => {
      if (owner === rank) return { slot: own, here: [] };
      const slot = part.contribution(bytes);
      return { slot, here: [part.get({ kind: 'get', after: [windowEnd], owner, round, slot, bytes })] };
    });
    const gathered = objects.flatMap(({ here }) => here);
    const slots = objects.map(({ slot }) => slot);
    const summed = part.device({ kind: 'aggregate', after: gathered, slices, encoding, slots, cost: 1 });
    part.device({
      kind: 'outer',
      after: [summed],
      update: { optimizer: 'nesterov', ...outer, mix: 0 },
      ranges: whole,
      contributors: chosen.length,
      cost: 1,
    });
    return part.part();
  });
  return { protocol: kind, round, worldSize, parts };
};

/**
 * Whose objects are applied in a round, ascending: everybody's if a node may get those of all others, otherwise of
 * so many ranks, drawn without replacement. So nobody gets more than `gather`.
 */
export function chosenOwners({
  worldSize,
  gather,
  seed,
  round,
}: Readonly<Record<'worldSize' | 'gather' | 'seed' | 'round', number>>): number[] {
  const ranks = Array.from({ length: worldSize }, (_, rank) => rank);
  if (gather >= worldSize - 1) return ranks;
  const random = new Random(seed, `objects of round ${round}`);
  // Fisher and Yates, as far as needed.
  for (let place = 0; place < gather; place++) {
    const drawn = place + random.integer(worldSize - place);
    [ranks[place], ranks[drawn]] = [ranks[drawn]!, ranks[place]!];
  }
  return ranks.slice(0, gather).sort((a, b) => a - b);
}
