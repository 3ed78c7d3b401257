/**
 * What Prometheus is told of a run as a whole: which one it is, how far it is, how its gate stands.
 *
 * All of it stands on the board already, so nothing is counted here a second time: when Prometheus comes, the
 * board is read and the figures are copied. What the board does not know yet is left out and not told as zero.
 */
import { Gauge, type Registry } from 'prom-client';
import type { BoardSnapshot } from './board.js';

/** Labels of the series that says which run this is. */
export interface RunInfo {
  readonly scenario: string;
  readonly protocol: string;
  readonly fabric: string;
}

/** How many nodes have come, and how many the mesh is to have. */
export interface Attendance {
  readonly joined: number;
  readonly expected: number;
}

/** The figures without labels, and how they are read off the board; null where it does not know. */
const FIGURES: readonly (readonly [
  name: string,
  help: string,
  read: (board: BoardSnapshot) => number | null,
])[] = [
  ['meshbeat_rounds_planned', 'Rounds that the run is to have.', ({ rounds }) => rounds],
  ['meshbeat_rounds_done', 'Rounds that all nodes have finished.', ({ roundsDone }) => roundsDone],
  [
    'meshbeat_remaining_seconds',
    'Time until the last round is done, as far as can be told.',
    ({ secondsLeft }) => secondsLeft,
  ],
  [
    'meshbeat_expected_period_seconds',
    'Period of the heartbeat that the schedule promises.',
    ({ expectedPeriodSeconds }) => expectedPeriodSeconds,
  ],
  [
    'meshbeat_period_seconds',
    'Mean time from one round’s end to the next’s, by the nodes’ own reports.',
    ({ periodSeconds }) => periodSeconds,
  ],
  [
    'meshbeat_mean_training_loss',
    'Mean over nodes of their last training losses, nats per byte.',
    ({ meanLoss }) => meanLoss,
  ],
  [
    'meshbeat_gate_ok',
    'Whether all checks that the gate has made so far have passed.',
    ({ gate }) => (gate === null ? null : Number(gate.checks.every(({ ok }) => ok))),
  ],
  [
    'meshbeat_gate_final',
    'Whether the gate has made all its checks.',
    ({ gate }) => (gate === null ? null : Number(gate.final)),
  ],
];

export class RunSeries {
  readonly #joined: Gauge;
  readonly #expected: Gauge;
  readonly #figures: { readonly gauge: Gauge; readonly read: (board: BoardSnapshot) => number | null }[];
  readonly #synchronizing: Gauge<'node'>;
  readonly #check: Gauge<'check'>;

  constructor(registry: Registry, run: RunInfo) {
    const registers = [registry];
    const info = new Gauge({
      name: 'meshbeat_run_info',
      help: 'Which run this is; always 1.',
      labelNames: ['scenario', 'protocol', 'fabric'],
      registers,
    });
    info.set({ ...run }, 1);
    this.#joined = new Gauge({
      name: 'meshbeat_joined_nodes',
      help: 'Nodes that have joined the mesh.',
      registers,
    });
    this.#expected = new Gauge({
      name: 'meshbeat_expected_nodes',
      help: 'Nodes that the mesh is to have.',
      registers,
    });
    this.#figures = FIGURES.map(([name, help, read]) => ({
      gauge: new Gauge({ name, help, registers }),
      read,
    }));
    this.#synchronizing = new Gauge({
      name: 'meshbeat_node_synchronizing',
      help: 'Whether the node exchanges weights now, by its own report: the inner steps of its round are done.',
      labelNames: ['node'],
      registers,
    });
    this.#check = new Gauge({
      name: 'meshbeat_gate_check',
      help: 'Whether a check of the gate has passed, as far as the run has come.',
      labelNames: ['check'],
      registers,
    });
    for (const { gauge } of this.#figures) gauge.remove(); // prom-client starts at zero, which would be a lie.
  }

  attendance({ joined, expected }: Attendance): void {
    this.#joined.set(joined);
    this.#expected.set(expected);
  }

  /** Copies what the board shows. */
  read(board: BoardSnapshot): void {
    const { nodes, gate } = board;
    for (const { gauge, read } of this.#figures) {
      const value = read(board);
      if (value === null) gauge.remove();
      else gauge.set(value);
    }
    for (const { name: node, phase } of nodes)
      this.#synchronizing.set({ node }, Number(phase === 'synchronizing'));
    this.#check.reset();
    const failed = new Set(gate?.checks.filter(({ ok }) => !ok).map(({ name }) => name));
    for (const { name } of gate?.checks ?? []) this.#check.set({ check: name }, Number(!failed.has(name)));
  }
}
