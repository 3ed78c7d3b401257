/**
 * Worlds for the rules to look at: nodes that send bursts when the test says so, told as the counters that
 * Prometheus would have scraped, in the form that `promtool test rules` reads (JSON is YAML, too).
 */
import { fileURLToPath } from 'node:url';

/** Where prometheus.yml and the rules are. */
export const PROMETHEUS = fileURLToPath(new URL('../../../prometheus', import.meta.url));

/** Bytes per second of every uplink, 40 Mbit/s. */
export const UPLINK = 5e6;
/** Seconds between two readings of a node's meters: see src/cli/run/sampler.ts. */
const METER_SECONDS = 0.25;

export interface BurstOfWorld {
  readonly start: number;
  readonly seconds: number;
  /** Bytes per second; the whole uplink by default. */
  readonly rate?: number;
}

export interface World {
  readonly seconds: number;
  /** Bursts by node. */
  readonly nodes: Readonly<Record<string, readonly BurstOfWorld[]>>;
}

/** Bursts one period apart. */
export function regular(
  { first, period, seconds, until }: { first: number; period: number; seconds: number; until: number },
  rate = UPLINK,
): BurstOfWorld[] {
  const count = Math.floor((until - first) / period);
  return Array.from({ length: count }, (_, index) => ({ start: first + index * period, seconds, rate }));
}

/** A question to the rules at the end of the world: an expression, and all its answers by their labels. */
export interface Question {
  readonly expr: string;
  readonly answers: Readonly<Record<string, number>>;
}

export interface Expectation {
  readonly questions: readonly Question[];
  /** Names of the alerts that fire at the end of the world, and of those that do not. */
  readonly silent: readonly string[];
}

/** The world and what is expected of it, as a test file of promtool. */
export function asPromtoolTest(world: World, { questions, silent }: Expectation): Record<string, unknown> {
  const { seconds, nodes } = world;
  const end = `${seconds}s`;
  return {
    rule_files: [`${PROMETHEUS}/rules/heartbeat.yml`, `${PROMETHEUS}/rules/alerts.yml`],
    evaluation_interval: '1s',
    group_eval_order: ['heartbeat of each node', 'heartbeat of the mesh', 'alerts'],
    tests: [
      {
        interval: '1s',
        input_series: Object.entries(nodes).flatMap(([node, bursts]) => [
          {
            series: `meshbeat_uplink_bytes_per_second{run="r",node="${node}"}`,
            values: `${UPLINK}x${seconds}`,
          },
          {
            series: `meshbeat_egress_bytes_total{run="r",node="${node}"}`,
            values: Array.from({ length: seconds + 1 }, (_, at) => counterAt(bursts, at)).join(' '),
          },
        ]),
        promql_expr_test: questions.map(({ expr, answers }) => ({
          expr,
          eval_time: end,
          exp_samples: Object.entries(answers).map(([labels, value]) => ({ labels, value })),
        })),
        alert_rule_test: silent.map((alertname) => ({ alertname, eval_time: end, exp_alerts: [] })),
      },
    ],
  };
}

/** What the meters, last read a moment ago, say has been sent. */
function counterAt(bursts: readonly BurstOfWorld[], at: number): number {
  const read = Math.floor((at - 0.1) / METER_SECONDS) * METER_SECONDS;
  const sent = bursts.map(
    ({ start, seconds, rate = UPLINK }) => rate * Math.min(seconds, Math.max(0, read - start)),
  );
  return Math.round(sent.reduce((sum, bytes) => sum + bytes, 0));
}
