/** "Heartbeat": the traffic of all nodes as one live picture, and what the rules read off it. */
import { dashboard, THE_NODES, THE_RUN } from './frame.js';
import { bars, figures, lines, matrix, states, table, type Names } from './panels.js';

const BITS = 'bps';
const BURST: Names = {
  0: { text: 'quiet', color: 'transparent' },
  1: { text: 'burst', color: 'orange' },
};
const VERDICT: Names = {
  0: { text: 'broken', color: 'dark-red' },
  1: { text: 'ok', color: 'dark-green' },
};

export const heartbeat = dashboard({
  uid: 'heartbeat',
  title: 'Heartbeat',
  description: 'The beat of a training run on the wire: all nodes send at once, then all are silent.',
  panels: [
    figures(
      {
        title: 'Period',
        description:
          'Time from burst to burst: read off byte counters, told by the nodes, promised by the schedule.',
        unit: 's',
        decimals: 2,
        width: 8,
        height: 4,
      },
      [
        { expr: `mesh:meshbeat_burst_period_seconds:median${THE_RUN}`, legend: 'on the wire' },
        { expr: `meshbeat_period_seconds${THE_RUN}`, legend: 'by the nodes' },
        { expr: `meshbeat_expected_period_seconds${THE_RUN}`, legend: 'expected' },
      ],
    ),
    figures(
      {
        title: 'In step',
        description: 'When anyone bursts, the share of the nodes that does so at the same time.',
        unit: 'percentunit',
        decimals: 0,
        width: 3,
        height: 4,
      },
      [{ expr: `mesh:meshbeat_burst_synchrony:avg2m${THE_RUN}`, legend: 'in step' }],
    ),
    figures(
      {
        title: 'Duty cycle',
        description: 'Share of the time in which a node bursts; mean over the nodes.',
        unit: 'percentunit',
        decimals: 1,
        width: 3,
        height: 4,
      },
      [{ expr: `mesh:meshbeat_burst_duty_cycle:avg${THE_RUN}`, legend: 'duty cycle' }],
    ),
    figures(
      {
        title: 'Burst',
        description: 'Bytes that a node sends in one burst; mean over the nodes.',
        unit: 'decbytes',
        decimals: 1,
        width: 3,
        height: 4,
      },
      [{ expr: `mesh:meshbeat_burst_bytes:avg${THE_RUN}`, legend: 'bytes' }],
    ),
    figures(
      {
        title: 'Outer step and loss',
        description:
          'Rounds that all nodes have finished, and the mean of their training losses, nats per byte.',
        width: 4,
        height: 4,
      },
      [
        { expr: `meshbeat_rounds_done${THE_RUN}`, legend: 'step' },
        { expr: `meshbeat_rounds_planned${THE_RUN}`, legend: 'of' },
        { expr: `meshbeat_mean_training_loss${THE_RUN}`, legend: 'loss' },
      ],
    ),
    figures(
      {
        title: 'Gate',
        description:
          'Whether the emulator has delivered what the scenario says, up to now; if not, the run is no evidence.',
        width: 3,
        height: 4,
      },
      [{ expr: `meshbeat_gate_ok${THE_RUN}`, legend: 'gate' }],
      VERDICT,
    ),
    lines(
      {
        title: 'Egress up, ingress down',
        description:
          'What each node sends (above zero) and receives (below), second by second: bursts of all nodes line up.',
        unit: BITS,
        width: 24,
        height: 11,
      },
      [
        { expr: `8 * node:meshbeat_egress_bytes:irate${THE_NODES}`, legend: '{{node}} up' },
        {
          expr: `8 * node:meshbeat_ingress_bytes:irate${THE_NODES}`,
          legend: '{{node}} down',
          mirrored: true,
        },
      ],
    ),
    states(
      {
        title: 'Bursts',
        description: 'When each node sends above a fifth of its peak rate; synchronized nodes make columns.',
        width: 24,
        height: 6,
      },
      { expr: `node:meshbeat_burst_active:bool${THE_NODES}`, legend: '{{node}}' },
      BURST,
    ),
    matrix(
      {
        title: 'Who sends to whom',
        description: 'Bytes from each node (row) to each peer (column) in the window shown.',
        unit: 'decbytes',
        decimals: 1,
        width: 10,
        height: 8,
      },
      `sum by (node, peer) (increase(meshbeat_path_bytes_total${THE_NODES}[$__range]))`,
      { row: 'node', column: 'peer' },
    ),
    lines(
      {
        title: 'Queues',
        description: 'Bytes that wait before each node’s links: full while it bursts.',
        unit: 'decbytes',
        width: 7,
        height: 8,
      },
      [{ expr: `sum by (node) (meshbeat_queue_bytes${THE_NODES})`, legend: '{{node}}' }],
    ),
    lines(
      {
        title: 'Drops',
        description: 'Packets per second that found a queue full.',
        unit: 'pps',
        width: 7,
        height: 8,
      },
      [
        {
          expr: `sum by (node) (rate(meshbeat_dropped_packets_total${THE_NODES}[$__rate_interval]))`,
          legend: '{{node}}',
        },
      ],
    ),
    lines(
      {
        title: 'Period over time',
        description: 'The period of each node as read off its byte counter; a run in order keeps it level.',
        unit: 's',
        width: 10,
        height: 7,
      },
      [{ expr: `node:meshbeat_burst_period_seconds:mean2m${THE_NODES}`, legend: '{{node}}' }],
    ),
    bars(
      {
        title: 'Start after the others',
        description:
          'How much later than the typical node each one started its last burst; negative is earlier.',
        unit: 's',
        decimals: 2,
        width: 5,
        height: 7,
      },
      {
        expr: `last_over_time(node:meshbeat_burst_lag_seconds:last${THE_NODES}[1m])`,
        legend: '{{node}}',
      },
    ),
    table(
      {
        title: 'Checks of the gate',
        description: 'Every check that has been made up to now, and whether it passed.',
        width: 9,
        height: 7,
      },
      `sort(meshbeat_gate_check${THE_RUN})`,
      { hide: [], value: { title: 'passed', names: { ...VERDICT, 0: { text: 'no', color: 'dark-red' } } } },
    ),
  ],
});
