/**
 * Schedules: one file per protocol, each a pure function from a round's members to what every one of them
 * does. A new protocol is one new file, and one line in the table below.
 */
import type { Protocol, Scenario } from '../../src/scenario/schema.js';
import type { Schedule } from '../../src/schedule/operation.js';
import type { Compiled } from '../../src/training/index.js';
import { ddp } from './ddp.js';
import { diloco } from './diloco.js';
import { noloco } from './noloco.js';
import { objectStore } from './object-store.js';
import { pipeline } from './pipeline.js';
import { requestOf, type Holding, type ProtocolCompiler, type RoundRequest } from './request.js';
import { sendersOfRounds, type Senders } from './senders.js';
import { streaming } from './streaming.js';

/** Rounds after which all are alike, but for protocols that say otherwise. */
const FIRST_ROUNDS = 4;

type ProtocolOf<Kind> = Extract<Protocol, { kind: Kind }>;

const compilers: Partial<{
  readonly [Kind in Protocol['kind']]: ProtocolCompiler<ProtocolOf<Kind>>;
}> = { diloco, ddp, streaming, noloco, 'object-store': objectStore, pipeline };

/** The table's type pairs each kind with its compiler; a look-up by a union of kinds loses the pairing. */
function compilerOf({ kind }: Protocol): ProtocolCompiler {
  const compiler = compilers[kind] as ProtocolCompiler | undefined;
  if (!compiler) throw new RangeError(`no compiler for ${kind}`);
  return compiler;
}

/**
 * One round of a protocol, for all its members.
 *
 * @throws InputError if the protocol's parameters can't be met, e.g. a slice smaller than one element.
 */
export function compileRound(request: RoundRequest): Schedule {
  return compilerOf(request.protocol).compile(request);
}

/** What a scenario's protocol comes to, for who plays it in one process. */
export function compiledOf(scenario: Scenario): Compiled {
  const request = requestOf(scenario);
  return {
    compileRound: (round) => compileRound({ ...request, round }),
    holdings: holdingsOf(request),
  };
}

/** By rank: what it holds of the model. */
export function holdingsOf(request: Omit<RoundRequest, 'round'>): Holding[] {
  return compilerOf(request.protocol).holdings(request);
}

/** From whom each rank receives slices, in any of so many rounds. */
export function sendersInRun(request: Omit<RoundRequest, 'round'>, rounds: number): Senders {
  const { senders } = compilerOf(request.protocol);
  if (senders) return senders(request, rounds);
  return sendersOfRounds(Math.min(rounds, FIRST_ROUNDS), (round) => compileRound({ ...request, round }));
}

/** Inner steps that a rank takes in a round. */
export function stepsPerRound(protocol: Protocol): number {
  return compilerOf(protocol).stepsPerRound(protocol);
}

export { closedFormOf, type ClosedForm } from './closed-form.js';
export { requestOf, type Holding, type RoundRequest } from './request.js';
