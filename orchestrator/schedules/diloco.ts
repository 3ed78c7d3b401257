/**
 * DiLoCo (Douillard et al., arXiv:2311.08105): every node takes H inner steps on its own, then the nodes
 * average how far they moved, the pseudo-gradient, and each applies it with Nesterov momentum. One exchange
 * of the model's size per H steps is the heartbeat that this project listens for.
 */
import type { DilocoProtocol } from '../../src/scenario/schema.js';
import { dataParallelRound } from './data-parallel.js';
import { eagerRound } from './eager.js';
import { allAlike, eachItsOwn, type ProtocolCompiler } from './request.js';

export const diloco: ProtocolCompiler<DilocoProtocol> = {
  compile: (request) =>
    request.protocol.overlap === 'eager'
      ? eagerRound(request)
      : dataParallelRound(request, {
          work: 'inner-steps',
          steps: request.protocol.innerSteps,
          update: { optimizer: 'nesterov', ...request.protocol.outer, mix: 0 },
        }),
  holdings: (request) => (request.protocol.overlap === 'eager' ? eachItsOwn(request) : allAlike(request)),
  stepsPerRound: ({ innerSteps }) => innerSteps,
};
