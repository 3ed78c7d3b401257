/** "Training": does it learn, do the nodes keep their pace, what do their processes need. */
import { dashboard, THE_NODES, THE_RUN } from './frame.js';
import { figures, lines, states, type Names } from './panels.js';

const PHASE: Names = {
  0: { text: 'computes', color: 'dark-blue' },
  1: { text: 'exchanges weights', color: 'orange' },
};

/** Mean of a histogram over the window shown. */
const meanOf = (histogram: string): string =>
  `sum by (node) (increase(${histogram}_sum${THE_NODES}[$__range]))` +
  ` / sum by (node) (increase(${histogram}_count${THE_NODES}[$__range]))`;

export const training = dashboard({
  uid: 'training',
  title: 'Training',
  description: 'What the nodes train, how fast, and what their processes need for it.',
  panels: [
    figures(
      {
        title: 'Rounds',
        description: 'Rounds that all nodes have finished, of those the run is to have.',
        width: 6,
        height: 4,
      },
      [
        { expr: `meshbeat_rounds_done${THE_RUN}`, legend: 'done' },
        { expr: `meshbeat_rounds_planned${THE_RUN}`, legend: 'planned' },
      ],
    ),
    figures(
      {
        title: 'Time left',
        description: 'Until the last round is done, at the present period.',
        unit: 's',
        decimals: 0,
        width: 4,
        height: 4,
      },
      [{ expr: `meshbeat_remaining_seconds${THE_RUN}`, legend: 'left' }],
    ),
    figures(
      {
        title: 'Mean training loss',
        description: 'Mean over nodes of the loss of their last inner step, nats per byte.',
        decimals: 3,
        width: 4,
        height: 4,
      },
      [{ expr: `meshbeat_mean_training_loss${THE_RUN}`, legend: 'loss' }],
    ),
    figures(
      {
        title: 'Missed paces',
        description: 'Inner steps that took longer than the scenario’s pace; the gate allows none.',
        decimals: 0,
        width: 4,
        height: 4,
      },
      [{ expr: `sum(meshbeat_step_overruns_total${THE_NODES})`, legend: 'missed' }],
    ),
    figures(
      {
        title: 'Nodes',
        description: 'Nodes that have joined, of those the mesh is to have.',
        width: 6,
        height: 4,
      },
      [
        { expr: `meshbeat_joined_nodes${THE_RUN}`, legend: 'joined' },
        { expr: `meshbeat_expected_nodes${THE_RUN}`, legend: 'expected' },
      ],
    ),
    lines(
      {
        title: 'Training loss',
        description:
          'Of each node’s last inner step, nats per byte; it jumps where averaged weights come in.',
        decimals: 2,
        width: 24,
        height: 9,
      },
      [
        { expr: `sum by (node) (meshbeat_training_loss${THE_NODES})`, legend: '{{node}}' },
        { expr: `meshbeat_mean_training_loss${THE_RUN}`, legend: 'mean' },
      ],
    ),
    states(
      {
        title: 'What each node does',
        description: 'By its own report: it computes, or its inner steps are done and it exchanges weights.',
        width: 24,
        height: 6,
      },
      { expr: `sum by (node) (meshbeat_node_synchronizing${THE_NODES})`, legend: '{{node}}' },
      PHASE,
    ),
    lines(
      {
        title: 'Inner steps',
        description: 'Inner steps per second of each node.',
        unit: 'ops',
        width: 8,
        height: 8,
      },
      [
        {
          expr: `sum by (node) (rate(meshbeat_inner_steps_total${THE_NODES}[$__rate_interval]))`,
          legend: '{{node}}',
        },
      ],
    ),
    lines(
      {
        title: 'Outer steps',
        description: 'Optimizer updates on the averaged weights, since the start.',
        width: 8,
        height: 8,
      },
      [{ expr: `sum by (node) (meshbeat_outer_steps_total${THE_NODES})`, legend: '{{node}}' }],
    ),
    lines(
      {
        title: 'Rounds and bursts',
        description: 'Mean length of a round and of the exchange in it, by the nodes’ traces.',
        unit: 's',
        width: 8,
        height: 8,
      },
      [
        { expr: meanOf('meshbeat_round_duration_seconds'), legend: '{{node}} round' },
        { expr: meanOf('meshbeat_burst_duration_seconds'), legend: '{{node}} burst' },
      ],
    ),
    lines(
      {
        title: 'Work of an inner step',
        description: 'Mean time the device worked for an inner step; the rest of the pace is waited for.',
        unit: 's',
        width: 8,
        height: 8,
      },
      [{ expr: meanOf('meshbeat_step_compute_seconds'), legend: '{{node}}' }],
    ),
    lines(
      {
        title: 'Event loop',
        description: 'Longest hold-up of each node’s event loop in its last round; the gate allows 250 ms.',
        unit: 's',
        width: 8,
        height: 8,
      },
      [{ expr: `sum by (node) (meshbeat_event_loop_lag_seconds${THE_NODES})`, legend: '{{node}}' }],
    ),
    lines(
      {
        title: 'Memory',
        description:
          'Resident memory of each process: of every node with containers, else of the one there is.',
        unit: 'bytes',
        width: 4,
        height: 8,
      },
      [{ expr: `process_resident_memory_bytes${THE_RUN}`, legend: '{{job}} {{node}}' }],
    ),
    lines(
      {
        title: 'Processor',
        description: 'Cores that each process keeps busy.',
        decimals: 2,
        width: 4,
        height: 8,
      },
      [
        {
          expr: `rate(process_cpu_seconds_total${THE_RUN}[$__rate_interval])`,
          legend: '{{job}} {{node}}',
        },
      ],
    ),
  ],
});
