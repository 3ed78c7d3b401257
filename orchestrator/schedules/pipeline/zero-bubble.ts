/**
 * ZB-H1 (Qi et al., "Zero bubble pipeline parallelism", arXiv:2401.10241, section 2.1): 1F1B with the backward
 * pass cut in two. Only the half by the stage's input (I) is waited for by the rank before; the half by the
 * weights (W) can wait, and fills the time in which 1F1B would be idle at the end.
 *
 * Rank r lets its weight passes lag r microbatches behind. It begins with p-1-r forward passes, so it holds at
 * most (p-r) + r = p microbatches at once: every rank as many as 1F1B's first, which is what H1 promises.
 * The schedules of the paper that hold more (H2) have no bubble at all, but need an optimizer step that may be
 * taken back, and are not here.
 */
import { alternate, passes, type PipelineSchedule } from './action.js';

export const zeroBubbleH1: PipelineSchedule = ({ ranks, microbatches }) =>
  Array.from({ length: ranks }, (_, rank) => {
    const weights = passes('W', rank, microbatches);
    const backwards = passes('I', rank, microbatches).map((input, i) => [
      input,
      ...(i < rank ? [] : weights.slice(i - rank, i - rank + 1)),
    ]);
    return [
      ...alternate(passes('F', rank, microbatches), backwards, ranks - 1 - rank),
      ...weights.slice(Math.max(0, microbatches - rank)),
    ];
  });
