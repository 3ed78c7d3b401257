/** Everything there is to show of a round, before it is text, JSON or a picture. Pure: a scenario in, data out. */
import { forecast, type Forecast } from '../../../orchestrator/schedules/forecast.js';
import { closedFormOf, requestOf, type ClosedForm } from '../../../orchestrator/schedules/index.js';
import { InputError } from '../../errors.js';
import { topologyOf } from '../../scenario/index.js';
import type { Scenario } from '../../scenario/schema.js';
import type { Topology } from '../../scenario/topology.js';
import { bytesPerRank, type RankBytes } from '../../schedule/bytes.js';
import { parameterCount } from '../../training/model.js';
import { pipelineOf, type PipelineView } from './pipeline.js';

export interface View {
  readonly scenario: Scenario;
  readonly topology: Topology;
  readonly parameters: number;
  /** Of all parameters as float32. */
  readonly bufferBytes: number;
  readonly forecast: Forecast;
  /** By rank, summed over the round's operations. */
  readonly bytes: readonly RankBytes[];
  readonly closedForm: ClosedForm;
  /** Undefined for protocols that have no pipeline. */
  readonly pipeline: PipelineView | undefined;
}

/**
 * @param round The round to show. The first one starts in step and is no example; the default is the one after it,
 *   if there is one.
 * @throws InputError if the scenario has no such round, or as `compileRound`.
 */
export function viewOf(scenario: Scenario, round = Math.min(1, scenario.rounds - 1)): View {
  if (round >= scenario.rounds) {
    throw new InputError(
      `--round: found ${round}; allowed: 0 to ${scenario.rounds - 1}, for the scenario has ${scenario.rounds} rounds`,
    );
  }
  const topology = topologyOf(scenario);
  const parameters = parameterCount(scenario.model);
  const result = forecast(scenario, topology, round);
  return {
    scenario,
    topology,
    parameters,
    bufferBytes: parameters * Float32Array.BYTES_PER_ELEMENT,
    forecast: result,
    bytes: bytesPerRank(result.schedule),
    closedForm: closedFormOf({ ...requestOf(scenario), round }),
    pipeline: pipelineOf(scenario.protocol, result.timed),
  };
}
