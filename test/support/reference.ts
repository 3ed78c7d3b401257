/** What a run of a scenario must come to: the same rounds, in one process, without a network. */
import { compiledOf } from '../../orchestrator/schedules/index.js';
import type { Scenario } from '../../src/scenario/schema.js';
import { trainReference, type ReferenceResult } from '../../src/training/index.js';

export const referenceOf = (scenario: Scenario): Promise<ReferenceResult> =>
  trainReference(scenario, compiledOf(scenario));
