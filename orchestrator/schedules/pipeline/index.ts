/** Pipeline schedules: one file each, all of one form. A new one is one new file, and one line in the table below. */
import type { PipelineProtocol } from '../../../src/scenario/schema.js';
import type { ActionLists, PipelineSchedule } from './action.js';
import { gpipe } from './gpipe.js';
import { interleaved } from './interleaved.js';
import { oneForwardOneBackward } from './one-f-one-b.js';
import { zeroBubbleH1 } from './zero-bubble.js';

const schedules: { readonly [Name in PipelineProtocol['schedule']]: PipelineSchedule } = {
  gpipe,
  '1f1b': oneForwardOneBackward,
  interleaved,
  'zb-h1': zeroBubbleH1,
};

/**
 * By rank of a pipeline: what it does in one step.
 *
 * @throws InputError if the schedule can't be made of so many microbatches.
 */
export function actionsOf({
  schedule,
  stages: ranks,
  microbatches,
  chunks,
}: Pick<PipelineProtocol, 'schedule' | 'stages' | 'microbatches' | 'chunks'>): ActionLists {
  return schedules[schedule]({ ranks, microbatches, chunks });
}

export {
  actionText,
  formatActions,
  peakInFlight,
  type Action,
  type ActionLists,
  type ActionWork,
} from './action.js';
