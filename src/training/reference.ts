/**
 * The yardstick: a whole scenario trained in one process, without network, threads or clocks.
 *
 * It plays the very schedules that a mesh plays, with the very steps that a device runs, one operation at a
 * time. A mesh of the same scenario must end with the same bits, whatever its links did to the timing.
 * How a protocol is compiled to schedules is the caller's to say, for src does not know the orchestrator.
 */
import { RunError } from '../errors.js';
import type { Protocol, Scenario } from '../scenario/schema.js';
import type { Schedule } from '../schedule/operation.js';
import { playRound, type Trainer } from '../schedule/reference.js';
import { allocateReplica, type ReplicaMemory } from './memory.js';
import { parameterCount } from './model.js';
import { weightsSha256 } from './safetensors.js';
import { trainingSettingsOf } from './settings.js';
import { createSteps, type Steps } from './steps.js';

/** Compiles one round of the protocol; counts rounds from 0. */
export type CompileRound = (request: {
  readonly protocol: Protocol;
  readonly worldSize: number;
  readonly parameterCount: number;
  readonly round: number;
}) => Schedule;

export interface ReferenceResult {
  /** Held-out loss before the first and after the last round, nats per byte. */
  readonly initialLoss: number;
  readonly finalLoss: number;
  readonly weightsSha256: string;
}

/**
 * Trains all rounds of the scenario.
 *
 * @throws InputError if the scenario's documents can't be dealt; RunError if training diverges, or if the
 *   ranks end with unlike weights.
 */
export async function trainReference(
  scenario: Scenario,
  compileRound: CompileRound,
): Promise<ReferenceResult> {
  const settings = trainingSettingsOf(scenario);
  const steps = createSteps(settings);
  const worldSize = settings.data.genres.length;
  const count = parameterCount(settings.shape);
  const replicas = Array.from({ length: worldSize }, () => allocateReplica(count));
  for (const replica of replicas) steps.initialise(replica);

  const initialLoss = steps.evaluate(replicaOf(replicas, 0));
  const trainer = trainerOf(scenario.protocol, steps, replicas);
  const buffers = replicas.map((replica) => replica.reduction);
  for (let round = 0; round < scenario.rounds; round++) {
    const schedule = compileRound({ protocol: scenario.protocol, worldSize, parameterCount: count, round });
    await playRound(schedule, buffers, trainer);
  }
  const hashes = replicas.map((replica) => weightsSha256(replica.parameters));
  const [hash = ''] = hashes;
  const odd = hashes.findIndex((other) => other !== hash);
  if (odd >= 0) throw new RunError(`rank ${odd} ended with other weights than rank 0`);
  return { initialLoss, finalLoss: steps.evaluate(replicaOf(replicas, 0)), weightsSha256: hash };
}

function trainerOf(protocol: Protocol, steps: Steps, replicas: readonly ReplicaMemory[]): Trainer {
  /** The last step of each rank, which the optimizer of an outer operation counts. */
  const lastStep = new Map<number, number>();
  return {
    compute(rank, { work, firstStep, steps: count }) {
      const memory = replicaOf(replicas, rank);
      lastStep.set(rank, firstStep + count - 1);
      switch (work) {
        case 'inner-steps':
          for (let step = firstStep; step < firstStep + count; step++) steps.innerStep(memory, rank, step);
          steps.pseudoGradient(memory);
          break;
        case 'gradient':
          steps.gradient(memory, rank, firstStep);
          break;
      }
    },
    outer(rank, { optimizer }) {
      const memory = replicaOf(replicas, rank);
      switch (optimizer) {
        case 'nesterov':
          if (protocol.kind !== 'diloco')
            throw new RunError(`protocol ${protocol.kind} has no outer optimizer`);
          steps.outerUpdate(memory, replicas.length, protocol.outer);
          break;
        case 'inner': {
          const step = lastStep.get(rank);
          if (step === undefined) throw new RunError(`rank ${rank} is to update before it computed`);
          steps.innerUpdate(memory, step, replicas.length);
          break;
        }
      }
    },
  };
}

function replicaOf(replicas: readonly ReplicaMemory[], rank: number): ReplicaMemory {
  const replica = replicas[rank];
  if (!replica) throw new RangeError(`no rank ${rank} among ${replicas.length}`);
  return replica;
}
