/**
 * 1F1B, that is PipeDream-flush (Narayanan et al., arXiv:2104.04473, section 2.2.1): a rank begins with as many
 * forward passes as there are ranks after it, then takes a forward and a backward pass in turn. As long in
 * time as GPipe; but rank r never holds more than p-r microbatches, however many there are.
 */
import { alternate, passes, type PipelineSchedule } from './action.js';

export const oneForwardOneBackward: PipelineSchedule = ({ ranks, microbatches }) =>
  Array.from({ length: ranks }, (_, rank) =>
    alternate(
      passes('F', rank, microbatches),
      passes('B', rank, microbatches).map((pass) => [pass]),
      ranks - 1 - rank,
    ),
  );
