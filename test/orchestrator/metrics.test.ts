/** What Prometheus would read, held against the events that led to it. */
import { describe, expect, it } from 'vitest';
import { Board } from '../../orchestrator/board.js';
import { Metrics, RunMetrics } from '../../orchestrator/metrics.js';
import type { RunEvent } from '../../src/run/events.js';
import { readExposition, type Exposition } from './prometheus-text.js';
import { counters, sample, story, topologyOf } from './run-story.js';

const run = { scenario: 'diloco', protocol: 'diloco', fabric: 'netns' };
/** What every node has. */
const OF_NODES = [
  'meshbeat_burst_duration_seconds',
  'meshbeat_downlink_bytes_per_second',
  'meshbeat_dropped_packets_total',
  'meshbeat_egress_bytes_total',
  'meshbeat_egress_packets_total',
  'meshbeat_event_loop_lag_seconds',
  'meshbeat_ingress_bytes_total',
  'meshbeat_ingress_packets_total',
  'meshbeat_inner_steps_total',
  'meshbeat_lateness_seconds',
  'meshbeat_lost_packets_total',
  'meshbeat_node_info',
  'meshbeat_outer_steps_total',
  'meshbeat_path_bytes_total',
  'meshbeat_path_delay_seconds',
  'meshbeat_queue_bytes',
  'meshbeat_round_duration_seconds',
  'meshbeat_step_compute_seconds',
  'meshbeat_step_overruns_total',
  'meshbeat_training_loss',
  'meshbeat_uplink_bytes_per_second',
];
const OF_THE_RUN = [
  'meshbeat_expected_nodes',
  'meshbeat_expected_period_seconds',
  'meshbeat_gate_check',
  'meshbeat_gate_final',
  'meshbeat_gate_ok',
  'meshbeat_joined_nodes',
  'meshbeat_mean_training_loss',
  'meshbeat_node_synchronizing',
  'meshbeat_period_seconds',
  'meshbeat_remaining_seconds',
  'meshbeat_rounds_done',
  'meshbeat_rounds_planned',
  'meshbeat_run_info',
];
const newMetrics = () => new Metrics(topologyOf('ada', 'bob'), run);
const read = async (metrics: Pick<Metrics, 'text'>): Promise<Exposition> =>
  readExposition(await metrics.text());

async function afterStory(): Promise<Exposition> {
  const metrics = newMetrics();
  for (const event of story) metrics.apply(event);
  return read(metrics);
}

describe('Metrics', () => {
  it('names everything by the rules', async () => {
    const { families, series } = await afterStory();
    const ours = families.filter(({ name }) => name.startsWith('meshbeat_'));
    expect(ours.map(({ name }) => name).sort()).toEqual([...OF_NODES, ...OF_THE_RUN].sort());
    for (const { name, type, help } of ours) {
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(help).toMatch(/\.$/);
    }
    for (const key of series.keys())
      if (OF_NODES.some((name) => key.startsWith(name))) expect(key).toMatch(/node="(ada|bob)"|statistic=/);
  });

  it('tells of the process, too', async () => {
    const { value } = await read(newMetrics());
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  });

  it('has every counter and histogram at zero from the start, and no loss yet', async () => {
    const { series } = await read(newMetrics());
    for (const node of ['ada', 'bob']) {
      expect(series.get(`meshbeat_egress_bytes_total{node="${node}"}`)).toBe(0);
      expect(series.get(`meshbeat_outer_steps_total{node="${node}"}`)).toBe(0);
      expect(series.get(`meshbeat_round_duration_seconds_count{node="${node}"}`)).toBe(0);
    }
    expect([...series.keys()].filter((key) => key.startsWith('meshbeat_training_loss'))).toEqual([]);
  });

  it('tells which run it is', async () => {
    expect((await read(newMetrics())).value('meshbeat_run_info', run)).toBe(1);
  });

  it('passes the counters of the fabric on', async () => {
    const { value } = await afterStory();
    const of = (name: string) => ['ada', 'bob'].map((node) => value(`meshbeat_${name}`, { node }));
    expect(of('egress_bytes_total')).toEqual([6_000_000, 500_000]);
    expect(of('ingress_bytes_total')).toEqual([3_000_000, 250_000]);
    expect(of('egress_packets_total')).toEqual([6000, 500]);
    expect(of('ingress_packets_total')).toEqual([3000, 250]);
    expect(of('dropped_packets_total')).toEqual([0, 2]);
    expect(of('lost_packets_total')).toEqual([0, 4]);
    expect(of('queue_bytes')).toEqual([0, 0]);
  });

  it('tells who sends to whom, and how late packets were', async () => {
    const metrics = newMetrics();
    metrics.apply(
      sample(0, counters(100, { egressBytesTo: [0, 70] }), counters(50, { egressBytesTo: [20, 0] })),
    );
    const { value, series } = await read(metrics);
    expect(value('meshbeat_path_bytes_total', { node: 'ada', peer: 'bob' })).toBe(70);
    expect(value('meshbeat_path_bytes_total', { node: 'bob', peer: 'ada' })).toBe(20);
    expect([...series.keys()].filter((key) => key.startsWith('meshbeat_path_bytes'))).toHaveLength(2);
    expect(value('meshbeat_lateness_seconds', { statistic: 'p50' })).toBe(0.00002);
    expect(value('meshbeat_lateness_seconds', { statistic: 'p99' })).toBe(0.0002);
    expect(value('meshbeat_lateness_seconds', { statistic: 'max' })).toBe(0.003);
  });

  it('tells who and where each node is, and what its links are', async () => {
    const { value } = await read(newMetrics());
    const where = { node: 'bob', rank: '1', region: 'region-of-bob', address: '10.77.0.2' };
    expect(value('meshbeat_node_info', where)).toBe(1);
    expect(value('meshbeat_uplink_bytes_per_second', { node: 'bob' })).toBe(5e6);
    expect(value('meshbeat_downlink_bytes_per_second', { node: 'bob' })).toBe(12.5e6);
    expect(value('meshbeat_path_delay_seconds', { node: 'ada', peer: 'bob' })).toBe(0.02);
  });

  it('counts steps, rounds and overruns, and shows the last loss and lag', async () => {
    const { value } = await afterStory();
    const of = (name: string) => ['ada', 'bob'].map((node) => value(`meshbeat_${name}`, { node }));
    expect(of('inner_steps_total')).toEqual([4, 4]);
    expect(of('outer_steps_total')).toEqual([2, 2]);
    expect(of('step_overruns_total')).toEqual([0, 1]);
    expect(of('training_loss')).toEqual([2, 2.5]);
    expect(of('event_loop_lag_seconds')).toEqual([0.02, 0.02]);
    expect(of('step_compute_seconds_count')).toEqual([4, 4]);
    expect(value('meshbeat_step_compute_seconds_sum', { node: 'ada' })).toBeCloseTo(1.2, 9);
  });

  it('measures rounds from first start to last end, bursts from the first send', async () => {
    const { value } = await afterStory();
    // Bob: rounds of 1 s compute, bursts of 0.75 s and 1.25 s, 0.25 s for the outer step.
    const node = 'bob';
    expect(value('meshbeat_round_duration_seconds_count', { node })).toBe(2);
    expect(value('meshbeat_round_duration_seconds_sum', { node })).toBeCloseTo(2 + 2.5, 9);
    expect(value('meshbeat_round_duration_seconds_bucket', { node, le: '1.5' })).toBe(0);
    expect(value('meshbeat_round_duration_seconds_bucket', { node, le: '3' })).toBe(2);
    expect(value('meshbeat_burst_duration_seconds_sum', { node })).toBeCloseTo(0.75 + 1.25, 9);
    expect(value('meshbeat_burst_duration_seconds_bucket', { node, le: '0.5' })).toBe(0);
    expect(value('meshbeat_burst_duration_seconds_bucket', { node, le: '1' })).toBe(1);
    expect(value('meshbeat_burst_duration_seconds_bucket', { node, le: '600' })).toBe(2);
  });

  it('observes no burst in a round without sends', async () => {
    const metrics = newMetrics();
    metrics.apply({
      type: 'round',
      rank: 0,
      round: 0,
      outerOverrunSeconds: 0,
      eventLoopLagSeconds: 0,
      operations: [],
    });
    const { value } = await read(metrics);
    expect(value('meshbeat_burst_duration_seconds_count', { node: 'ada' })).toBe(0);
    expect(value('meshbeat_round_duration_seconds_count', { node: 'ada' })).toBe(0);
  });

  it('counts the nodes as joined when training begins', async () => {
    const metrics = newMetrics();
    expect((await read(metrics)).value('meshbeat_joined_nodes')).toBe(0);
    for (const event of story) metrics.apply(event);
    expect((await read(metrics)).value('meshbeat_joined_nodes')).toBe(2);
    expect((await read(metrics)).value('meshbeat_expected_nodes')).toBe(2);
  });

  it('lets no counter go down, event by event', async () => {
    const metrics = newMetrics();
    let before = await read(metrics);
    // The last reading is behind: a counter read while it was being written.
    for (const event of [...story, sample(3, counters(5_000_000), counters(400_000))]) {
      metrics.apply(event);
      const now = await read(metrics);
      for (const [key, value] of before.series) {
        if (/_(total|count|sum|bucket)\{/.test(key))
          expect(now.series.get(key), key).toBeGreaterThanOrEqual(value);
      }
      before = now;
    }
    metrics.apply(sample(4, counters(6_000_100), counters(500_000)));
    expect((await read(metrics)).value('meshbeat_egress_bytes_total', { node: 'ada' })).toBe(6_000_100);
  });

  it('labels every series with the run once it has a name', async () => {
    const metrics = newMetrics();
    for (const event of [...story, { type: 'run', id: 'r-1' } as const]) metrics.apply(event);
    const { series, value } = await read(metrics);
    for (const key of series.keys()) expect(key).toContain('run="r-1"');
    expect(value('meshbeat_outer_steps_total', { node: 'ada', run: 'r-1' })).toBe(2);
  });

  it('keeps instances apart', async () => {
    const [used, fresh] = [newMetrics(), newMetrics()];
    for (const event of story) used.apply(event);
    expect((await read(fresh)).value('meshbeat_inner_steps_total', { node: 'ada' })).toBe(0);
  });
});

describe('the series of the run', () => {
  const facts = { ...run, rounds: 3, stepsPerRound: 2, pace: 0.5, expectedPeriodSeconds: 2 };
  const check = (name: string, ok: boolean) =>
    ({ name, ok, expected: null, measured: 1, tolerance: 1, unit: 's' }) as const;

  async function after(...events: RunEvent[]): Promise<Exposition> {
    const board = new Board(topologyOf('ada', 'bob'), facts);
    const metrics = new RunMetrics(run);
    metrics.watch(board);
    for (const event of events) board.apply(event);
    return read(metrics);
  }
  const told = ({ series }: Exposition, name: string) =>
    [...series.keys()].filter((key) => key.startsWith(`meshbeat_${name}{`));

  it('answers before there is a board: which run, and who has come', async () => {
    const metrics = new RunMetrics(run);
    expect((await read(metrics)).value('meshbeat_joined_nodes')).toBe(0);
    metrics.attendance({ joined: 3, expected: 4 });
    const { value } = await read(metrics);
    expect(value('meshbeat_run_info', run)).toBe(1);
    expect(value('meshbeat_joined_nodes')).toBe(3);
    expect(value('meshbeat_expected_nodes')).toBe(4);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  });

  it('leaves out what is not known yet', async () => {
    const exposition = await after();
    expect(exposition.value('meshbeat_rounds_planned')).toBe(3);
    expect(exposition.value('meshbeat_rounds_done')).toBe(0);
    expect(exposition.value('meshbeat_expected_period_seconds')).toBe(2);
    for (const name of ['period_seconds', 'remaining_seconds', 'mean_training_loss', 'gate_ok', 'gate_check'])
      expect(told(exposition, name), name).toEqual([]);
  });

  it('copies what stands on the board', async () => {
    const { value } = await after(...story);
    expect(value('meshbeat_rounds_done')).toBe(2);
    // The rounds ended 2 s and 4.5 s after training began.
    expect(value('meshbeat_period_seconds')).toBeCloseTo(2.5, 9);
    expect(value('meshbeat_remaining_seconds')).toBeCloseTo(2.5, 9);
    expect(value('meshbeat_mean_training_loss')).toBeCloseTo(2.25, 9);
  });

  it('tells which nodes exchange weights now', async () => {
    const { value } = await after(...story.slice(0, 7));
    expect(value('meshbeat_node_synchronizing', { node: 'ada' })).toBe(1);
    expect(value('meshbeat_node_synchronizing', { node: 'bob' })).toBe(0);
  });

  it('tells how each check of the gate stands, and the gate', async () => {
    const checks = [check('rate a → b', true), check('lateness', false), check('rate a → b', true)];
    const open = await after({ type: 'gate', checks, final: false });
    expect(open.value('meshbeat_gate_check', { check: 'rate a → b' })).toBe(1);
    expect(open.value('meshbeat_gate_check', { check: 'lateness' })).toBe(0);
    expect(open.value('meshbeat_gate_ok')).toBe(0);
    expect(open.value('meshbeat_gate_final')).toBe(0);
    const closed = await after({ type: 'gate', checks: checks.slice(0, 1), final: true });
    expect(closed.value('meshbeat_gate_ok')).toBe(1);
    expect(closed.value('meshbeat_gate_final')).toBe(1);
  });

  it('forgets a check that is no longer made', async () => {
    const board = new Board(topologyOf('ada', 'bob'), facts);
    const metrics = new RunMetrics(run);
    metrics.watch(board);
    board.apply({ type: 'gate', checks: [check('old', false)], final: false });
    await read(metrics);
    board.apply({ type: 'gate', checks: [check('new', true)], final: true });
    expect(told(await read(metrics), 'gate_check')).toEqual(['meshbeat_gate_check{check="new"}']);
  });
});
