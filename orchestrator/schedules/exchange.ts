/**
 * How the members of a data-parallel protocol come to the sum of what each contributes: by a collective if
 * slices can be summed on their way, by gathering everybody's contribution if they can't.
 *
 * Between the two lies the compression: what it leaves out of a contribution stays with its owner and is added
 * the next time.
 */
import {
  encodedBytes,
  isSparse,
  type DenseEncoding,
  type SparseEncoding,
} from '../../src/compression/index.js';
import type { CollectiveName, CompressionSettings } from '../../src/scenario/schema.js';
import type { Range } from '../../src/schedule/operation.js';
import { elementsIn } from '../../src/training/ranges.js';
import { chunkSlices } from '../collectives/divide.js';
import { allGather } from '../collectives/gather.js';
import { collectives, type CollectiveEnds } from '../collectives/index.js';
import { decayOf, encodingOf } from './compression.js';
import type { PartBuilder } from './part-builder.js';
import { checkedSliceBytes, checkedSliceElements } from './slice-size.js';

export interface ExchangeRequest {
  readonly protocol: {
    readonly slice: number;
    readonly collective: CollectiveName;
    readonly compression: CompressionSettings;
  };
  readonly members: readonly PartBuilder[];
  /** What is summed, of the reduction buffer; several ranges are exchanged as one. */
  readonly ranges: readonly Range[];
  /** By member: what fills the ranges. */
  readonly after: readonly (readonly number[])[];
  /** By member. */
  readonly regions: readonly string[];
  /** Time that compressing takes, and summing what was gathered, in outer paces; as the update that follows. */
  readonly cost: number;
  /** Lists what a member's device does while slices travel: after its own is compressed, before all are summed. */
  readonly meanwhile?: (member: PartBuilder) => void;
}

/**
 * By member: the operations after which its ranges hold the sum, the same bits for all.
 *
 * @throws InputError naming `protocol.slice` if a slice holds no whole element, or is so small that a round would
 *   have too many operations.
 */
export function exchange(request: ExchangeRequest): CollectiveEnds {
  const { members, after, meanwhile } = request;
  if (members.length < 2) {
    if (meanwhile) members.forEach(meanwhile);
    return after;
  }
  const encoding = encodingOf(request.protocol.compression);
  return isSparse(encoding) ? gatherAndSum(request, encoding) : reduce(request, encoding);
}

/** With error feedback each rounds its own before, slice by slice as the collective will first send it. */
function reduce(request: ExchangeRequest, encoding: DenseEncoding): CollectiveEnds {
  const { protocol, members, ranges, after, regions, cost, meanwhile } = request;
  const { slice, collective, compression } = protocol;
  const sliceElements = checkedSliceElements(slice, elementsIn(ranges), 4 * (members.length - 1));
  const decay = decayOf(compression);
  const slices = chunkSlices(ranges, members.length, sliceElements).flat();
  const compressed =
    decay === 0
      ? after
      : members.map((part, index) => [
          part.device({ kind: 'compress', after: after[index] ?? [], slices, encoding, decay, cost }),
        ]);
  const ends = collectives[collective]({
    ...{ members, ranges, sliceElements, encoding, after: compressed, regions },
  });
  if (meanwhile) members.forEach(meanwhile);
  return ends;
}

/**
 * Everybody's contribution comes to everybody, who sums them in the order of members, the own one among them as
 * others will read it. Around a ring if that is the collective, otherwise directly.
 */
function gatherAndSum(request: ExchangeRequest, encoding: SparseEncoding): CollectiveEnds {
  const { protocol, members, ranges, after, cost, meanwhile } = request;
  const { slice, collective, compression } = protocol;
  const count = members.length;
  const bytes = ranges.reduce((sum, { length }) => sum + encodedBytes(encoding, length), 0);
  const sliceBytes = checkedSliceBytes(slice, bytes, 2 * count * (count - 1));
  const first = commonSlot(members, count * bytes);
  const slots = members.map((_, owner) => ({ offset: first + owner * bytes, length: bytes }));

  const compressed = members.map((part, index) => [
    part.device({
      ...{ kind: 'compress', after: after[index] ?? [], encoding, decay: decayOf(compression) },
      ...{ slices: ranges, cost },
      slot: slots[index]!.offset,
    }),
  ]);
  const route = collective === 'ring' ? 'ring' : 'direct';
  const gathered = allGather({ members, slots, sliceBytes, route, after: compressed });
  if (meanwhile) members.forEach(meanwhile);
  return members.map((part, index) => [
    part.device({
      ...{ kind: 'aggregate', after: gathered[index]!, slices: ranges, encoding, cost },
      slots: slots.map(({ offset }) => offset),
    }),
  ]);
}

/** Reserves bytes of the contributions buffer, at the same place for all members: transfers name one place only. */
function commonSlot(members: readonly PartBuilder[], bytes: number): number {
  const [first = 0, ...others] = members.map((part) => part.contribution(bytes));
  if (others.some((other) => other !== first))
    throw new RangeError('members have reserved unlike parts of their contributions buffers before');
  return first;
}
