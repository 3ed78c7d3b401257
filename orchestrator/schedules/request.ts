/** What the compiler of a protocol is told, and what it gives back. */
import type { ModelShape, Protocol, Scenario } from '../../src/scenario/schema.js';
import { unrollNodes } from '../../src/scenario/resolve.js';
import type { Range, Schedule } from '../../src/schedule/operation.js';
import { parameterCount } from '../../src/training/model.js';
import type { Senders } from './senders.js';

/** The members a protocol has, what they train, and which round it is. */
export interface RoundRequest<P extends Protocol = Protocol> {
  readonly protocol: P;
  readonly worldSize: number;
  readonly model: ModelShape;
  /** Parameters of the model, which is the number of elements of the reduction buffer. */
  readonly parameterCount: number;
  /** Sequences per replica and inner step. */
  readonly batch: number;
  /** By rank. */
  readonly regions: readonly string[];
  /** Of what is drawn by lot: pairs, whose objects to fetch. */
  readonly seed: number;
  /** Counting from 0. */
  readonly round: number;
}

/** Compiles one round of a protocol for all its members. */
export type CompileRound<P extends Protocol = Protocol> = (request: RoundRequest<P>) => Schedule;

/** What a rank holds of the model when a run ends. */
export interface Holding {
  /** Which of the parameters are its to train; of the others it has none. */
  readonly ranges: readonly Range[];
  /** Ranks with the same number must end with the same bits. Groups count from 0, in order of their first rank. */
  readonly group: number;
}

/** By rank: what it holds, from the first round to the last. */
export type Holdings<P extends Protocol = Protocol> = (request: Omit<RoundRequest<P>, 'round'>) => Holding[];

/** A protocol, as the table in index.ts has it. */
export interface ProtocolCompiler<P extends Protocol = Protocol> {
  readonly compile: CompileRound<P>;
  readonly holdings: Holdings<P>;
  /** Inner steps that a rank takes in a round. */
  readonly stepsPerRound: (protocol: P) => number;
  /**
   * From whom each rank receives slices in so many rounds; absent where the first few rounds show it, since later ones
   * are alike.
   */
  readonly senders?: (request: Omit<RoundRequest<P>, 'round'>, rounds: number) => Senders;
}

/** What a scenario asks of its protocol's compiler, for all rounds alike. */
export function requestOf(scenario: Scenario): Omit<RoundRequest, 'round'> {
  const { protocol, model, training, seed } = scenario;
  const regions = unrollNodes(scenario).map(({ region }) => region);
  const { batch } = training;
  const worldSize = regions.length;
  return { protocol, worldSize, model, parameterCount: parameterCount(model), batch, regions, seed };
}

/** Every rank holds the whole model, and all end alike. */
export const allAlike: Holdings = ({ worldSize, parameterCount: length }) =>
  Array.from({ length: worldSize }, () => ({ ranges: [{ offset: 0, length }], group: 0 }));

/** Every rank holds the whole model, each its own. */
export const eachItsOwn: Holdings = ({ worldSize, parameterCount: length }) =>
  Array.from({ length: worldSize }, (_, group) => ({ ranges: [{ offset: 0, length }], group }));
