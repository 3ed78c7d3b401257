/**
 * Schedules: one file per protocol, each a pure function from a round's members to what every one of them
 * does. A new protocol is one new file, and one line in the table below.
 */
import type { Protocol } from '../../src/scenario/schema.js';
import type { Schedule } from '../../src/schedule/operation.js';
import type { CompileRound, RoundRequest } from './data-parallel.js';
import { compileDdpRound } from './ddp.js';
import { compileDilocoRound } from './diloco.js';

type ProtocolOf<Kind> = Extract<Protocol, { kind: Kind }>;

const compilers: { readonly [Kind in Protocol['kind']]: CompileRound<ProtocolOf<Kind>> } = {
  diloco: compileDilocoRound,
  ddp: compileDdpRound,
};

/**
 * One round of a protocol, for all its members.
 *
 * @throws InputError if the protocol's parameters can't be met, e.g. a slice smaller than one element.
 */
export function compileRound(request: RoundRequest): Schedule {
  // The table's type pairs each kind with its compiler; a look-up by a union of kinds loses the pairing.
  const compile = compilers[request.protocol.kind] as CompileRound;
  return compile(request);
}

export type { RoundRequest } from './data-parallel.js';
