/** What a rank puts into the reduction buffer, and what becomes of it there before and after it travels. */
import { codecOf } from '../compression/index.js';
import type { Random } from '../random.js';
import type { AggregateOperation, CompressOperation, Range } from '../schedule/operation.js';
import type { ReplicaMemory } from './memory.js';

/** The pseudo-gradient, `anchor - parameters`, of these ranges. */
export function pseudoGradient(
  { anchor, parameters, reduction }: ReplicaMemory,
  ranges: readonly Range[],
): void {
  for (const { offset, length } of ranges)
    for (let i = offset; i < offset + length; i++) reduction[i] = (anchor[i] ?? NaN) - (parameters[i] ?? NaN);
}

/** See {@link CompressOperation}. */
export function compress(memory: ReplicaMemory, operation: CompressOperation, random: Random): void {
  const { reduction, residual, contributions } = memory;
  const { slices, encoding, decay } = operation;
  const codec = codecOf(encoding);
  let slot = operation.slot;
  for (const { offset, length } of slices) {
    const own = reduction.subarray(offset, offset + length);
    const left = residual.subarray(offset, offset + length);
    if (decay > 0) for (let i = 0; i < length; i++) own[i] = decay * left[i]! + own[i]!;
    if (decay > 0) left.set(own);
    const encoded = codec.encode(own, random);
    codec.decode(encoded, own);
    if (decay > 0) for (let i = 0; i < length; i++) left[i] = left[i]! - own[i]!;
    if (slot === undefined) continue;
    contributions.set(encoded, slot);
    slot += encoded.length;
  }
}

/** See {@link AggregateOperation}. */
export function aggregate({ reduction, contributions }: ReplicaMemory, operation: AggregateOperation): void {
  const { slices, encoding, slots } = operation;
  const codec = codecOf(encoding);
  let first = 0;
  for (const { offset, length } of slices) {
    const sum = reduction.subarray(offset, offset + length).fill(0);
    const decoded = new Float32Array(length);
    const bytes = codec.encodedBytes(length);
    for (const slot of slots) {
      codec.decode(contributions.subarray(slot + first, slot + first + bytes), decoded);
      for (let i = 0; i < length; i++) sum[i] = sum[i]! + decoded[i]!;
    }
    first += bytes;
  }
}
