/**
 * GPipe (Huang et al., arXiv:1811.06965): all forward passes, then all backward ones. The simplest order there
 * is, and the one that must remember most: every rank holds the inputs of all m microbatches at once.
 */
import { passes, type PipelineSchedule } from './action.js';

export const gpipe: PipelineSchedule = ({ ranks, microbatches }) =>
  Array.from({ length: ranks }, (_, rank) => [
    ...passes('F', rank, microbatches),
    ...passes('B', rank, microbatches),
  ]);
