/**
 * An inner step of a pipeline is many pieces of work on each node: the tally says when a node has done all of
 * its own, and what they came to together. Only the last stage's node knows a loss.
 */
import type { Operation, StageOperation } from '../src/schedule/operation.js';
import type { WorkReport } from '../src/training/index.js';
import type { StepDone } from './replica.js';

interface OpenStep {
  left: number;
  computeSeconds: number;
  overrunSeconds: number;
  readonly losses: number[];
}

export class StageTally {
  readonly #steps = new Map<number, OpenStep>();

  /** @param operations Of a rank, in one round; a step lies within a round. */
  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      if (operation.kind !== 'stage') continue;
      const open = this.#steps.get(operation.step);
      if (open !== undefined) open.left++;
      else this.#steps.set(operation.step, { left: 1, computeSeconds: 0, overrunSeconds: 0, losses: [] });
    }
  }

  /**
   * Takes note of an operation that has ended.
   *
   * @returns The step, if it was the last of it: with the mean loss of its microbatches, if there is any.
   */
  add(
    { step }: Pick<StageOperation, 'step'>,
    report: WorkReport,
    overrunSeconds: number,
  ): StepDone | undefined {
    const open = this.#steps.get(step);
    if (open === undefined) throw new RangeError(`step ${step} has no work left`);
    open.computeSeconds += report.computeSeconds;
    open.overrunSeconds += overrunSeconds;
    if (report.loss !== undefined) open.losses.push(report.loss);
    if (--open.left > 0) return undefined;
    this.#steps.delete(step);
    const { computeSeconds, losses } = open;
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    return {
      step,
      ...(losses.length > 0 ? { loss } : {}),
      computeSeconds,
      overrunSeconds: open.overrunSeconds,
    };
  }
}
