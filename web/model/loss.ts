/** The loss curve: a point per round that all nodes have finished, and one for where they are now. */
import type { WireBoard } from '../../orchestrator/web/wire.js';

export interface LossPoint {
  /** Rounds done; between two of them while a round goes on. */
  readonly round: number;
  readonly loss: number;
}

export function lossPoints(board: WireBoard): LossPoint[] {
  const { finishedRounds, meanLoss, nodes, stepsPerRound, rounds } = board;
  const points = finishedRounds.flatMap(({ round, meanLoss: loss }) =>
    loss === null ? [] : [{ round: round + 1, loss }],
  );
  const steps = nodes.reduce((sum, node) => sum + node.steps, 0) / Math.max(1, nodes.length);
  const now = Math.min(rounds, steps / stepsPerRound);
  // After the last step of a round its loss is that of the round, of which there will be a point.
  if (meanLoss !== null && now > (points.at(-1)?.round ?? 0)) points.push({ round: now, loss: meanLoss });
  return points;
}
