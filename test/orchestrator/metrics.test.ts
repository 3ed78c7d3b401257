/** What Prometheus would read, held against the events that led to it. */
import { describe, expect, it } from 'vitest';
import { Metrics } from '../../orchestrator/metrics.js';
import { readExposition, type Exposition } from './prometheus-text.js';
import { counters, sample, story, topologyOf } from './run-story.js';

const run = { scenario: 'diloco', protocol: 'diloco', fabric: 'netns' };
const newMetrics = () => new Metrics(topologyOf('ada', 'bob'), run);
const read = async (metrics: Metrics): Promise<Exposition> => readExposition(await metrics.text());

async function afterStory(): Promise<Exposition> {
  const metrics = newMetrics();
  for (const event of story) metrics.apply(event);
  return read(metrics);
}

describe('Metrics', () => {
  it('names everything by the rules', async () => {
    const { families, series } = await afterStory();
    expect(families.map(({ name }) => name).sort()).toEqual([
      'meshbeat_burst_duration_seconds',
      'meshbeat_dropped_packets_total',
      'meshbeat_egress_bytes_total',
      'meshbeat_egress_packets_total',
      'meshbeat_event_loop_lag_seconds',
      'meshbeat_ingress_bytes_total',
      'meshbeat_ingress_packets_total',
      'meshbeat_inner_steps_total',
      'meshbeat_lost_packets_total',
      'meshbeat_outer_steps_total',
      'meshbeat_queue_bytes',
      'meshbeat_round_duration_seconds',
      'meshbeat_run_info',
      'meshbeat_step_compute_seconds',
      'meshbeat_step_overruns_total',
      'meshbeat_training_loss',
    ]);
    for (const { name, type, help } of families) {
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(help).toMatch(/\.$/);
    }
    for (const key of series.keys()) {
      if (!key.startsWith('meshbeat_run_info')) expect(key).toMatch(/node="(ada|bob)"/);
    }
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

  it('keeps instances apart', async () => {
    const [used, fresh] = [newMetrics(), newMetrics()];
    for (const event of story) used.apply(event);
    expect((await read(fresh)).value('meshbeat_inner_steps_total', { node: 'ada' })).toBe(0);
  });
});
