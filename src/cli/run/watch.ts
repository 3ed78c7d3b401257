/**
 * What is shown of a run while it goes on: the board and the metrics, for the terminal, the web page and
 * Prometheus alike.
 *
 * Servers and views hold functions that ask it, for who takes part may only be known when nodes have
 * joined: then the plan changes, and with it all that is shown.
 */
import { Board, type BoardSnapshot } from '../../../orchestrator/board.js';
import type { RunEvent } from '../../run/events.js';
import { Metrics, RunMetrics } from '../../../orchestrator/metrics.js';
import { forecast } from '../../../orchestrator/schedules/forecast.js';
import { stepsPerRound } from '../../../orchestrator/schedules/index.js';
import { asNetwork, isTraining, type AnyScenario, type Topology } from '../../scenario/index.js';
import type { FabricKind } from '../../wan/fabric.js';

/** What stands in the place of a protocol where nobody trains. */
const NO_PROTOCOL = 'programs';

export interface Plan {
  readonly scenario: AnyScenario;
  readonly topology: Topology;
  readonly fabric: FabricKind;
}

export class Watch {
  #board: Board;
  #metrics: RunMetrics;

  constructor(plan: Plan) {
    this.#board = boardOf(plan);
    this.#metrics = metricsOf(plan, this.#board);
  }

  /** Shows another plan from now on, of which nothing has happened yet. */
  change(plan: Plan): void {
    this.#board = boardOf(plan);
    this.#metrics = metricsOf(plan, this.#board);
  }

  readonly snapshot = (): BoardSnapshot => this.#board.snapshot();

  readonly metrics = (): RunMetrics => this.#metrics;

  /** Says how many nodes have come, of how many. */
  attendance(joined: number, expected: number): void {
    this.#metrics.attendance({ joined, expected });
  }

  apply(event: RunEvent): void {
    this.#board.apply(event);
    this.#metrics.apply(event);
  }
}

/** Without training there are no rounds, and it is the programs' hosts that are shown. */
function boardOf({ scenario, topology, fabric }: Plan): Board {
  if (!isTraining(scenario))
    return new Board(asNetwork(topology), {
      scenario: scenario.name,
      protocol: NO_PROTOCOL,
      fabric,
      rounds: 0,
      stepsPerRound: 0,
      pace: 0,
      durationSeconds: scenario.duration,
    });
  const { protocol, rounds, pace } = scenario;
  return new Board(topology, {
    scenario: scenario.name,
    protocol: protocol.kind,
    fabric,
    rounds,
    stepsPerRound: stepsPerRound(protocol),
    pace,
    expectedPeriodSeconds: forecast(scenario, topology).heartbeat.periodSeconds,
  });
}

/** Nodes that are processes of their own speak to Prometheus for themselves. */
function metricsOf({ scenario, topology, fabric }: Plan, board: Board): RunMetrics {
  const protocol = isTraining(scenario) ? scenario.protocol.kind : NO_PROTOCOL;
  const info = { scenario: scenario.name, protocol, fabric };
  const shown = isTraining(scenario) ? topology : asNetwork(topology);
  const metrics = fabric === 'containers' ? new RunMetrics(info) : new Metrics(shown, info);
  metrics.watch(board);
  return metrics;
}
