/**
 * DiLoCo whose exchange overlaps the whole next round (Kale et al., arXiv:2502.12996): while round r computes,
 * the pseudo-gradients of round r-1 travel, and at its end each node makes do with the others' of the round
 * before and its own of this one. The device never waits for the network unless an exchange outlasts a round.
 *
 * On the wire the period and the bytes are DiLoCo's. Only the pause is gone in which nobody computes, and with
 * it the silence before a burst; an exchange may now fill the whole round, and then there is no silence at all.
 */
import type { DilocoProtocol } from '../../src/scenario/schema.js';
import type { Range, Schedule } from '../../src/schedule/operation.js';
import type { CollectiveEnds } from '../collectives/index.js';
import { exchange } from './exchange.js';
import { PartBuilder } from './part-builder.js';
import type { RoundRequest } from './request.js';

/**
 * exchange beside compute, then outer, for every rank. In round 0 there is nothing to exchange yet.
 *
 * @throws InputError as {@link exchange}.
 */
export function eagerRound(request: RoundRequest<DilocoProtocol>): Schedule {
  const { protocol, worldSize, parameterCount, round, regions } = request;
  const { innerSteps, outer } = protocol;
  const ranges: Range[] = [{ offset: 0, length: parameterCount }];
  const members = Array.from({ length: worldSize }, (_, rank) => new PartBuilder(rank));
  const compute = (part: PartBuilder) =>
    part.innerSteps({ firstStep: round * innerSteps, steps: innerSteps, contribution: [] });
  const nothing = members.map(() => []);
  let exchanged: CollectiveEnds = nothing;
  if (round === 0) members.forEach(compute);
  else
    exchanged = exchange({ protocol, members, ranges, after: nothing, regions, cost: 1, meanwhile: compute });
  members.forEach((part, index) => {
    part.device({
      kind: 'outer',
      after: exchanged[index] ?? [],
      update: { optimizer: 'eager', ...outer },
      ranges,
      contributors: worldSize,
      cost: 1,
    });
  });
  return { protocol: protocol.kind, round, worldSize, parts: members.map((part) => part.part()) };
}
