/** Requests to compile a round, for tests: what a test does not name is what a scenario file's default would be. */
import type { z } from 'zod';
import type { RoundRequest } from '../../orchestrator/schedules/index.js';
import { protocolSchema, type Protocol } from '../../src/scenario/protocol-schema.js';
import { modelSchema } from '../../src/scenario/training-schema.js';
import type { Part, Schedule } from '../../src/schedule/operation.js';
import { parameterCount } from '../../src/training/index.js';

type Kind = Protocol['kind'];

/** A protocol as in a file, but for the slice: bytes, and as few as a test wants. Of several kinds, one of them. */
export type PartialProtocol<K extends Kind = Kind> = K extends Kind
  ? Omit<Extract<z.input<typeof protocolSchema>, { kind: K }>, 'slice'> & { readonly slice?: number }
  : never;

/** The first round between two nodes of one region; the model is the schema's, and counts its own parameters. */
export function requestFor<K extends Kind>(
  protocol: { readonly kind: K } & PartialProtocol<K>,
  given: Partial<Omit<RoundRequest, 'protocol'>> = {},
): RoundRequest<Extract<Protocol, { kind: K }>> {
  const { worldSize = 2, model = modelSchema.parse({}) } = given;
  const { slice, ...written }: PartialProtocol = protocol;
  const parsed = protocolSchema.parse(written) as Extract<Protocol, { kind: K }>;
  return {
    protocol: slice === undefined ? parsed : { ...parsed, slice },
    worldSize,
    model,
    parameterCount: parameterCount(model),
    batch: 4,
    regions: Array.from({ length: worldSize }, () => 'here'),
    seed: 1,
    round: 0,
    ...given,
  };
}

/** The parts of a schedule written by hand, which use no scratch. */
export function handPart(rank: number, operations: Part['operations']): Part {
  return { rank, operations, scratch: { activationElements: 0, contributionBytes: 0 } };
}

export function handSchedule(...parts: Part['operations'][]): Schedule {
  return {
    protocol: 'hand',
    round: 0,
    worldSize: parts.length,
    parts: parts.map((operations, rank) => handPart(rank, operations)),
  };
}
