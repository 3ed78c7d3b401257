/** "WAN": how full the links are, what they lose, and whether the shaper keeps time. */
import { dashboard, THE_NODES } from './frame.js';
import { lines, matrix, table } from './panels.js';

const perNode = (expr: string): { expr: string; legend: string } => ({ expr, legend: '{{node}}' });
const rateOf = (counter: string): string => `sum by (node) (rate(${counter}${THE_NODES}[$__rate_interval]))`;
const linkOf = (link: string): string => `sum by (node) (meshbeat_${link}_bytes_per_second${THE_NODES})`;

export const wan = dashboard({
  uid: 'wan',
  title: 'WAN',
  description: 'The network between the nodes: load, queues, losses, and how well it is emulated.',
  panels: [
    lines(
      {
        title: 'Load of the uplinks',
        description: 'Rate that each node sends at, as a share of its uplink.',
        unit: 'percentunit',
        width: 12,
        height: 9,
      },
      [
        perNode(
          `sum by (node) (node:meshbeat_egress_bytes:irate${THE_NODES}) / on (node) ${linkOf('uplink')}`,
        ),
      ],
    ),
    lines(
      {
        title: 'Load of the downlinks',
        description: 'Rate that each node receives at, as a share of its downlink.',
        unit: 'percentunit',
        width: 12,
        height: 9,
      },
      [
        perNode(
          `sum by (node) (node:meshbeat_ingress_bytes:irate${THE_NODES}) / on (node) ${linkOf('downlink')}`,
        ),
      ],
    ),
    lines(
      {
        title: 'Rates between nodes',
        description: 'What each node sends to each peer.',
        unit: 'bps',
        width: 24,
        height: 9,
      },
      [
        {
          expr: `8 * sum by (node, peer) (rate(meshbeat_path_bytes_total${THE_NODES}[$__rate_interval]))`,
          legend: '{{node}} → {{peer}}',
        },
      ],
    ),
    lines(
      {
        title: 'Queues',
        description: 'Bytes that wait before each node’s links.',
        unit: 'decbytes',
        width: 8,
        height: 8,
      },
      [perNode(`sum by (node) (meshbeat_queue_bytes${THE_NODES})`)],
    ),
    lines(
      {
        title: 'Drops',
        description: 'Packets per second that found a queue full.',
        unit: 'pps',
        width: 8,
        height: 8,
      },
      [perNode(rateOf('meshbeat_dropped_packets_total'))],
    ),
    lines(
      {
        title: 'Losses',
        description: 'Packets per second that a path lost, as the scenario says it should.',
        unit: 'pps',
        width: 8,
        height: 8,
      },
      [perNode(rateOf('meshbeat_lost_packets_total'))],
    ),
    lines(
      {
        title: 'Lateness of shaped packets',
        description:
          'How much later than the model wants packets leave, since the start; the gate allows 5 ms for 99 of 100.',
        unit: 's',
        width: 8,
        height: 8,
      },
      [
        {
          expr: 'max by (statistic) (meshbeat_lateness_seconds{run="$run"})',
          legend: '{{statistic}}',
        },
      ],
    ),
    lines(
      {
        title: 'Packets',
        description: 'Packets per second that each node sends (above zero) and receives (below).',
        unit: 'pps',
        width: 8,
        height: 8,
      },
      [
        { expr: rateOf('meshbeat_egress_packets_total'), legend: '{{node}} up' },
        { expr: rateOf('meshbeat_ingress_packets_total'), legend: '{{node}} down', mirrored: true },
      ],
    ),
    lines(
      {
        title: 'Bytes per packet',
        description: 'Mean size of what each node sends: large for weights, small for acknowledgements.',
        unit: 'decbytes',
        width: 8,
        height: 8,
      },
      [
        perNode(
          `${rateOf('meshbeat_egress_bytes_total')} / (${rateOf('meshbeat_egress_packets_total')} > 0)`,
        ),
      ],
    ),
    matrix(
      {
        title: 'Configured delays',
        description: 'One-way delay from each node (row) to each peer (column), without queues.',
        unit: 's',
        decimals: 1,
        width: 12,
        height: 8,
      },
      `sum by (node, peer) (meshbeat_path_delay_seconds${THE_NODES})`,
      { row: 'node', column: 'peer' },
    ),
    table(
      {
        title: 'Nodes',
        description: 'Who is where, on which address of the shaped network.',
        width: 12,
        height: 8,
      },
      `sort(meshbeat_node_info${THE_NODES})`,
      { hide: ['Value'] },
    ),
  ],
});
