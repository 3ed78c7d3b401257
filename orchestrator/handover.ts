/** The end of a run: nodes hand in what they hold of the model, and it becomes one file. */
import { rm } from 'node:fs/promises';
import { messageOf, RunError } from '../src/errors.js';
import type { Scenario } from '../src/scenario/index.js';
import { finalWeights, parameterLayout, placedValues, writeSafetensors } from '../src/training/index.js';
import type { Members } from './members.js';
import type { Holding } from './schedules/index.js';

type FinalWeights = ReturnType<typeof finalWeights>;

/** Of each group, the rank that is to deliver for all, since all hold the same. */
export function deliverersOf(holdings: readonly Holding[]): number[] {
  return [...new Set(holdings.map(({ group }) => group))].map((group) =>
    holdings.findIndex((holding) => holding.group === group),
  );
}

/**
 * The final weights, put together from what these ranks deliver.
 *
 * @param count parameters of the whole model.
 */
export async function collectWeights(
  members: Members,
  { holdings, ranks, count }: { holdings: readonly Holding[]; ranks: readonly number[]; count: number },
): Promise<FinalWeights> {
  const held = await Promise.all(
    ranks.map(async (rank) => {
      const bytes = await members.weightsOf(rank);
      const values = new Float32Array(new Uint8Array(bytes).buffer);
      const { ranges, group } = holdings[rank]!;
      return { rank, group, ranges, parameters: placedValues(ranges, values, count) };
    }),
  );
  return finalWeights(held, count);
}

/** Writes them as safetensors. @throws RunError if that can't be done; half a file is not left. */
export async function writeWeights(
  file: string,
  scenario: Scenario,
  parameters: Float32Array,
): Promise<void> {
  const metadata = {
    scenario: scenario.name,
    seed: String(scenario.seed),
    rounds: String(scenario.rounds),
  };
  try {
    await writeSafetensors(file, { layout: parameterLayout(scenario.model), parameters, metadata });
  } catch (error) {
    await rm(file, { force: true }); // Half a file would pass for weights.
    throw new RunError(`can't write ${file}: ${messageOf(error)}`);
  }
}
