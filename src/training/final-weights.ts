/**
 * The final weights of a run, from what each rank holds, and one hash for them.
 *
 * Ranks of one group hold the same ranges and must end with the same bits. Where the groups hold different
 * parts of one model (pipeline stages), the model is put together from them and the hash is its own. Where each
 * holds a whole model of its own (gossip), the model is that of the first group, and the hash is over all
 * groups' hashes, so that it still speaks for every bit of the run.
 */
import { createHash } from 'node:crypto';
import { RunError } from '../errors.js';
import type { Range } from '../schedule/operation.js';
import { weightsSha256 } from './safetensors.js';

export interface Held {
  readonly rank: number;
  readonly group: number;
  readonly ranges: readonly Range[];
  /** Flat; only the ranges count. */
  readonly parameters: Float32Array;
}

/** What a rank holds: its ranges, one after the other. */
export function heldValues({ ranges, parameters }: Pick<Held, 'ranges' | 'parameters'>): Float32Array {
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  const own = new Float32Array(total);
  let filled = 0;
  for (const { offset, length } of ranges) {
    own.set(parameters.subarray(offset, offset + length), filled);
    filled += length;
  }
  return own;
}

export function heldSha256(held: Pick<Held, 'ranges' | 'parameters'>): string {
  return weightsSha256(heldValues(held));
}

/** The flat parameters in which these values lie at these ranges, and zeros elsewhere. */
export function placedValues(
  ranges: readonly Range[],
  values: Float32Array,
  parameterCount: number,
): Float32Array {
  const parameters = new Float32Array(parameterCount);
  let taken = 0;
  for (const { offset, length } of ranges) {
    parameters.set(values.subarray(taken, taken + length), offset);
    taken += length;
  }
  return parameters;
}

/** Whether each group has a whole model, so that groups are rivals and not parts. */
export function eachHoldsAll(holdings: readonly Pick<Held, 'ranges'>[], parameterCount: number): boolean {
  return holdings.every(
    ({ ranges }) => ranges.length === 1 && ranges[0]!.offset === 0 && ranges[0]!.length === parameterCount,
  );
}

/** One hash for a run whose groups hold rival models: that of the only one, or over all hashes in order. */
export function rivalsSha256(hashes: readonly string[]): string {
  const [only = ''] = hashes;
  return hashes.length === 1 ? only : createHash('sha256').update(hashes.join('')).digest('hex');
}

/** @throws RunError if ranks of one group hold unlike weights. */
export function finalWeights(
  held: readonly Held[],
  parameterCount: number,
): { readonly parameters: Float32Array; readonly weightsSha256: string } {
  const firsts = new Map<number, { readonly held: Held; readonly hash: string }>();
  for (const one of held) {
    const hash = heldSha256(one);
    const first = firsts.get(one.group);
    if (first === undefined) firsts.set(one.group, { held: one, hash });
    else if (first.hash !== hash)
      throw new RunError(`rank ${one.rank} ended with other weights than rank ${first.held.rank}`);
  }
  const groups = [...firsts.entries()].sort(([a], [b]) => a - b).map(([, first]) => first);
  if (eachHoldsAll(held, parameterCount))
    return {
      parameters: groups[0]!.held.parameters,
      weightsSha256: rivalsSha256(groups.map(({ hash }) => hash)),
    };
  const parameters = new Float32Array(parameterCount);
  for (const { held } of groups)
    for (const { offset, length } of held.ranges)
      parameters.set(held.parameters.subarray(offset, offset + length), offset);
  return { parameters, weightsSha256: weightsSha256(parameters) };
}
