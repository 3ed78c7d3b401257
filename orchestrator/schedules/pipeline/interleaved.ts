/**
 * Interleaved 1F1B (Narayanan et al., arXiv:2104.04473, section 2.2.2): each rank holds v short stages instead of
 * a long one, so that a microbatch goes round the ranks v times. The pipeline fills in steps of a v-th of the
 * time, and so the bubble is a v-th; the price is v times the messages, and hops from the last rank back to
 * the first.
 */
import { InputError } from '../../../src/errors.js';
import { alternate, type Action, type ActionWork, type PipelineSchedule } from './action.js';

/**
 * Microbatches pass in groups of p: a rank takes a group through its first stage, then through its second, and so
 * on, then comes the next group; backwards from its last stage to its first. It begins with (v-1)·p forward
 * passes and two more for each rank after it, then takes a forward and a backward pass in turn.
 *
 * @throws InputError if the microbatches are no multiple of the ranks.
 */
export const interleaved: PipelineSchedule = ({ ranks, microbatches, chunks }) => {
  if (microbatches % ranks !== 0)
    throw new InputError(`protocol.microbatches: found ${microbatches}; allowed: a multiple of ${ranks}`);
  const group = ranks * chunks;
  return Array.from({ length: ranks }, (_, rank) => {
    const pass = (work: ActionWork, index: number): Action => {
      const turn = Math.floor((index % group) / ranks);
      const chunk = work === 'F' ? turn : chunks - 1 - turn;
      const microbatch = Math.floor(index / group) * ranks + (index % ranks);
      return { work, stage: chunk * ranks + rank, microbatch };
    };
    const indices = Array.from({ length: microbatches * chunks }, (_, index) => index);
    return alternate(
      indices.map((index) => pass('F', index)),
      indices.map((index) => [pass('B', index)]),
      (chunks - 1) * ranks + 2 * (ranks - 1 - rank),
    );
  });
};
