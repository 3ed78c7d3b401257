/**
 * What Prometheus is configured with, judged by its own tool: is it valid, and do the rules find a heartbeat
 * where there is one and only there.
 */
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { scratchFolder } from '../support/files.js';
import { describeWith } from '../support/requires.js';
import { asPromtoolTest, PROMETHEUS, regular, UPLINK, type BurstOfWorld, type World } from './worlds.js';

const folder = scratchFolder();
const until = 120;
const NODES = ['a', 'b', 'c', 'd'];

/** What promtool prints; throws it where promtool finds fault. */
async function promtool(...words: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)('promtool', words);
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`promtool ${words.join(' ')}:\n${stdout}${stderr}`);
  }
}

const inStep = (bursts: (node: number) => BurstOfWorld[]): World => ({
  seconds: until,
  nodes: Object.fromEntries(NODES.map((name, index) => [name, bursts(index)])),
});

async function judge(name: string, ...world: Parameters<typeof asPromtoolTest>): Promise<void> {
  const file = join(folder, `${name}.yml`);
  writeFileSync(file, JSON.stringify(asPromtoolTest(...world)));
  expect(await promtool('test', 'rules', file)).toContain('SUCCESS');
}

const near = (series: string, value: number, tolerance: number) => ({
  expr: `abs(${series} - ${value}) < bool ${tolerance}`,
  answers: { '{run="r"}': 1 },
});
const firing = (alert: string) => ({
  expr: `count by (alertname) (ALERTS{alertname="${alert}", alertstate="firing"})`,
  answers: { [`{alertname="${alert}"}`]: 1 },
});

describeWith(['promtool'], 'the configuration of Prometheus', () => {
  it('is valid', async () => {
    const text = await promtool('check', 'config', join(PROMETHEUS, 'prometheus.yml'));
    expect(text).toContain('2 rule files found');
  });

  it('has valid rules', async () => {
    const rules = readdirSync(join(PROMETHEUS, 'rules')).map((name) => join(PROMETHEUS, 'rules', name));
    expect(await promtool('check', 'rules', '--lint=all', '--lint-fatal', ...rules)).toContain('SUCCESS');
  });

  it('has rules that give the figures worked out by hand', async () => {
    expect(await promtool('test', 'rules', join(PROMETHEUS, 'tests', 'rules.yml'))).toContain('SUCCESS');
  });
});

describeWith(['promtool'], 'a heartbeat is seen and measured', () => {
  const worlds = [
    ['period 3.3 s, bursts of 1 s', 3.3, 1],
    ['period 5.1 s, bursts of 1.1 s', 5.1, 1.1],
    ['period 8.7 s, bursts of 4 s', 8.7, 4],
    ['period 20.4 s, bursts of 2.3 s', 20.4, 2.3],
  ] as const;
  it.each(worlds)('%s', async (name, period, seconds) => {
    // Nodes start within a fifth of a second, and at no whole second.
    const world = inStep((node) => regular({ first: 2.34 + node / 20, period, seconds, until }));
    await judge(name, world, {
      questions: [
        near('mesh:meshbeat_burst_period_seconds:median', period, 0.02 * period),
        near('mesh:meshbeat_burst_bytes:avg', seconds * UPLINK, 0.02 * seconds * UPLINK),
        // An edge is known to the quarter of a second in which the meters are read.
        near('mesh:meshbeat_burst_duty_cycle:avg', seconds / period, 0.3 / period),
        near('mesh:meshbeat_burst_synchrony:avg2m', 0.9, 0.15),
        firing('MeshHeartbeatSeen'),
      ],
      silent: ['NodeLate'],
    });
  });

  it('behind the bursts that probe the network, and over links that it does not fill', async () => {
    const probes = (node: number) => [
      { start: 1 + node, seconds: 0.8 },
      { start: 8 + node / 2, seconds: 0.8 },
    ];
    const beat = regular({ first: 14.2, period: 6.4, seconds: 2, until }, 0.4 * UPLINK);
    await judge(
      'probed',
      inStep((node) => [...probes(node), ...beat]),
      {
        questions: [
          near('mesh:meshbeat_burst_period_seconds:median', 6.4, 0.2),
          near('mesh:meshbeat_burst_bytes:avg', 0.8 * UPLINK, 0.02 * UPLINK),
          firing('MeshHeartbeatSeen'),
        ],
        silent: ['NodeLate'],
      },
    );
  });

  it('and a node that starts its bursts late is named', async () => {
    const world = inStep((node) =>
      regular({ first: 2.3 + (node === 2 ? 1.6 : 0), period: 6.1, seconds: 1.5, until }),
    );
    await judge('late', world, {
      questions: [
        {
          expr: 'count by (node) (ALERTS{alertname="NodeLate", alertstate="firing"})',
          answers: { '{node="c"}': 1 },
        },
      ],
      silent: [],
    });
  });
});

describeWith(['promtool'], 'there is no alarm for', () => {
  const random = new Random(3, 'bursts at any time');
  /** Exponential intervals: independent arrivals. */
  function arrivals(mean: number): BurstOfWorld[] {
    const bursts: BurstOfWorld[] = [];
    for (let start = 0; start < until - 5; start += 0.5 - mean * Math.log(1 - random.uniform()))
      bursts.push({ start, seconds: 0.4 });
    return bursts;
  }

  const worlds: readonly (readonly [name: string, world: World])[] = [
    ['independent bursts at any time', inStep(() => arrivals(6))],
    [
      'nodes that beat alike, one after the other',
      inStep((node) => regular({ first: 2 + 2.5 * node, period: 10, seconds: 1, until })),
    ],
    ['a steady stream', inStep(() => [{ start: 0, seconds: until }])],
    [
      'silence but for a trickle',
      inStep(() => regular({ first: 2, period: 5, seconds: 1, until }, 0.01 * UPLINK)),
    ],
    [
      'one node that beats among silent ones',
      inStep((node) => (node === 0 ? regular({ first: 2, period: 5, seconds: 1, until }) : [])),
    ],
  ];
  it.each(worlds)('%s', async (name, world) => {
    await judge(name, world, { questions: [], silent: ['MeshHeartbeatSeen'] });
  });
});
