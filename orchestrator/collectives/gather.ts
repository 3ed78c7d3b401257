/**
 * All-gather of contributions: each member's bytes come to every other member, where they lie side by side.
 *
 * This is how sparse contributions are exchanged. Two of them can't be summed on their way, for the sum would keep
 * more elements than either, so each goes to everyone, and everyone sums. With N members of B bytes a member sends
 * and receives (N-1)·B (Thakur et al., "Optimization of collective communication operations in MPICH", 2005,
 * section 4.1), which grows with N where an all-reduce's 2·V·(N-1)/N does not: it pays as long as B is well under
 * 2·V/N.
 *
 * `direct`: every member sends its own to each of the others, beginning with its successor, so that no one
 * is everybody's first. Templar and DeMo on the wire: N·(N-1) equal flows.
 * `ring`: every member passes on to its successor what it got from its predecessor, N-1 times. The same bytes, over
 * N flows, each of the N-1 hops waiting for the one before.
 */
import type { Range } from '../../src/schedule/operation.js';
import type { PartBuilder } from '../schedules/part-builder.js';
import { slicesOf } from './divide.js';

export interface GatherRequest {
  readonly members: readonly PartBuilder[];
  /** By member: where its contribution lies in the contributions buffer of all members, bytes. */
  readonly slots: readonly Range[];
  /** Largest slice, bytes. */
  readonly sliceBytes: number;
  readonly route: 'direct' | 'ring';
  /** By member: ids of its operations that fill its own slot. */
  readonly after: readonly (readonly number[])[];
}

/** By member: ids of the operations after which all slots are filled. */
export function allGather({ members, slots, sliceBytes, route, after }: GatherRequest): number[][] {
  const count = members.length;
  const slices = slots.map((slot) => slicesOf(slot, sliceBytes));
  return members.map((part, index) => {
    const filled = after[index] ?? [];
    const ends: number[] = [];
    let received = slices[index]!.map(() => filled);
    for (let step = 1; step < count; step++) {
      // What goes out in this step, to whom; what comes in, from whom.
      const [own, to, from] =
        route === 'ring' ? [index - step + 1, index + 1, index - 1] : [index, index + step, index - step];
      const other = index - step;
      const at = (member: number) => (member + count) % count;
      slices[at(own)]!.forEach((range, k) =>
        part.send({
          peer: members[at(to)]!.rank,
          range,
          after: route === 'ring' ? received[k]! : filled,
          ...AS_IT_IS,
        }),
      );
      received = slices[at(other)]!.map((range) => [
        part.recv({ peer: members[at(from)]!.rank, range, after: filled, ...AS_IT_IS, into: 'copy' }),
      ]);
      const last = received.at(-1);
      if (last) ends.push(...last);
    }
    return ends.length > 0 ? ends : [...filled];
  });
}

const AS_IT_IS = { buffer: 'contributions', encoding: { kind: 'bytes' } } as const;
