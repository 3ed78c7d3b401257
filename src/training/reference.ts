/**
 * The yardstick: a whole scenario trained in one process, without network, threads or clocks.
 *
 * It plays the very schedules that a mesh plays, with the very steps that a device runs, one operation at a
 * time. A mesh of the same scenario must end with the same bits, whatever its links did to the timing.
 * How a protocol is compiled to schedules is the caller's to say, for src does not know the orchestrator.
 */
import type { Scenario } from '../scenario/schema.js';
import type { ComputeOperation, DeviceOperation, Range, Schedule } from '../schedule/operation.js';
import { playRound, type Trainer } from '../schedule/reference.js';
import { finalWeights, type Held } from './final-weights.js';
import { allocateReplica, withScratch, type ReplicaMemory } from './memory.js';
import { parameterCount } from './model.js';
import { trainingSettingsOf } from './settings.js';
import { startingParameters } from './starting-parameters.js';
import { createSteps, type Steps } from './steps.js';

/** What the caller's protocol comes to. */
export interface Compiled {
  /** Compiles one round; counts rounds from 0. */
  readonly compileRound: (round: number) => Schedule;
  /** By rank: what it holds of the model, and with whom it must agree. */
  readonly holdings: readonly { readonly ranges: readonly Range[]; readonly group: number }[];
}

export interface ReferenceResult {
  /** Held-out loss before the first and after the last round, nats per byte. */
  readonly initialLoss: number;
  readonly finalLoss: number;
  readonly weightsSha256: string;
}

/**
 * Trains all rounds of the scenario.
 *
 * @throws InputError if the scenario's documents can't be dealt; RunError if training diverges, or if
 *   ranks that should agree end with unlike weights.
 */
export async function trainReference(
  scenario: Scenario,
  { compileRound, holdings }: Compiled,
): Promise<ReferenceResult> {
  const settings = trainingSettingsOf(scenario);
  const steps = createSteps(settings);
  const count = parameterCount(settings.shape);
  const initial = new Float32Array(count);
  startingParameters(settings, initial);

  const replicas = holdings.map(() => allocateReplica(count));
  replicas.forEach((replica, rank) => steps.initialise(replica, holdings[rank]!.ranges));
  const trainer = trainerOf(settings.seed, steps, replicas);
  const objects = new Map<string, Uint8Array>();
  for (let round = 0; round < scenario.rounds; round++)
    await playRound(compileRound(round), trainer, { objects });

  const held: Held[] = holdings.map(({ ranges, group }, rank) => ({
    rank,
    group,
    ranges,
    parameters: replicas[rank]!.parameters,
  }));
  const { parameters, weightsSha256 } = finalWeights(held, count);
  const initialLoss = steps.evaluate(initial);
  return { initialLoss, finalLoss: steps.evaluate(parameters), weightsSha256 };
}

/** Plays operations on these replicas, one for each rank; one whose scratch has to grow is replaced in the list. */
export function trainerOf(seed: number, steps: Steps, replicas: ReplicaMemory[]): Trainer {
  const replicaOf = (rank: number): ReplicaMemory => {
    const replica = replicas[rank];
    if (!replica) throw new RangeError(`no rank ${rank} among ${replicas.length}`);
    return replica;
  };
  return {
    seed,
    buffers({ rank, scratch }) {
      return (replicas[rank] = withScratch(replicaOf(rank), scratch));
    },
    work(rank, round, operation: DeviceOperation) {
      const memory = replicaOf(rank);
      if (operation.kind === 'wait') return;
      if (operation.kind === 'compute') compute(steps, memory, rank, operation);
      else steps.work(memory, operation, { rank, round });
    },
  };
}

function compute(
  steps: Steps,
  memory: ReplicaMemory,
  rank: number,
  { work, firstStep, steps: count, contribution }: ComputeOperation,
): void {
  if (work === 'gradient') {
    steps.gradient(memory, rank, firstStep);
    return;
  }
  for (let step = firstStep; step < firstStep + count; step++) steps.innerStep(memory, rank, step);
  steps.pseudoGradient(memory, contribution);
}
