/**
 * The round that all synchronous data-parallel protocols share: work alone, all-reduce what came of it,
 * apply the result. DDP and DiLoCo differ only in how long the work is and in what is done with the sum, so
 * each of their files says just that.
 */
import type { ComputeOperation, Range, Schedule, Update } from '../../src/schedule/operation.js';
import type { DdpProtocol, DilocoProtocol } from '../../src/scenario/schema.js';
import { exchange } from './exchange.js';
import { PartBuilder } from './part-builder.js';
import type { RoundRequest } from './request.js';

/** How a protocol fills the common round. */
export interface Filling {
  readonly work: ComputeOperation['work'];
  /** Inner steps in a round. */
  readonly steps: number;
  readonly update: Update;
}

/**
 * compute, exchange, outer, for every rank.
 *
 * @throws InputError naming `protocol.slice` if a slice holds no whole element, or is so small that a round
 *   would have too many operations.
 */
export function dataParallelRound(
  request: RoundRequest<DdpProtocol | DilocoProtocol>,
  { work, steps, update }: Filling,
): Schedule {
  const { protocol, worldSize, parameterCount, round, regions } = request;
  const ranges: Range[] = [{ offset: 0, length: parameterCount }];
  const members = Array.from({ length: worldSize }, (_, rank) => new PartBuilder(rank));
  const computed = members.map((part) => [
    part.device({ kind: 'compute', after: [], work, firstStep: round * steps, steps, contribution: ranges }),
  ]);
  const exchanged = exchange({ protocol, members, ranges, after: computed, regions, cost: 1 });
  members.forEach((part, index) =>
    part.device({
      kind: 'outer',
      after: exchanged[index] ?? [],
      update,
      ranges,
      contributors: worldSize,
      cost: 1,
    }),
  );
  return { protocol: protocol.kind, round, worldSize, parts: members.map((part) => part.part()) };
}
