/**
 * Distributed data parallel (Li et al., arXiv:2006.15704): gradients are averaged at every step, so a round
 * is one step. It is the baseline against which low-communication protocols are measured. Overlapping the
 * all-reduce with the backward pass by buckets is left out: over a WAN the exchange dwarfs the pass.
 */
import type { DdpProtocol } from '../../src/scenario/schema.js';
import { dataParallelRound } from './data-parallel.js';
import { allAlike, type ProtocolCompiler } from './request.js';

export const ddp: ProtocolCompiler<DdpProtocol> = {
  compile: (request) =>
    dataParallelRound(request, {
      work: 'gradient',
      steps: 1,
      update: { optimizer: 'inner', step: request.round },
    }),
  holdings: allAlike,
  stepsPerRound: () => 1,
};
