/** The endpoint of a node by itself: before it has a run, in one, and in the next. */
import { describe, expect, it } from 'vitest';
import { NodeMetrics } from '../../nodes/node-metrics.js';
import { readExposition, type Exposition } from '../orchestrator/prometheus-text.js';
import { counters, round, step, topologyOf } from '../orchestrator/run-story.js';

const topology = topologyOf('ada', 'bob', 'eve');
const lateness = { count: 9, p50: 0.001, p99: 0.002, max: 0.004 };
const read = async (metrics: NodeMetrics): Promise<Exposition> => readExposition(await metrics.text());
const bob = { run: 'r-1', node: 'bob' };

function joined(run = 'r-1'): NodeMetrics {
  const metrics = new NodeMetrics();
  metrics.join({ run, topology, rank: 1 });
  return metrics;
}

/** A node reports what is its own. */
function tell(metrics: NodeMetrics): void {
  for (const event of [step(1, 0, 5), step(1, 1, 4, 0.1), round(1, 0, 0, 0.75)]) {
    if (event.type === 'step' || event.type === 'round') metrics.apply(event);
  }
  metrics.meter(counters(5000, { egressBytesTo: [4000, 0, 1000] }), lateness);
}

describe('NodeMetrics', () => {
  it('answers while it waits for a run: the process, and that it has no part yet', async () => {
    const metrics = new NodeMetrics();
    metrics.meter(counters(1), lateness);
    const { value, series } = await read(metrics);
    expect(value('meshbeat_node_joined')).toBe(0);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect([...series.keys()].filter((key) => key.startsWith('meshbeat_'))).toHaveLength(1);
    expect(metrics.contentType).toMatch(/^text\/plain/);
  });

  it('speaks for itself only, with run and node on every series', async () => {
    const metrics = joined();
    tell(metrics);
    const { series, value } = await read(metrics);
    for (const key of series.keys()) {
      expect(key).toContain('run="r-1"');
      expect(key).toContain('node="bob"');
    }
    expect(value('meshbeat_node_joined', bob)).toBe(1);
    expect(value('process_resident_memory_bytes', bob)).toBeGreaterThan(1e6);
    expect(value('meshbeat_inner_steps_total', bob)).toBe(2);
    expect(value('meshbeat_step_overruns_total', bob)).toBe(1);
    expect(value('meshbeat_outer_steps_total', bob)).toBe(1);
    expect(value('meshbeat_egress_bytes_total', bob)).toBe(5000);
    expect(value('meshbeat_path_bytes_total', { ...bob, peer: 'ada' })).toBe(4000);
    expect(value('meshbeat_path_bytes_total', { ...bob, peer: 'eve' })).toBe(1000);
    expect(value('meshbeat_lateness_seconds', { ...bob, statistic: 'p99' })).toBe(0.002);
    const where = { rank: '1', region: 'region-of-bob', address: '10.77.0.2' };
    expect(value('meshbeat_node_info', { ...bob, ...where })).toBe(1);
  });

  it('counts the steps of a pipeline stage without a loss, and has no series for one', async () => {
    const metrics = joined();
    metrics.apply({ type: 'step', rank: 1, step: 0, computeSeconds: 0.3, overrunSeconds: 0 });
    const { series, value } = await read(metrics);
    expect(value('meshbeat_inner_steps_total', bob)).toBe(1);
    expect([...series.keys()].filter((key) => key.startsWith('meshbeat_training_loss'))).toEqual([]);
  });

  it('starts afresh in a later run', async () => {
    const metrics = joined();
    tell(metrics);
    metrics.join({ run: 'r-2', topology, rank: 0 });
    const { series, value } = await read(metrics);
    for (const key of series.keys()) expect(key).toContain('run="r-2"');
    expect(value('meshbeat_inner_steps_total', { run: 'r-2', node: 'ada' })).toBe(0);
  });

  it('refuses a rank that the mesh does not have', () => {
    expect(() => new NodeMetrics().join({ run: 'r', topology, rank: 3 })).toThrow('rank 3 of 3');
  });
});
