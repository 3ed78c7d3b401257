/**
 * DiLoCo (Douillard et al., arXiv:2311.08105): every node takes H inner steps on its own, then the nodes
 * average how far they moved, the pseudo-gradient, and each applies it with Nesterov momentum. One exchange
 * of the model's size per H steps is the heartbeat that this project listens for.
 */
import type { DilocoProtocol } from '../../src/scenario/schema.js';
import { dataParallelRound, type CompileRound } from './data-parallel.js';

export const compileDilocoRound: CompileRound<DilocoProtocol> = (request) =>
  dataParallelRound(request, {
    work: 'inner-steps',
    steps: request.protocol.innerSteps,
    optimizer: 'nesterov',
  });
