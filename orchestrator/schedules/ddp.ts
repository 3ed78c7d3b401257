/**
 * Distributed data parallel (Li et al., arXiv:2006.15704): gradients are averaged at every step, so a round
 * is one step. It is the baseline against which low-communication protocols are measured. Overlapping the
 * all-reduce with the backward pass by buckets is left out: over a WAN the exchange dwarfs the pass.
 */
import type { DdpProtocol } from '../../src/scenario/schema.js';
import { dataParallelRound, type CompileRound } from './data-parallel.js';

export const compileDdpRound: CompileRound<DdpProtocol> = (request) =>
  dataParallelRound(request, { work: 'gradient', steps: 1, optimizer: 'inner' });
