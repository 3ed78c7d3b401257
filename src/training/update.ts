/** What an outer operation does to a replica's memory: see `Update` in src/schedule/operation.ts. */
import type { InnerSettings } from '../scenario/schema.js';
import type { OuterOperation } from '../schedule/operation.js';
import { eagerStep } from './eager.js';
import { innerOptimizerStep } from './inner.js';
import type { ReplicaMemory } from './memory.js';
import type { ParameterTensor } from './model.js';
import { nesterovStep } from './nesterov.js';
import { nolocoStep } from './noloco.js';

export function applyUpdate(
  memory: ReplicaMemory,
  { update, ranges, contributors }: Pick<OuterOperation, 'update' | 'ranges' | 'contributors'>,
  inner: InnerSettings,
  layout: readonly ParameterTensor[],
): void {
  const { parameters, anchor, outerMomentum, reduction } = memory;
  switch (update.optimizer) {
    case 'inner':
      innerOptimizerStep(memory, reduction, inner, layout, {
        step: update.step,
        divisor: contributors,
        ranges,
      });
      return;
    case 'nesterov':
      nesterovStep(anchor, outerMomentum, reduction, contributors, update, ranges);
      for (const { offset, length } of ranges) {
        for (let i = offset; i < offset + length; i++) {
          parameters[i] = update.mix * parameters[i]! + (1 - update.mix) * anchor[i]!;
        }
      }
      return;
    case 'noloco':
      nolocoStep(memory, contributors, update, ranges);
      for (const { offset, length } of ranges)
        for (let i = offset; i < offset + length; i++) parameters[i] = anchor[i]!;
      return;
    case 'eager':
      eagerStep(memory, contributors, update, ranges);
      return;
  }
}
